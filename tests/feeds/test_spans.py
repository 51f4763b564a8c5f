"""Spans of time in words."""

from datetime import UTC, datetime, timedelta

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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "now"),
        (59, "now"),
        (-59, "now"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (-7200, "in 2 hours"),
        (86_400, "1 day ago"),
        (-1100 * 86_400, "in 1,100 days"),
    ],
)
def test_an_instant_is_as_far_away_as_people_say(seconds: int, words: str) -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    assert since(now - timedelta(seconds=seconds), now) == words


def test_numbers_go_with_their_thing() -> None:
    assert [counted(n, "item") for n in (0, 1, 1000)] == ["0 items", "1 item", "1,000 items"]
    assert counted(2, "entry", "entries") == "2 entries"
