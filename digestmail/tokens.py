"""Short signed tokens for the links in a mail.

A token is a purpose and a number (a row's id) under a keyed hash: 5 bytes of number and the first 12 bytes of
HMAC-SHA256, as 23 characters of URL-safe base64. The fixed length lets composed mail be cut at a link and filled in for
each reader, and keeps whole links under 70 characters, past which header folding breaks them. The purpose is part
of what is signed, so a link can do only the one thing that it was made for. Tokens carry no time: what expires is
checked against the row that the number names.

In a mail address a token is written in hexadecimal, since mail servers may change the case of letters, and with the
first 8 bytes of the hash, since at most 64 characters stand before an @: it is 26 of them.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Callable
from enum import StrEnum

from digestmail.errors import TokenError

TOKEN_LENGTH = 23

MAIL_TOKEN_LENGTH = 26

_NUMBER_BYTES = 5
_SIGNATURE_BYTES = 12
_MAIL_SIGNATURE_BYTES = 8

_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648, section 5


class Purpose(StrEnum):
    """What a link may do.

    The number is a delivery's id for CONFIRM, VIEW, BOUNCE, ACCESS, MOVE and STAY, a feed's id for HUB and for DESK,
    the form of the operator's page, and a subscriber's id for the others.
    """

    CONFIRM = "confirm"
    UNSUBSCRIBE = "unsubscribe"
    UNDO = "undo"
    PREFERENCES = "preferences"
    VIEW = "view"
    DESK = "desk"
    HUB = "hub"
    """Not in a mail: where a feed's hub tells us of news."""
    BOUNCE = "bounce"
    """In no link: in the address to which a message comes back that cannot be delivered (VERP)."""
    GAVE = "gave"
    """What a reader who gave already says to a fundraiser."""
    ACCESS = "access"
    """A reader's own data: it proves that the address can be read now, and lasts an hour."""
    MOVE = "move"
    STAY = "stay"
    """What the old address says to a move that it did not ask for."""
    FORM = "form"
    """In no mail: in the sign-up form. The number is the moment of its making, in seconds since 1970."""
    STEP = "step"
    """In no mail: in the page that asks for one more step. The number is its moment and its address."""


class Tokens:
    """Makes and reads the tokens of one installation, known by its secret."""

    def __init__(self, secret: str) -> None:
        key = secret.encode()
        self.installation = hmac.digest(key, b"digestmail:installation", "sha256")[:4].hex()
        """Tells this installation's numbers from those of another one on the same domain; 8 letters, no secret."""
        self._fingerprint_key = hmac.digest(key, b"digestmail:erasures", "sha256")
        self._signers = {purpose: _signer(key, f"digestmail:{purpose}:".encode()) for purpose in Purpose}

    def make(self, purpose: Purpose, number: int) -> str:
        """The token for `purpose` on row `number` (0 to 2^40 − 1)."""
        return self.maker(purpose)(number).decode("ascii")

    def maker(self, purpose: Purpose) -> Callable[[int], bytes]:
        """Makes the tokens for `purpose`, in ASCII; for a run, which needs several for each reader."""
        signed = self._signers[purpose]

        def make(number: int) -> bytes:
            return b2a_base64(signed(number)).translate(_URL_SAFE)[:TOKEN_LENGTH]

        return make

    def mail_maker(self, purpose: Purpose) -> Callable[[int], str]:
        """Makes the tokens for `purpose` that stand in mail addresses."""
        signed = self._signers[purpose]

        def make(number: int) -> str:
            return signed(number)[: _NUMBER_BYTES + _MAIL_SIGNATURE_BYTES].hex()

        return make

    def read(self, purpose: Purpose, token: str) -> int:
        """The number in a token. Raises TokenError unless it was made here, for this purpose, and came whole."""
        try:
            given = token.encode("ascii")
            number = int.from_bytes(urlsafe_b64decode(given + b"=")[:_NUMBER_BYTES], "big")
        except ValueError as error:
            raise TokenError("This link is damaged.") from error
        if not hmac.compare_digest(given, self.maker(purpose)(number)):
            raise TokenError("This link is not one of ours, or a part of it is missing.")
        return number

    def fingerprint(self, email_key: str) -> str:
        """What is kept of an address that was erased: nobody without the secret can tell which one it was."""
        return hmac.digest(self._fingerprint_key, email_key.encode(), "sha256").hex()

    def read_mail_token(self, purpose: Purpose, token: str) -> int:
        """The number in a token from a mail address, in letters of any case. Raises TokenError like `read`."""
        try:
            given = bytes.fromhex(token)
        except ValueError as error:
            raise TokenError("This address is damaged.") from error
        number = int.from_bytes(given[:_NUMBER_BYTES], "big")
        if not hmac.compare_digest(token.lower(), self.mail_maker(purpose)(number)):
            raise TokenError("This address is not one of ours, or a part of it is missing.")
        return number


def _signer(key: bytes, purpose: bytes) -> Callable[[int], bytes]:
    """A number with its HMAC-SHA256 (RFC 2104), 17 bytes.

    The hash is kept half-way, at half the cost: both have read the key, the inner one the purpose too.
    """
    block = hashlib.sha256().block_size
    padded = (key if len(key) <= block else hashlib.sha256(key).digest()).ljust(block, b"\0")
    inner_begun = hashlib.sha256(bytes(octet ^ 0x36 for octet in padded) + purpose).copy
    outer_begun = hashlib.sha256(bytes(octet ^ 0x5C for octet in padded)).copy

    def sign(number: int) -> bytes:
        payload = number.to_bytes(_NUMBER_BYTES, "big")
        inner, outer = inner_begun(), outer_begun()
        inner.update(payload)
        outer.update(inner.digest())
        return payload + outer.digest()[:_SIGNATURE_BYTES]

    return sign
