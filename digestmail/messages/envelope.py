"""The envelope sender of a message: an address that tells which delivery it was when it comes back (VERP)."""

import re

from digestmail.errors import TokenError
from digestmail.messages.publication import Publication
from digestmail.tokens import MAIL_TOKEN_LENGTH, Purpose, Tokens


class ReturnAddress:
    """Makes and reads the addresses to which a publication's messages come back."""

    def __init__(self, publication: Publication, tokens: Tokens) -> None:
        self._tokens = tokens
        self._plain = publication.sender_address
        self._before, place, self._after = (publication.bounces or self._plain).partition("*")
        self._make = tokens.mail_maker(Purpose.BOUNCE) if place else None
        token = rf"[0-9a-f]{{{MAIL_TOKEN_LENGTH}}}"
        self._ours = re.compile(f"{re.escape(self._before)}{token}{re.escape(self._after)}", re.IGNORECASE)

    def of(self, delivery_id: int) -> str:
        """The envelope sender of a delivery; the sender's bare address where bounces have none of their own."""
        return f"{self._before}{self._make(delivery_id)}{self._after}" if self._make else self._plain

    def read(self, address: str) -> int | None:
        """The delivery whose message came back to this address; None where it is not one of ours, whole and unforged.

        Letters of any case will do, as mail servers may change them.
        """
        before, after = self._before.lower(), self._after.lower()
        folded = address.strip().strip("<>").lower()
        token = folded.removeprefix(before).removesuffix(after)
        if not self._make or len(token) != MAIL_TOKEN_LENGTH or folded != f"{before}{token}{after}":
            return None
        try:
            return self._tokens.read_mail_token(Purpose.BOUNCE, token)
        except TokenError:
            return None

    def find(self, text: str) -> int | None:
        """The delivery of the first address of ours in a text, whole and unforged; None where there is none."""
        found = (self.read(address) for address in self._ours.findall(text))
        return next((delivery_id for delivery_id in found if delivery_id is not None), None)
