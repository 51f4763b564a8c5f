from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.rhythm import FLOOD, Rhythm, is_too_much, rhythm_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_rhythm_is_the_mean_and_the_longest_gap() -> None:
    times = [NOON - days * DAY for days in (10, 9, 8, 4, 1, 0)]
    assert rhythm_of(times, now=NOON) == Rhythm(usual_gap=10 * DAY / 6, longest_gap=4 * DAY)


def test_several_items_at_one_instant_are_several_items() -> None:
    daily = [NOON - days * DAY for days in range(6) for _ in range(10)]
    assert rhythm_of(daily, now=NOON) == Rhythm(usual_gap=2 * HOUR, longest_gap=DAY)


def test_what_a_new_feed_lists_at_once_is_no_rhythm_of_minutes() -> None:
    rhythm = rhythm_of([NOON - timedelta(minutes=n) for n in range(24)], now=NOON)
    assert rhythm is not None
    assert rhythm.usual_gap == HOUR


@pytest.mark.parametrize(
    "times", [[], [NOON] * 50, [NOON - n * DAY for n in range(4)], [NOON - (61 + n) * DAY for n in range(9)]]
)
def test_few_or_old_items_make_no_rhythm(times: list[datetime]) -> None:
    assert rhythm_of(times, now=NOON) is None


def too_much(
    new: int,
    *,
    unknown: int | None = None,
    listed: int,
    listed_before: int | None = None,
    elapsed: timedelta = HOUR,
    usual_gap: timedelta | None = 8 * HOUR,
) -> bool:
    return is_too_much(
        new,
        unknown=new if unknown is None else unknown,
        listed=listed,
        listed_before=listed if listed_before is None else listed_before,
        elapsed=elapsed,
        usual_gap=usual_gap,
    )


def test_a_document_that_is_all_new_is_a_re_baseline() -> None:
    assert too_much(20, listed=20)
    assert too_much(17, listed=20)
    assert not too_much(16, listed=20)
    assert too_much(5, unknown=20, listed=20)  # the others are too old for news
    assert too_much(20, listed=20, usual_gap=None)


def test_a_feed_without_a_rhythm_may_exchange_what_it_listed_once_a_day() -> None:
    assert not too_much(20, listed=20, elapsed=DAY, usual_gap=None)
    assert too_much(1000, listed=1004, listed_before=4, elapsed=DAY, usual_gap=None)
    assert not too_much(40, listed=60, listed_before=20, elapsed=DAY, usual_gap=None)


def test_a_small_document_may_be_all_new() -> None:
    assert not too_much(4, listed=4)


def test_an_outage_explains_that_all_is_new() -> None:
    assert not too_much(20, listed=20, elapsed=3 * DAY)
    assert not too_much(20, listed=20, elapsed=DAY, usual_gap=None)


def test_a_busy_feed_turns_over_between_two_polls() -> None:
    assert not too_much(10, listed=10, usual_gap=timedelta(minutes=10))


def test_a_flood_is_more_than_fifty_that_nothing_explains() -> None:
    assert not too_much(FLOOD, listed=1000)
    assert too_much(FLOOD + 1, listed=1000)
    assert not too_much(FLOOD + 1, listed=1000, elapsed=10 * DAY, usual_gap=timedelta(hours=1))


@given(st.integers(0, 1000), st.integers(0, 1000), st.timedeltas(min_value=timedelta(), max_value=30 * DAY))
def test_less_is_never_too_much_where_more_is_not(new: int, listed: int, elapsed: timedelta) -> None:
    listed = max(new, listed)
    if not too_much(new, unknown=listed, listed=listed, elapsed=elapsed):
        assert not too_much(max(new - 1, 0), unknown=listed, listed=listed, elapsed=elapsed)
