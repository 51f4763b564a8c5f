"""When to ask a feed again (pure): by how often it changes and what it asks for, ever more rarely while it fails."""

from datetime import datetime, timedelta

from digestmail.store.models import Feed
from digestmail.store.states import FeedState

POLL_EVERY = timedelta(hours=1)
"""Unless the feed asks for something else, …"""
POLL_AT_MOST_EVERY = timedelta(minutes=15)
"""… which is granted down to this and …"""
POLL_AT_LEAST_EVERY = timedelta(hours=24)
"""… up to this."""
POLL_SLOW_EVERY = timedelta(hours=6)
"""A feed that seldom has something new, and asks for nothing."""
RETRY_AFTER = timedelta(minutes=5)
RETRY_AT_LEAST_EVERY = timedelta(hours=6)

_POLLS_A_GAP = 4
"""So often a feed is asked in the time in which it usually has one new item."""
_BEFORE_A_SLOT = timedelta(minutes=10)
_JITTER = 0.2


def note_success(
    feed: Feed,
    *,
    now: datetime,
    fresh_for: timedelta = timedelta(),
    next_slot_at: datetime | None = None,
    jitter: float = 0.0,
) -> None:
    """Write a success on the row, and when to ask again; see `next_poll` for what goes into that."""
    feed.last_success_at = now
    if feed.first_success_at is None:
        feed.first_success_at = now
    if feed.failures:
        feed.last_error, feed.failures, feed.failing_since_at = None, 0, None
    feed.next_poll_at = next_poll(
        now=now,
        asked=timedelta(seconds=feed.asked_gap) if feed.asked_gap else None,
        fresh_for=fresh_for,
        usual_gap=timedelta(seconds=feed.usual_gap) if feed.usual_gap else None,
        next_slot_at=next_slot_at,
        jitter=jitter,
    )


def next_poll(
    *,
    now: datetime,
    asked: timedelta | None,
    fresh_for: timedelta,
    usual_gap: timedelta | None,
    next_slot_at: datetime | None,
    jitter: float,
) -> datetime:
    """When to ask a feed again that was read at `now`.

    The document may ask for an interval (`asked`), and HTTP for a longer one (`fresh_for`, RFC 9111). Longer than that
    it is left alone while it seldom changes (`usual_gap`), but asked right before the next digests. `jitter`, from 0
    up to 1, takes something from that longer time, so that feeds that were added together spread.
    """
    least = min(max(asked or POLL_EVERY, POLL_AT_MOST_EVERY, fresh_for), POLL_AT_LEAST_EVERY)
    interval = max(least, min(usual_gap / _POLLS_A_GAP, POLL_SLOW_EVERY) if usual_gap else least)
    due = now + interval - (interval - least) * _JITTER * jitter
    if next_slot_at is not None:
        before_slot = next_slot_at - _BEFORE_A_SLOT * (1 - jitter / 2)
        if now + least <= before_slot < due:
            return before_slot
    return due


def note_failure(
    feed: Feed, *, now: datetime, error: str, permanent: bool = False, retry_after: timedelta | None = None
) -> None:
    """Write a failure on the row: the next try comes after 5, 10, 20, … minutes, not before the server wants it
    (`retry_after`), or never where the failure is permanent."""
    feed.last_error = error
    feed.failures += 1
    feed.failing_since_at = feed.failing_since_at or now
    feed.next_poll_at = now + max(backoff(feed.failures), retry_after or timedelta())
    if permanent:
        feed.state = FeedState.GONE


def backoff(failures: int) -> timedelta:
    """How long to wait after so many failures in a row (1 or more)."""
    return min(RETRY_AFTER * (1 << min(failures - 1, 10)), RETRY_AT_LEAST_EVERY)
