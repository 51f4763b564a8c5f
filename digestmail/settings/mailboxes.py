"""Who the mail is from, and where what cannot be delivered comes back to."""

from email.utils import parseaddr
from typing import Self

from pydantic import BaseModel, field_validator, model_validator

from digestmail.address import parse_address
from digestmail.errors import InputError
from digestmail.tokens import MAIL_TOKEN_LENGTH

PLACE = "*"
"""Where the token goes in the address of bounces."""

_ANY_TOKEN = "0" * MAIL_TOKEN_LENGTH
_LONGEST_LOCAL_PART = 64  # octets (RFC 5321, 4.5.3.1.1)


class Mailboxes(BaseModel):
    """The addresses of the publication."""

    sender: str = "Daily Digest <digest@localhost.localdomain>"
    """The From of every mail, `Name <address>`."""
    confirmation_sender: str | None = None
    """The From of the letters that ask for confirmation, apart from that of the digests: mailbox providers know senders
    by what becomes of their mail. Without it, `sender` with `+confirm` before the @."""
    bounces: str | None = None
    """Where mail that cannot be delivered comes back to: an address whose server takes anything after a +, such as
    `bounces@example.org`; or one with a * where the token goes, such as `*@bounces.example.org`; or `none`.

    Without it, `sender` with a + and the token before the @.
    """
    operator: str | None = None
    """The address that is told when a feed needs somebody."""
    postal_address: str = ""
    """The publisher's postal address, in the foot of every mail; required before mail leaves the machine."""

    @field_validator("sender", "confirmation_sender")
    @classmethod
    def _read_sender(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if any(mark in value for mark in "\r\n\0"):
            raise ValueError("use one line, such as The Courier <digest@example.org>")
        typed = parseaddr(value)[1]
        try:
            address = parse_address(typed)
        except InputError as error:
            raise ValueError("use a name and an address, such as The Courier <digest@example.org>") from error
        return address.text.join(value.rsplit(typed, 1))

    @field_validator("operator")
    @classmethod
    def _read_operator(cls, value: str | None) -> str | None:
        try:
            return value and parse_address(value).text
        except InputError as error:
            raise ValueError("use one mail address, such as you@example.org") from error

    @field_validator("bounces")
    @classmethod
    def _read_bounces(cls, value: str | None) -> str | None:
        if value in (None, "none"):
            return value
        try:
            pattern = value if value.count(PLACE) == 1 else _plus(parse_address(value).text, PLACE)
            return parse_address(pattern.replace(PLACE, _ANY_TOKEN)).text.replace(_ANY_TOKEN, PLACE)
        except InputError as error:
            raise ValueError(
                "use an address such as bounces@example.org or *@bounces.example.org "
                f"with at most {_LONGEST_LOCAL_PART - MAIL_TOKEN_LENGTH - 1} letters before the @, or none"
            ) from error

    @model_validator(mode="after")
    def _leave_place_for_a_token(self) -> Self:
        local_part = (self.bounce_pattern or "").rpartition("@")[0]
        if len(local_part.replace(PLACE, _ANY_TOKEN)) > _LONGEST_LOCAL_PART:
            raise ValueError(
                "BOUNCES must be set, since the address in SENDER is too long to take a token before its @; "
                "none is a value too"
            )
        return self

    @property
    def bounce_pattern(self) -> str | None:
        """The envelope sender of a message, with `PLACE` for its token; None where all have the plain `sender`."""
        if self.bounces == "none":
            return None
        return self.bounces or _plus(parseaddr(self.sender)[1], PLACE)

    @property
    def sender_of_letters(self) -> str:
        """The From of letters, `Name <address>`."""
        if self.confirmation_sender:
            return self.confirmation_sender
        typed = parseaddr(self.sender)[1]
        return _plus(typed, "confirm").join(self.sender.rsplit(typed, 1))


def _plus(address: str, detail: str) -> str:
    """The address with a detail (RFC 5233), which most mail servers deliver to the same mailbox."""
    local_part, _, domain = address.rpartition("@")
    return f"{local_part}+{detail}@{domain}"
