"""The body of an answer, decompressed step by step, so that a small bomb cannot become a large memory."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

_GZIP, _ZLIB, _RAW = 31, 15, -15
"""zlib's window sizes for the formats of RFC 1952, 1950 and 1951."""
_MEMBER = b"\x1f\x8b"
"""How each part of a gzip body begins."""


class BodyError(Exception):
    """The body cannot be used; the text continues a sentence that begins with the server's name."""


def read_body(chunks: Iterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Join the chunks, at most `limit` bytes after decompression; `encoding` is the Content-Encoding (RFC 9110, 8.4).

    What is gzip is decompressed though nobody says so, and what only says so is left as it is. Raises BodyError where
    it is larger, damaged, or in another encoding.
    """
    body = bytearray()
    for part in _decoded(chunks, encoding=encoding.strip().lower(), most=limit + 1):
        body += part
        if len(body) > limit:
            raise BodyError(f"sent more than {limit / 1_000_000:g} MB, which is too much for a feed")
    return bytes(body)


def _decoded(chunks: Iterable[bytes], *, encoding: str, most: int) -> Iterator[bytes]:
    """Parts of the plain body, none of them longer than `most` or the chunk that it came in."""
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise BodyError(f"sent its answer compressed as “{encoding}” although it was asked for gzip or nothing")
    rest = iter(chunks)
    beginning = b""
    while len(beginning) < len(_MEMBER) and (chunk := next(rest, None)) is not None:
        beginning += chunk
    whole = chain([beginning], rest)
    if beginning.startswith(_MEMBER):
        yield from _inflated(whole, window=_GZIP, most=most)
    elif encoding == "deflate" and not beginning.startswith(b"<"):  # which is ZLIB by the RFC, and raw by some servers
        yield from _inflated(whole, window=_ZLIB if _is_zlib(beginning) else _RAW, most=most)
    else:
        yield from whole


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
