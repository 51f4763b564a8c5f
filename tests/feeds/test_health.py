from datetime import datetime, timedelta

from digestmail.feeds.health import note_failure, note_success, retry_after
from digestmail.store.models import Feed
from digestmail.store.states import FeedState


def test_a_success_asks_again_in_an_hour_or_later_where_the_feed_wants_it(now: datetime) -> None:
    feed = Feed(url="u", next_poll_at=now, failures=3, last_error="x")
    for asked, hours in ((0, 1), (60, 1), (180, 3), (6000, 24)):
        note_success(feed, now=now, asked=timedelta(minutes=asked))
        assert feed.next_poll_at == now + timedelta(hours=hours)
    note_success(feed, now=now + timedelta(days=1))
    assert (feed.failures, feed.last_error) == (0, None)
    assert (feed.first_success_at, feed.last_success_at) == (now, now + timedelta(days=1))


def test_failures_put_the_next_try_off_for_longer_and_longer(now: datetime) -> None:
    assert [retry_after(failures) // timedelta(minutes=1) for failures in (1, 2, 3, 7, 8, 5000)] == [
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


def test_a_permanent_failure_ends_the_asking(now: datetime) -> None:
    feed = Feed(url="u", next_poll_at=now)
    note_failure(feed, now=now, error="Gone.", permanent=True)
    assert feed.state == FeedState.GONE
