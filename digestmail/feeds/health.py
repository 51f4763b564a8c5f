"""A feed's health and when to ask it again (pure): hourly while it answers, ever more rarely while it fails."""

from datetime import datetime, timedelta

from digestmail.store.models import Feed
from digestmail.store.states import FeedState

POLL_EVERY = timedelta(hours=1)
POLL_AT_LEAST_EVERY = timedelta(hours=24)
RETRY_AFTER = timedelta(minutes=5)
RETRY_AT_LEAST_EVERY = timedelta(hours=6)


def note_success(feed: Feed, *, now: datetime, asked: timedelta = POLL_EVERY) -> None:
    """Write a success on the row; `asked` is how long the feed wants to be left alone."""
    feed.first_success_at = feed.first_success_at or now
    feed.last_success_at = now
    feed.last_error = None
    feed.failures = 0
    feed.next_poll_at = now + min(max(asked, POLL_EVERY), POLL_AT_LEAST_EVERY)


def note_failure(feed: Feed, *, now: datetime, error: str, permanent: bool = False) -> None:
    """Write a failure on the row: the next try comes after 5, 10, 20, … minutes, or never where it is permanent."""
    feed.last_error = error
    feed.failures += 1
    feed.next_poll_at = now + retry_after(feed.failures)
    if permanent:
        feed.state = FeedState.GONE


def retry_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row (1 or more)."""
    return min(RETRY_AFTER * (1 << min(failures - 1, 10)), RETRY_AT_LEAST_EVERY)
