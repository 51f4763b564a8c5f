import gzip
import itertools
import tracemalloc
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digestmail.feeds.body import BodyError, read_body


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_gzip_comes_back_whole_however_it_was_cut(data: bytes, size: int) -> None:
    packed = gzip.compress(data, mtime=0)
    chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert read_body(chunks, encoding="GZIP", limit=2000) == data


def test_every_member_of_a_gzip_body_counts() -> None:
    packed = gzip.compress(b"one ", mtime=0) + gzip.compress(b"two", mtime=0)
    assert read_body([packed], encoding="gzip", limit=100) == b"one two"
    assert read_body([packed[:30], packed[30:]], encoding="x-gzip", limit=100) == b"one two"


@given(st.binary(min_size=1, max_size=500), st.integers(1, 50))
@example(b"\xd9", 1)  # whose raw form begins with what may stand before text
def test_deflate_comes_back_whole_in_both_of_its_forms(data: bytes, size: int) -> None:
    raw = zlib.compressobj(wbits=-15)
    for packed in (zlib.compress(data), raw.compress(data) + raw.flush()):
        chunks = [packed[start : start + size] for start in range(0, len(packed), size)]
        assert read_body(chunks, encoding="deflate", limit=2000) == data


@pytest.mark.parametrize("encoding", ["", "identity", "gzip", "deflate"])
def test_gzip_is_known_by_its_bytes(encoding: str) -> None:
    packed = gzip.compress(b"<rss/>", mtime=0)
    assert read_body([b"", packed[:1], packed[1:]], encoding=encoding, limit=100) == b"<rss/>"
    assert read_body([packed + b"\x00" * 9], encoding=encoding, limit=100) == b"<rss/>"


def test_what_only_says_that_it_is_compressed_is_left_as_it_is() -> None:
    assert read_body([b"<", b"rss/>"], encoding="gzip", limit=100) == b"<rss/>"
    assert read_body([b"<", b"rss/>"], encoding="deflate", limit=100) == b"<rss/>"
    assert read_body([], encoding="gzip", limit=100) == b""


def test_a_bomb_stays_small_in_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(100)) + packer.flush()
    tracemalloc.start()
    with pytest.raises(BodyError, match=r"more than 0\.5 MB"):
        read_body([bomb], encoding="gzip", limit=500_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_an_endless_body_ends_at_the_limit() -> None:
    with pytest.raises(BodyError, match="too much for a feed"):
        read_body(itertools.repeat(b"x" * 1000), encoding="", limit=10_000)


@pytest.mark.parametrize(
    ("body", "encoding", "words"),
    [
        (b"\x1f\x8bno gzip", "gzip", "cannot be decompressed"),
        (b"\xff\xff\xff", "deflate", "cannot be decompressed"),
        (gzip.compress(b"x" * 1000, mtime=0)[:-4], "gzip", "broke off"),
        (gzip.compress(b"x" * 1000, mtime=0)[:4], "gzip", "broke off"),
        (zlib.compress(b"x" * 1000)[:-1], "deflate", "broke off"),
        (b"..", "br", "“br”"),
        (b"..", "zstd", "“zstd”"),
        (gzip.compress(gzip.compress(b"<rss/>", mtime=0), mtime=0), "gzip, gzip", "“gzip, gzip”"),
    ],
)
def test_it_says_what_is_wrong_with_a_body(body: bytes, encoding: str, words: str) -> None:
    with pytest.raises(BodyError, match=words):
        read_body([body], encoding=encoding, limit=5000)


def test_a_body_of_exactly_the_limit_passes() -> None:
    assert len(read_body([gzip.compress(bytes(1000), mtime=0)], encoding="gzip", limit=1000)) == 1000
    assert read_body([], encoding="gzip", limit=10) == b""


@pytest.mark.parametrize("encoding", ["deflate", "gzip", "identity, deflate"])
def test_deflate_is_read_though_nobody_asked_for_it(encoding: str) -> None:
    assert read_body([zlib.compress(b"<rss/>")], encoding=encoding, limit=10) == b"<rss/>"


@pytest.mark.parametrize("text", [b"<rss/>", b"  \n<rss/>", b"\xef\xbb\xbf<rss/>", b'{"version": 1}', b""])
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "identity", ""])
def test_what_begins_like_a_feed_is_read_as_it_is_whatever_the_header_says(text: bytes, encoding: str) -> None:
    assert read_body([text[:1], text[1:]], encoding=encoding, limit=100) == text


def test_gzip_is_known_by_its_beginning_where_no_header_says_so() -> None:
    packed = gzip.compress(b"<rss/>", mtime=0)
    assert read_body([packed[:1], b"", packed[1:]], encoding="", limit=10) == b"<rss/>"
    assert read_body([packed], encoding="br", limit=10) == b"<rss/>"


def test_many_small_members_count_together() -> None:
    bomb = gzip.compress(bytes(10_000), mtime=0) * 60
    with pytest.raises(BodyError, match=r"more than 0\.5 MB"):
        read_body([bomb], encoding="gzip", limit=500_000)


def test_a_bomb_in_a_bomb_is_not_unpacked() -> None:
    inner = gzip.compress(bytes(5_000_000), mtime=0)
    assert read_body([gzip.compress(inner, mtime=0)], encoding="gzip", limit=500_000) == inner
