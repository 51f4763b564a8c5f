"""No document takes more than its share of time and memory, and the next one is read all the same."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from digestmail.errors import FeedError
from digestmail.feeds.document import ParsedFeed
from digestmail.feeds.parse import parse_feed
from digestmail.feeds.parse_apart import DOCUMENTS, ParsePool
from tests.feeds.documents import ATOM, JSON_FEED, RDF, RSS, item, rss

URL = "https://harbour.example/feed"


@pytest.fixture
def pool() -> Iterator[ParsePool]:
    """A pool of one process."""
    with ParsePool(processes=1) as pool:
        yield pool


def read(pool: ParsePool, body: bytes) -> ParsedFeed:
    return pool(body, content_type="application/xml", url=URL)


def test_it_reads_what_is_read_here(pool: ParsePool) -> None:
    for body in (RSS, RDF, ATOM, JSON_FEED):
        assert read(pool, body) == parse_feed(body, content_type="application/xml", url=URL)


def test_what_is_wrong_is_said_in_the_same_words(pool: ParsePool) -> None:
    with pytest.raises(FeedError, match="neither RSS nor Atom"):
        read(pool, b"?")
    assert len(read(pool, RSS).entries) == 2


def test_a_document_that_takes_too_long_is_left_alone() -> None:
    with ParsePool(processes=1, seconds=0.001) as pool, pytest.raises(FeedError, match="takes longer than"):
        read(pool, rss(*(item(str(n), text="word " * 900) for n in range(300))))


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not keep a limit on memory")
def test_a_document_that_takes_too_much_memory_is_left_alone(pool: ParsePool) -> None:
    with pytest.raises(FeedError, match="takes too much memory"):
        read(pool, b"{" + b'"version": "https://jsonfeed.org/version/1", "items": [' + b"[]," * 9_000_000 + b"[]]}")
    assert len(read(pool, RSS).entries) == 2


def test_where_no_process_starts_no_document_is_blamed(
    pool: ParsePool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    with pytest.raises(FeedError, match="does not start"):
        read(pool, RSS)
    monkeypatch.undo()
    assert len(read(pool, RSS).entries) == 2


def test_it_serves_several_threads_and_starts_afresh_after_many_documents() -> None:
    with ParsePool() as pool, ThreadPoolExecutor(8) as threads:
        feeds = list(threads.map(lambda _: read(pool, RSS), range(2 * DOCUMENTS + 20)))
    assert {len(feed.entries) for feed in feeds} == {2}
