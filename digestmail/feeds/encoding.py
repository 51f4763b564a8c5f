"""The text of a document, whatever its bytes are said to be encoded in (pure).

What is said is often wrong: servers name a default, and documents keep a declaration through a change of encoding. So
bytes that can only be UTF-8 are UTF-8, and a claim counts where it fits the bytes (RFC 7303, section 3).
"""

import codecs
import re

_SIGNATURES = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNSIGNED = (
    (re.compile(rb"[<{\s]\x00\x00\x00"), "utf-32-le"),
    (re.compile(rb"\x00\x00\x00[<{\s]"), "utf-32-be"),
    (re.compile(rb"[<{\s]\x00[^\x00]"), "utf-16-le"),
    (re.compile(rb"\x00[<{\s]\x00"), "utf-16-be"),
)
"""How a document begins in these encodings where no byte order mark stands before it (XML 1.0, appendix F)."""

_EBCDIC = "<?xm".encode("cp037")
_DECLARED = re.compile(r"<\?xml\b[^>]{0,200}?\bencoding\s*=\s*[\"']\s*([^\"'>]{1,40}?)\s*[\"']")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?\s*([^\s\"';]{1,40})", re.IGNORECASE)
_STATEFUL = ("iso2022", "hz", "utf-7")
"""Encodings that write other scripts in ASCII bytes, which are UTF-8 too."""

_MEANT = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
"""What is written where the left one is named: supersets, the same that browsers take (WHATWG Encoding Standard)."""

_OTHER_NAMES = {"x-sjis": "cp932", "ks_c_5601-1987": "cp949", "x-gbk": "gb18030", "x-big5": "big5hkscs"}
_NO_ENCODINGS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
"""Text codecs of Python that no document is written in; some of them take quadratic time."""

_WIDE = ("utf-16", "utf-32")


def decode(body: bytes, *, content_type: str = "") -> str:
    """The text of `body` without its byte order mark; bytes that fit nothing become U+FFFD."""
    for mark, encoding in _SIGNATURES:
        if body.startswith(mark):
            return body.decode(encoding, "replace").removeprefix("\ufeff")
    for beginning, encoding in _UNSIGNED:
        if beginning.match(body):
            return body.decode(encoding, "replace")
    if body.startswith(_EBCDIC):
        return body.decode(_declared(body[:1000].decode("cp037")) or "cp037", "replace")
    charset = _CHARSET.search(content_type)
    declared = _declared(body[:1000].decode("latin-1"))
    return _as_claimed(body, [_known(charset[1]) if charset else "", declared])


def _as_claimed(body: bytes, claims: list[str]) -> str:
    stateful = [claim for claim in claims if claim.startswith(_STATEFUL)]
    text = _first_that_fits(stateful, body)
    if text is not None:
        return text
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = len(text) - broken - len(text.encode("ascii", "ignore"))
    if whole >= 4 * broken:  # a few flaws, such as a character that was cut in two, are no other encoding
        return text
    # Latin-1 is what servers say when they know nothing, so it comes after what the document itself says.
    likely = sorted((claim for claim in claims if claim not in ("", "utf-8")), key=lambda claim: claim == "cp1252")
    text = _first_that_fits(likely, body)
    return body.decode(likely[0] if likely else "cp1252", "replace") if text is None else text


def _first_that_fits(encodings: list[str], body: bytes) -> str | None:
    for encoding in encodings:
        try:
            return body.decode(encoding)
        except UnicodeError:
            continue
    return None


def _declared(beginning: str) -> str:
    """The encoding that an XML declaration names, or "" where none can be read."""
    declaration = _DECLARED.search(beginning)
    return _known(declaration[1]) if declaration else ""


def _known(name: str) -> str:
    """The name of Python's codec for an encoding of single bytes or UTF-8; "" where there is none.

    The wide ones show in the bytes: where they do not, the name is wrong.
    """
    try:
        codec = codecs.lookup(_OTHER_NAMES.get(name.lower(), name)).name
        "".encode(codec)
    except (LookupError, ValueError):  # no such codec, or none of text; a NUL in the name is a ValueError
        return ""
    return "" if codec in _NO_ENCODINGS or codec.startswith(_WIDE) else _MEANT.get(codec, codec)
