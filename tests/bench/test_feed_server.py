"""The server of the feeds: the same question has the same answer, and one item is new where there is news."""

import pytest

from digestmail.feeds.parse import parse_feed
from tests.bench.feed_server import ENTRIES, FIRST, NEWS_IN, NEXT, answer, has_news


def titles(whole: bytes) -> list[str]:
    body = whole.partition(b"\r\n\r\n")[2]
    return [entry.title for entry in parse_feed(body, content_type="application/rss+xml", url="http://x/").entries]


def test_a_feed_with_news_lists_one_entry_more_in_its_next_edition() -> None:
    before, after = answer(NEWS_IN, b""), answer(NEWS_IN, FIRST)
    assert b"\r\nETag: " + FIRST in before
    assert b"\r\nETag: " + NEXT in after
    assert titles(after)[1:] == titles(before)
    assert len(titles(before)) == ENTRIES


@pytest.mark.parametrize(("number", "has"), [(1, FIRST), (NEWS_IN, NEXT)])
def test_who_has_the_newest_edition_gets_nothing(number: int, has: bytes) -> None:
    assert answer(number, has).startswith(b"HTTP/1.1 304 ")
    assert answer(number, has).endswith(b"\r\n\r\n")


def test_some_have_news() -> None:
    assert sum(map(has_news, range(1, 1001))) == 30
