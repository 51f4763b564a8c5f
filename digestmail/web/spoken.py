"""The language of a page: what its address asks for, else its reader's own, else what the browser likes."""

from dataclasses import dataclass

from digestmail.language import Language, english, find_language, language_of


@dataclass(frozen=True, slots=True)
class Spoken:
    """The language of a page, and how it was found."""

    language: Language
    asked: bool = False
    """By `?lang=`: it stays so from page to page."""
    negotiated: bool = False
    """By what the browser likes: another browser would get another page at this address (RFC 9110, 12.5.5)."""

    @property
    def query(self) -> str:
        """What keeps the language in the address of the next page."""
        return f"?lang={self.language.code}" if self.asked else ""

    def for_reader(self, locale: str | None) -> "Spoken":
        """The page of a reader with this locale, if there is one."""
        return self if self.asked or locale is None else Spoken(language_of(locale))

    def asked_for(self, tag: str) -> "Spoken":
        """The page for a form that was sent in this language; the same where there is no such one."""
        found = find_language(tag)
        return Spoken(found, asked=self.asked) if found else self


def in_english() -> Spoken:
    """What the operator reads, and the demo."""
    return Spoken(english())
