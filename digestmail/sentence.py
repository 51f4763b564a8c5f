"""A sentence for readers: English text that knows how it was made, so that a page can say it in another language."""


class Sentence(str):
    """Its text is the English sentence; `message` and `values` are what a catalogue needs (see `Language.say`).

    Catalogues take their messages from the calls, so the first argument is always a literal.
    """

    __slots__ = ("message", "values")

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, **values: object) -> "Sentence":
        """The message with its values in place of `%(name)s`."""
        made = super().__new__(cls, message % values if values else message)
        made.message, made.values = message, values
        return made
