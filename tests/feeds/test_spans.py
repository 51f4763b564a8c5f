"""Spans of time in words."""

from datetime import datetime, timedelta

import pytest

from digestmail.feeds.spans import counted, since, span_of


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (0, "0 seconds"),
        (1, "1 second"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (3600, "1 hour"),
        (3660, "61 minutes"),
        (7200, "2 hours"),
        (86400, "1 day"),
        (100_000, "28 hours"),
        (7 * 86400, "7 days"),
        (2000 * 86400, "2,000 days"),
    ],
)
def test_a_span_has_one_unit(seconds: int, words: str) -> None:
    assert span_of(timedelta(seconds=seconds)) == words


def test_an_instant_lies_before_or_ahead(now: datetime) -> None:
    assert since(now - timedelta(hours=3), now) == "3 hours ago"
    assert since(now + timedelta(minutes=5), now) == "in 5 minutes"


def test_numbers_go_with_their_thing() -> None:
    assert [counted(n, "item") for n in (0, 1, 1000)] == ["0 items", "1 item", "1,000 items"]
    assert counted(2, "entry", "entries") == "2 entries"
