"""The body of an answer, decompressed step by step, so that a small bomb cannot become a large memory.

Servers err about Content-Encoding, so what the body begins with decides where it can: gzip has its magic number, and
every feed begins with a letter of XML or JSON.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

LARGE = 250_000
"""Octets after decompression; most documents have fewer."""

_GZIP, _ZLIB, _RAW = 31, 15, -15
"""zlib's window sizes for the formats of RFC 1952, 1950 and 1951."""
_MEMBER = b"\x1f\x8b"
"""How each part of a gzip body begins."""
_BEFORE_TEXT = b"\xef\xbb\xbf \t\r\n"
_ENOUGH = 64
"""Bytes by which a format is known, blanks before text among them."""


class BodyError(Exception):
    """Why a body cannot be had; its text follows the name of a host."""


def read_body(
    chunks: Iterable[bytes], *, encoding: str, limit: int, on_large: Callable[[], None] | None = None
) -> bytes:
    """Join the chunks, at most `limit` bytes after decompression; `encoding` is the Content-Encoding (RFC 9110, 8.4).

    `on_large` is called before more than LARGE bytes of it are held.
    What is gzip is decompressed though nobody says so, and what only says so is left as it is. Raises BodyError where
    it is larger, damaged, or compressed in another way than once by gzip or deflate.
    """
    body = bytearray()
    for part in _decoded(chunks, encoding=encoding.strip().lower(), most=limit + 1):
        if on_large is not None and len(body) <= LARGE < len(body) + len(part):
            on_large()
        body += part
        if len(body) > limit:
            raise BodyError(f"sent more than {limit / 1_000_000:g} MB, which is too much for a feed")
    return bytes(body)


def _decoded(chunks: Iterable[bytes], *, encoding: str, most: int) -> Iterable[bytes]:
    """Parts of the plain body, none of them longer than `most` or the chunk that it came in."""
    rest = iter(chunks)
    beginning = b""
    while len(beginning) < _ENOUGH and (chunk := next(rest, None)) is not None:
        beginning += chunk
    whole = chain([beginning], rest)
    names = [name for name in (part.strip() for part in encoding.split(",")) if name not in ("", "identity")]
    if beginning.lstrip(_BEFORE_TEXT)[:1] in (b"<", b""):
        return whole
    if len(names) < 2 and beginning.startswith(_MEMBER):
        return _inflated(whole, window=_GZIP, most=most)
    if names in (["gzip"], ["x-gzip"], ["deflate"]) and _is_zlib(beginning):
        return _inflated(whole, window=_ZLIB, most=most)
    if names == ["deflate"]:  # which some servers take for what RFC 1951 calls so
        return _inflated(whole, window=_RAW, most=most)
    if names in ([], ["gzip"], ["x-gzip"]) or beginning.startswith(b"{"):
        return whole
    raise BodyError(f"sent its answer compressed as “{encoding}” although it was asked for gzip or nothing")


def _is_zlib(beginning: bytes) -> bool:
    return beginning[:1] == b"\x78" and int.from_bytes(beginning[:2]) % 31 == 0


def _inflated(chunks: Iterable[bytes], *, window: int, most: int) -> Iterator[bytes]:
    inflater = zlib.decompressobj(wbits=window)
    try:
        for chunk in chunks:
            data = chunk
            while data:
                if inflater.eof:  # a gzip body may have several members (RFC 1952, 2.2); other bytes are padding
                    if not _MEMBER.startswith(data[:2]):
                        return
                    inflater = zlib.decompressobj(wbits=window)
                yield inflater.decompress(data, most)
                data = inflater.unused_data or inflater.unconsumed_tail
    except zlib.error as error:
        raise BodyError("sent an answer that cannot be decompressed") from error
    if not inflater.eof:
        raise BodyError("broke off in the middle of its answer")
