"""The errors that people are meant to read: each says what happened and what to do.

DigestmailError
├── SettingsError      a setting is unknown or bad; the start stops
├── InputError         something a person typed cannot be used
├── TokenError         a link is not one of ours, or was cut short
├── ForgottenError     whose link it is asked to be forgotten
├── FeedError          a feed could not be fetched or read
└── RelayError         the mail server could not be reached or refused to talk to us
"""

from datetime import timedelta


class DigestmailError(Exception):
    """The root: its text is one or two sentences for a person."""


class SettingsError(DigestmailError):
    """A setting is unknown or has a value that cannot be used."""


class InputError(DigestmailError):
    """What was typed into `field` cannot be used; the message stands beside that field.

    Readers see it in their language where it is a `Sentence`.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class TokenError(DigestmailError):
    """A link's token was not made by this installation, or was damaged on its way."""


class ForgottenError(DigestmailError):
    """Whose link it is asked to be forgotten."""


class FeedError(DigestmailError):
    """A feed could not be had. `permanent` means that asking again will not help (RFC 9110, 410 Gone).

    `retry_after` is for how long its host asks to be left alone, if it does (RFC 9110, 10.2.3).
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class RelayError(DigestmailError):
    """The mail server cannot be reached or takes no mail from us; whatever has no dot yet can be tried again."""


class FormError(DigestmailError):
    """A form cannot be used as it is: `messages` maps each wrong field to the sentence that stands beside it.

    Those that readers may see are `Sentence`s.
    """

    def __init__(self, messages: dict[str, str]) -> None:
        super().__init__(" ".join(messages.values()))
        self.messages = messages
