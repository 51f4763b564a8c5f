from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.health import (
    POLL_AT_LEAST_EVERY,
    POLL_AT_MOST_EVERY,
    POLL_EVERY,
    backoff,
    next_poll,
    note_failure,
    note_success,
)
from digestmail.store.models import Feed
from digestmail.store.states import FeedState
from tests.feeds.test_rhythm import NOON

HOUR = timedelta(hours=1)
gaps = st.timedeltas(min_value=timedelta(), max_value=timedelta(days=400))


def asked_in(
    *,
    asked: timedelta | None = None,
    fresh_for: timedelta = timedelta(),
    usual_gap: timedelta | None = None,
    slot_in: timedelta | None = None,
    jitter: float = 0,
) -> timedelta:
    """How long after a poll the next one comes."""
    slot = None if slot_in is None else NOON + slot_in
    return (
        next_poll(now=NOON, asked=asked, fresh_for=fresh_for, usual_gap=usual_gap, next_slot_at=slot, jitter=jitter)
        - NOON
    )


def test_a_feed_is_asked_every_hour_unless_it_asks_for_something_else() -> None:
    assert asked_in() == HOUR
    assert asked_in(fresh_for=timedelta(minutes=5)) == HOUR
    assert asked_in(fresh_for=3 * HOUR) == 3 * HOUR
    assert asked_in(asked=3 * HOUR) == 3 * HOUR
    assert asked_in(asked=timedelta(minutes=20)) == timedelta(minutes=20)
    assert asked_in(asked=timedelta(minutes=1)) == POLL_AT_MOST_EVERY
    assert asked_in(asked=900 * HOUR) == POLL_AT_LEAST_EVERY


def test_a_feed_that_seldom_changes_is_asked_less_often() -> None:
    assert asked_in(usual_gap=HOUR) == HOUR
    assert asked_in(usual_gap=12 * HOUR) == 3 * HOUR
    assert asked_in(usual_gap=timedelta(days=30)) == 6 * HOUR
    assert asked_in(usual_gap=timedelta(days=30), asked=8 * HOUR) == 8 * HOUR


def test_feeds_that_were_added_together_spread() -> None:
    assert asked_in(usual_gap=timedelta(days=30), jitter=0.5) == 5.5 * HOUR
    assert asked_in(jitter=0.5) == HOUR


def test_it_is_asked_right_before_the_next_digests_but_not_sooner_than_it_allows() -> None:
    seldom = timedelta(days=30)
    assert asked_in(usual_gap=seldom, slot_in=2 * HOUR) == timedelta(minutes=110)
    assert asked_in(usual_gap=seldom, slot_in=HOUR) == 6 * HOUR
    assert asked_in(usual_gap=seldom, slot_in=-HOUR) == 6 * HOUR
    assert asked_in(usual_gap=seldom, slot_in=2 * HOUR, asked=2 * HOUR) == 6 * HOUR
    assert asked_in(usual_gap=seldom, slot_in=9 * HOUR) == 6 * HOUR


@given(
    st.none() | gaps, gaps, st.none() | gaps, st.none() | gaps, st.floats(min_value=0, max_value=1, exclude_max=True)
)
def test_it_is_never_asked_sooner_than_it_wants_nor_much_later_than_daily(
    asked: timedelta | None,
    fresh_for: timedelta,
    usual_gap: timedelta | None,
    slot_in: timedelta | None,
    jitter: float,
) -> None:
    wait = asked_in(asked=asked, fresh_for=fresh_for, usual_gap=usual_gap, slot_in=slot_in, jitter=jitter)
    assert wait >= min(max(asked or POLL_EVERY, POLL_AT_MOST_EVERY, fresh_for), POLL_AT_LEAST_EVERY)
    assert wait <= POLL_AT_LEAST_EVERY


def test_a_success_forgets_the_failures(now: datetime) -> None:
    feed = Feed(url="u", next_poll_at=now, failures=3, last_error="x", failing_since_at=now, asked_gap=7200)
    note_success(feed, now=now)
    assert (feed.failures, feed.last_error, feed.failing_since_at) == (0, None, None)
    assert (feed.first_success_at, feed.last_success_at, feed.next_poll_at) == (now, now, now + 2 * HOUR)
    note_success(feed, now=now + HOUR)
    assert (feed.first_success_at, feed.last_success_at) == (now, now + HOUR)


def test_failures_put_the_next_try_off_for_longer_and_longer(now: datetime) -> None:
    assert [backoff(failures) // timedelta(minutes=1) for failures in (1, 2, 3, 7, 8, 5000)] == [
        5,
        10,
        20,
        320,
        360,
        360,
    ]
    feed = Feed(url="u", next_poll_at=now, last_success_at=now)
    note_failure(feed, now=now, error="It rained.")
    note_failure(feed, now=now, error="It snowed.")
    assert (feed.failures, feed.last_error, feed.next_poll_at) == (2, "It snowed.", now + timedelta(minutes=10))
    assert (feed.state, feed.last_success_at) == (FeedState.ACTIVE, now)


def test_it_is_known_since_when_a_feed_fails(now: datetime) -> None:
    feed = Feed(url="u", next_poll_at=now)
    note_failure(feed, now=now, error="It rained.")
    note_failure(feed, now=now + HOUR, error="It rained.")
    assert feed.failing_since_at == now


def test_a_server_that_wants_to_be_left_alone_is(now: datetime) -> None:
    feed = Feed(url="u", next_poll_at=now)
    note_failure(feed, now=now, error="Later.", retry_after=timedelta(days=2))
    assert feed.next_poll_at == now + timedelta(days=2)
    note_failure(feed, now=now, error="Later.", retry_after=timedelta(seconds=1))
    assert feed.next_poll_at == now + timedelta(minutes=10)


def test_a_permanent_failure_ends_the_asking(now: datetime) -> None:
    feed = Feed(url="u", next_poll_at=now)
    note_failure(feed, now=now, error="Gone.", permanent=True)
    assert feed.state == FeedState.GONE
