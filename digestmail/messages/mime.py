"""The form of a message on the wire (RFC 5322, 2045 to 2047), made by hand because it is made for every reader.

A header's value with a line end or NUL in it is refused. Addresses of lists are never folded nor encoded, because mail
programs then ignore them (RFC 2369).
"""

import re
import unicodedata
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, quote

from digestmail.messages.pieces import Part

_BOUNDARY = b"=_digestmail_alternative"  # "=_" cannot occur in quoted-printable
_FORBIDDEN = re.compile(r"[\r\n\0]")
_LINE = 76  # columns of a line with an encoded word in it (RFC 2047, 2)
_WORD_BEGINS, _WORD_ENDS = "=?utf-8?b?", "?="
_ATOMS = re.compile(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]*")


def header(name: str, value: str) -> bytes:
    """One header on one line. Raises ValueError if the value has a line end, NUL or anything outside ASCII."""
    if _FORBIDDEN.search(value):
        raise ValueError(f"the header {name} cannot hold a line end or NUL")
    return f"{name}: {value}\r\n".encode("ascii")


def reader_headers(*, recipient: str, message_id: str, unsubscribe: str) -> bytes:
    """The headers of a list's mail that are one reader's own; `unsubscribe` is a whole address (RFC 2369, RFC 8058).

    Raises ValueError if the recipient has a line end, NUL or anything else that does not print, or is outside ASCII.
    """
    if not recipient.isprintable():
        raise ValueError("the header To cannot hold a line end or NUL")
    return f"To: {recipient}\r\nMessage-ID: {message_id}\r\nList-Unsubscribe: <{unsubscribe}>\r\n".encode("ascii")


def text_header(name: str, value: str) -> bytes:
    """A header for people to read: encoded where it must be (RFC 2047), folded where it is long."""
    if _FORBIDDEN.search(value):
        raise ValueError(f"the header {name} cannot hold a line end or NUL")
    return f"{name}: {_encoded(name, value)}\r\n".encode("ascii")


def mailbox_header(name: str, display: str, address: str) -> bytes:
    """A header with one named address."""
    if _FORBIDDEN.search(display + address):
        raise ValueError(f"the header {name} cannot hold a line end or NUL")
    return f"{name}: {_encoded(name, display, phrase=True)} <{address}>\r\n".encode("ascii")


def list_id_header(name: str, domain: str) -> bytes:
    """`List-Id: Name <digest.domain>` (RFC 2919); the name in ASCII, or left out where nothing of it remains."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").strip()
    return header("List-Id", f"{_phrase(plain)} <digest.{domain}>" if plain else f"<digest.{domain}>")


def date_header(at: datetime) -> bytes:
    """The Date."""
    return header("Date", format_datetime(at))


def alternative(text: Sequence[Part], html: Sequence[Part]) -> list[Part]:
    """The rest of the message after its own headers: both forms, the plain one first (RFC 2046, 5.1.4)."""
    return [
        b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="' + _BOUNDARY + b'"\r\n\r\n',
        _opening("plain"),
        *text,
        b"\r\n",
        _opening("html"),
        *html,
        b"\r\n--" + _BOUNDARY + b"--\r\n",
    ]


def text_alone(text: Sequence[Part]) -> list[Part]:
    """The same of a message in one part, the plain form (RFC 2045, 5.2)."""
    return [b"MIME-Version: 1.0\r\n", _kind("plain"), *text]


def _opening(kind: str) -> bytes:
    return b"--" + _BOUNDARY + b"\r\n" + _kind(kind)


def _kind(kind: str) -> bytes:
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    return head.encode("ascii")


def _encoded(name: str, value: str, *, phrase: bool = False) -> str:
    if not value.isascii() or "=?" in value:
        return _encoded_words(value, room=_LINE - len(f"{name}: "))
    if phrase:
        return _phrase(value)
    if len(f"{name}: {value}") <= _LINE:
        return value
    return Header(value, "us-ascii", header_name=name).encode(linesep="\r\n")


def _encoded_words(value: str, *, room: int) -> str:
    """The value in base64 (RFC 2047, 4.1), in words of whole letters, a line each; the first has `room` columns."""
    words: list[bytes] = []
    word = b""
    longest = _octets_in(room)
    for letter in value:
        octets = letter.encode()
        if len(word) + len(octets) > longest:
            words.append(word)
            word, longest = b"", _octets_in(_LINE - 1)
        word += octets
    words.append(word)
    return "\r\n ".join(
        f"{_WORD_BEGINS}{b2a_base64(word, newline=False).decode('ascii')}{_WORD_ENDS}" for word in words
    )


def _octets_in(columns: int) -> int:
    return (columns - len(_WORD_BEGINS) - len(_WORD_ENDS)) // 4 * 3


def _phrase(value: str) -> str:
    return value if _ATOMS.fullmatch(value) else f'"{quote(value)}"'
