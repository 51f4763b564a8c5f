"""The body of an answer, decompressed step by step, so that a small bomb cannot become a large memory."""

import zlib
from collections.abc import Iterable, Iterator

_GZIP = 31  # zlib's window size for the gzip format


class BodyError(Exception):
    """The body cannot be used; the text continues a sentence that begins with the server's name."""


def read_body(chunks: Iterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Join the chunks, at most `limit` bytes after decompression; `encoding` is the Content-Encoding (RFC 9110, 8.4).

    Raises BodyError where it is larger, damaged, or in another encoding than gzip.
    """
    body = bytearray()
    for part in _decoded(chunks, encoding=encoding.strip().lower(), limit=limit):
        body += part
        if len(body) > limit:
            raise BodyError(f"sent more than {limit / 1_000_000:g} MB, which is too much for a feed")
    return bytes(body)


def _decoded(chunks: Iterable[bytes], *, encoding: str, limit: int) -> Iterator[bytes]:
    """Parts of the plain body, none of them longer than `limit` + 1 or the chunk that it came in."""
    if encoding in ("", "identity"):
        yield from chunks
    elif encoding in ("gzip", "x-gzip"):
        yield from _gunzipped(chunks, most=limit + 1)
    else:
        raise BodyError(f"sent its answer compressed as “{encoding}” although it was asked for gzip or nothing")


def _gunzipped(chunks: Iterable[bytes], *, most: int) -> Iterator[bytes]:
    inflater = None
    try:
        for chunk in chunks:
            data = chunk
            while data:  # a gzip body may have several members (RFC 1952, 2.2)
                if inflater is None or inflater.eof:
                    inflater = zlib.decompressobj(wbits=_GZIP)
                yield inflater.decompress(data, most)
                data = inflater.unused_data or inflater.unconsumed_tail
    except zlib.error as error:
        raise BodyError("sent an answer that cannot be decompressed") from error
    if inflater is not None and not inflater.eof:
        raise BodyError("broke off in the middle of its answer")
