"""Takes a message of any bytes apart, within bounds of size, depth and number: a flat list of its parts.

The standard library's parser recurses once for each level and looks for each open boundary in every line, which a
message can be made to abuse. Here what goes over a bound is left out, and nothing raises.
"""

import binascii
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header

MAX_OCTETS = 1 << 20
"""Of a longer message the beginning is read: what a mail server says stands before what it returns."""

_MAX_DEPTH = 8
_MAX_PARTS = 60
_MAX_HEADERS = 500
_MAX_HEADER_OCTETS = 64 * 1024
_MAX_TEXT = 64 * 1024

_EMPTY_LINE = re.compile(rb"\n[ \t]*\n")
_FIELD = re.compile(r"([!-9;-~]{1,100})[ \t]*:[ \t]*(.*)", re.DOTALL)
_PARAMETER = {
    name: re.compile(rf";\s*{name}\s*=\s*(?:\"([^\"]{{0,200}})\"|([^\s;\"]{{1,200}}))", re.IGNORECASE)
    for name in ("boundary", "report-type", "charset")
}
_CHARSET = re.compile(
    r"us-ascii|ascii|utf-?8|iso-8859-\d{1,2}|latin-?1|windows-125\d|cp\d{3,4}|koi8-[ru]|gb2312|gbk|gb18030|big5|"
    r"shift_jis|euc-(?:jp|kr)|iso-2022-(?:jp|kr)",
    re.IGNORECASE,
)
"""Those that mail has. Python knows others that take long to decode."""
_TAG = re.compile(r"<[^<>]{0,500}>")

Fields = tuple[tuple[str, str], ...]
"""Names in small letters, and values in one line."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has no parts of its own, or the headers of a message."""

    fields: Fields
    content_type: str
    """`type/subtype` in small letters."""
    body: bytes
    """Decoded; empty for the headers of a message, whose parts follow."""
    depth: int
    """0 for what belongs to the message itself; more inside a message that it encloses."""

    def get(self, name: str) -> str:
        """The first field of a name, or ""."""
        return next((value for known, value in self.fields if known == name), "")

    def get_all(self, name: str) -> list[str]:
        """All fields of a name."""
        return [value for known, value in self.fields if known == name]

    @property
    def text(self) -> str:
        """The body as text, at most 64 KiB of it; tags of HTML are left out."""
        text = _decoded(self.body[:_MAX_TEXT], parameter(self.get("content-type"), "charset"))
        return _TAG.sub(" ", text) if self.content_type == "text/html" else text


@dataclass(frozen=True, slots=True)
class Taken:
    """A message taken apart: its own headers, and all its parts in their order, those of enclosed messages too."""

    head: Part
    parts: tuple[Part, ...]

    def of_type(self, *content_types: str) -> list[Part]:
        """The parts of the message itself, and not of one that it encloses, of any of these types."""
        return [part for part in self.parts if part.content_type in content_types and part.depth == 0]

    @property
    def enclosed(self) -> list[Part]:
        """What belongs to messages that it encloses: their headers, and their parts."""
        return [part for part in self.parts if part.depth > 0]


def take_apart(data: bytes) -> Taken:
    """Take a message apart. Never raises, whatever the bytes."""
    lines_end_in_lf = data[:MAX_OCTETS].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if lines_end_in_lf.startswith(b"From "):  # as a mbox has it
        lines_end_in_lf = lines_end_in_lf.partition(b"\n")[2]
    walk = _Walk()
    head = walk.message(lines_end_in_lf, nesting=0, depth=0)
    return Taken(head, tuple(walk.found))


def fields_of(block: bytes) -> Fields:
    """The header fields of a block of lines (RFC 5322, 2.2), unfolded; what is no field is left out."""
    found: list[tuple[str, str]] = []
    for line in _unfolded(block[:_MAX_HEADER_OCTETS]):
        if field := _FIELD.match(line):
            found.append((field[1].lower(), " ".join(field[2].split())))
            if len(found) == _MAX_HEADERS:
                break
    return tuple(found)


def blocks_of(body: bytes) -> list[Fields]:
    """The blocks of fields in a part such as message/delivery-status, parted by empty lines (RFC 3464, 2.1)."""
    return [fields for block in _EMPTY_LINE.split(body)[:_MAX_PARTS] if (fields := fields_of(block.strip(b"\n")))]


def words(value: str) -> str:
    """A header's value with its encoded words decoded (RFC 2047), as far as they can be."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value[:2000])))
    except (HeaderParseError, LookupError, ValueError):
        return value


def parameter(value: str, name: str) -> str:
    """A parameter of a Content-Type, or ""."""
    found = _PARAMETER[name].search(value)
    return (found[1] or found[2] or "") if found else ""


class _Walk:
    def __init__(self) -> None:
        self.found: list[Part] = []

    def message(self, data: bytes, *, nesting: int, depth: int) -> Part:
        """Walk through a message; its headers. Those of an enclosed one are found too."""
        fields, body = _split(data)
        head = Part(fields, "message/headers", b"", depth)
        if depth:
            self.found.append(head)
        self._entity(fields, body, nesting=nesting, depth=depth)
        return head

    def _entity(self, fields: Fields, body: bytes, *, nesting: int, depth: int) -> None:
        if nesting > _MAX_DEPTH or len(self.found) >= _MAX_PARTS:
            return
        given = dict(reversed(fields)).get("content-type", "")
        content_type = given.partition(";")[0].strip().lower() or "text/plain"
        encoding = dict(reversed(fields)).get("content-transfer-encoding", "").lower().strip()
        boundary = parameter(given, "boundary")
        if content_type.startswith("multipart/") and boundary:
            for inner in _inner(body, boundary.encode("utf-8", "replace")):
                part_fields, part_body = _split(inner)
                self._entity(part_fields, part_body, nesting=nesting + 1, depth=depth)
            return
        body = _plain(body, encoding)
        if content_type in ("message/rfc822", "message/global"):
            self.message(body.lstrip(b"\n"), nesting=nesting + 1, depth=depth + 1)
        elif content_type in ("text/rfc822-headers", "message/rfc822-headers", "message/global-headers"):
            self.found.append(Part(fields_of(body.lstrip(b"\n")), "message/headers", b"", depth + 1))
        else:
            self.found.append(Part(fields, content_type, body, depth))


def _split(data: bytes) -> tuple[Fields, bytes]:
    """The headers and the body."""
    if data.startswith(b"\n"):
        return (), data[1:]
    head, _, body = data.partition(b"\n\n")
    return fields_of(head), body


def _inner(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """The parts between lines of a boundary (RFC 2046, 5.1.1); a last one that is not closed counts too."""
    delimiter = b"--" + boundary
    pieces = (b"\n" + body).split(b"\n" + delimiter)
    for piece in pieces[1 : _MAX_PARTS + 1]:
        rest_of_line, _, inner = piece.partition(b"\n")
        if rest_of_line.startswith(b"--"):
            return
        if not rest_of_line.strip():  # else it is another boundary, which begins with the same letters
            yield inner


def _unfolded(block: bytes) -> list[str]:
    return re.sub(r"\n[ \t]+", " ", block.decode("utf-8", "replace")).split("\n")


def _plain(body: bytes, encoding: str) -> bytes:
    try:
        if encoding == "base64":
            return binascii.a2b_base64(body).replace(b"\r\n", b"\n")
        if encoding == "quoted-printable":
            return quopri.decodestring(body).replace(b"\r\n", b"\n")
    except ValueError:
        pass
    return body


def _decoded(body: bytes, charset: str) -> str:
    if _CHARSET.fullmatch(charset):
        try:
            return body.decode(charset, "replace")
        except LookupError:
            pass
    return body.decode("utf-8", "replace")
