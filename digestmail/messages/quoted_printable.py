"""Quoted-printable (RFC 2045, 6.7) in pieces: encoded texts, one after the other, are the joined text encoded.

A piece therefore begins at the start of a line and ends at the end of one: where its text ends inside a line, with a
soft line break, which decodes to nothing. No encoded line begins with a dot or with “From ”, which mail servers
would touch.
"""

import re

SOFT_BREAK = b"=\r\n"
"""Ends an encoded line inside a line of the text; decodes to nothing."""

_LONGEST = 73  # of 76: leaves room for a quoted first letter and for the mark of a soft line break
_QUOTED = re.compile(rb"[^\t\x20-\x3c\x3e-\x7e]|[\t ]$")


def encode(text: str) -> bytes:
    """The text in lines of at most 76 octets that end in CRLF; its own line ends ("\\n") become CRLF too."""
    if not text:
        return b""
    *whole, last = text.encode().split(b"\n")
    out = b"".join(_line(line, b"\r\n") for line in whole)
    return out + _line(last, SOFT_BREAK) if last else out


def inline(text: str) -> bytes:
    """A text without line ends that stands inside a line: what follows it must begin with a soft line break."""
    return encode(text).removesuffix(SOFT_BREAK)


def _line(line: bytes, end: bytes) -> bytes:
    quoted = _QUOTED.sub(_quote, line)
    parts = []
    while len(quoted) > _LONGEST:
        cut = quoted.rfind(b"=", _LONGEST - 2, _LONGEST)  # never inside of =XX
        cut = cut if cut > 0 else _LONGEST
        parts.append(_protect(quoted[:cut]))
        quoted = quoted[cut:]
    parts.append(_protect(quoted))
    return SOFT_BREAK.join(parts) + end


def _quote(match: re.Match[bytes]) -> bytes:
    return b"=%02X" % match[0][0]


def _protect(line: bytes) -> bytes:
    return _quote_first(line) if line.startswith((b".", b"From ")) else line


def _quote_first(line: bytes) -> bytes:
    return b"=%02X" % line[0] + line[1:]
