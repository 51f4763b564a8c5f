"""Short signed tokens for the links in a mail.

A token is a purpose and a number (a row's id) under a keyed hash: 5 bytes of number and the first 12 bytes of
HMAC-SHA256, as 23 characters of URL-safe base64. The fixed length lets composed mail be cut at a link and filled in for
each reader, and keeps whole links under 70 characters, past which header folding breaks them. The purpose is part
of what is signed, so a link can do only the one thing that it was made for. Tokens carry no time: what expires is
checked against the row that the number names.
"""

import base64
import binascii
import hmac
from enum import StrEnum

from digestmail.errors import TokenError

TOKEN_LENGTH = 23

_NUMBER_BYTES = 5
_SIGNATURE_BYTES = 12


class Purpose(StrEnum):
    """What a link may do. The number is a delivery's id for CONFIRM, a subscriber's id for the others."""

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    UNDO = "undo"
    PREFERENCES = "preferences"


class Tokens:
    """Makes and reads the tokens of one installation, known by its secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self.installation = hmac.digest(self._secret, b"digestmail:installation", "sha256")[:4].hex()
        """Tells this installation's numbers from those of another one on the same domain; 8 letters, no secret."""

    def make(self, purpose: Purpose, number: int) -> str:
        """The token for `purpose` on row `number` (0 to 2^40 − 1)."""
        payload = number.to_bytes(_NUMBER_BYTES, "big")
        return base64.urlsafe_b64encode(payload + self._sign(purpose, payload)).rstrip(b"=").decode("ascii")

    def read(self, purpose: Purpose, token: str) -> int:
        """The number in a token. Raises TokenError unless it was made here, for this purpose, and came whole."""
        try:
            raw = base64.b64decode(token.encode("ascii") + b"=", altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error) as error:
            raise TokenError("This link is damaged.") from error
        payload, signature = raw[:_NUMBER_BYTES], raw[_NUMBER_BYTES:]
        number = int.from_bytes(payload, "big")
        if len(token) != TOKEN_LENGTH or not hmac.compare_digest(signature, self._sign(purpose, payload)):
            raise TokenError("This link is not one of ours, or a part of it is missing.")
        if token != self.make(purpose, number):  # unused low bits of the last character
            raise TokenError("This link is damaged.")
        return number

    def _sign(self, purpose: Purpose, payload: bytes) -> bytes:
        return hmac.digest(self._secret, f"digestmail:{purpose}:".encode() + payload, "sha256")[:_SIGNATURE_BYTES]
