"""Collecting: every due feed is claimed, fetched outside any transaction, and stored in a short one of its own.

One feed's failure is written on that feed and never disturbs another.
"""

import random
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog
from sqlmodel import Session, col, func, select, update

from digestmail.clock import Clock
from digestmail.errors import FeedError
from digestmail.feeds.document import ParsedFeed
from digestmail.feeds.fetch import Fetched, Fetcher
from digestmail.feeds.health import note_failure, note_success
from digestmail.feeds.hub_offer import hub_offer
from digestmail.feeds.hubs import note_hub
from digestmail.feeds.items import store_entries
from digestmail.feeds.parse import parse_feed
from digestmail.store.database import Database, hold_back_news
from digestmail.store.models import Feed, Subscriber
from digestmail.store.states import FeedState

__all__ = ["CollectReport", "collect_due", "store_entries"]

FETCHES_AT_ONCE = 4
CLAIM = timedelta(minutes=10)
"""How long a feed stays with the collector that took it; after a crash another one takes it then."""

Parse = Callable[..., ParsedFeed]
"""`parse_feed`, or something that does the same elsewhere."""

OnFeed = Callable[[int, int, str], None]
"""Called after each feed with how many are done, how many there are, and the feed's URL."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What one round of collecting came to. `failures` holds (URL, sentence) for each feed that could not be had."""

    polled: int = 0
    not_modified: int = 0
    new_items: int = 0
    failures: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claimed:
    """A feed as it was when it was taken."""

    id: int
    url: str
    etag: str | None
    last_modified: str | None
    local: bool


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a feed sent, read; no document where nothing was modified."""

    fetched: Fetched
    document: ParsedFeed | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What one poll came to."""

    not_modified: bool = False
    new_items: int = 0
    failure: str | None = None


def collect_due(
    database: Database,
    fetcher: Fetcher,
    clock: Clock,
    *,
    parse: Parse = parse_feed,
    jitter: Callable[[], float] = random.random,
    every_feed: bool = False,
    on_feed: OnFeed | None = None,
) -> CollectReport:
    """Poll the feeds whose time has come, or every active one, and store what they bring.

    `jitter` gives numbers from 0 up to 1, which spread the polls to come.
    """
    claimed = _claim(database, clock(), every_feed=every_feed)
    outcomes: dict[str, _Outcome] = {}
    threads = ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch")
    try:
        polls = {threads.submit(_poll, fetcher, parse, feed): feed for feed in claimed}
        for done, poll in enumerate(as_completed(polls), start=1):
            feed = polls.pop(poll)  # lets go of the document
            outcomes[feed.url] = _settle(database, feed, poll, clock, jitter)
            if on_feed is not None:
                on_feed(done, len(claimed), feed.url)
    finally:
        threads.shutdown(cancel_futures=True)
    return CollectReport(
        polled=len(outcomes),
        not_modified=sum(outcome.not_modified for outcome in outcomes.values()),
        new_items=sum(outcome.new_items for outcome in outcomes.values()),
        failures=tuple((url, outcome.failure) for url, outcome in outcomes.items() if outcome.failure),
    )


def _claim(database: Database, now: datetime, *, every_feed: bool) -> list[_Claimed]:
    """Take the feeds to poll; the statement that reads them puts off their next poll, so nobody else takes them."""
    take = (
        update(Feed)
        .where(col(Feed.state) == FeedState.ACTIVE)
        .values(next_poll_at=now + CLAIM)
        .returning(col(Feed.id), col(Feed.url), col(Feed.etag), col(Feed.last_modified), col(Feed.local))
    )
    if not every_feed:
        take = take.where(col(Feed.next_poll_at) <= now)
    with database.transaction() as session:
        return [
            _Claimed(id=number, url=url, etag=etag, last_modified=last_modified, local=local)
            for number, url, etag, last_modified, local in session.execute(take)
        ]


def _poll(fetcher: Fetcher, parse: Parse, feed: _Claimed) -> _Answer:
    fetched = fetcher.get(feed.url, etag=feed.etag, last_modified=feed.last_modified, local=feed.local)
    if fetched.status == HTTPStatus.NOT_MODIFIED:
        return _Answer(fetched, None)
    return _Answer(fetched, parse(fetched.body, content_type=fetched.content_type, url=fetched.url))


def _settle(
    database: Database, feed: _Claimed, poll: "Future[_Answer]", clock: Clock, jitter: Callable[[], float]
) -> _Outcome:
    """Store the answer, or write on the feed why there is none."""
    try:
        return _store(database, feed, poll.result(), clock, jitter)
    except FeedError as error:
        sentence, permanent = str(error), error.permanent
    except Exception as error:
        _log.exception("a feed could not be collected", feed_id=feed.id)
        sentence, permanent = f"Reading this feed failed ({type(error).__name__}); the log holds the details.", False
    with database.transaction() as session:
        if (row := session.get(Feed, feed.id)) is not None:
            note_failure(row, now=clock(), error=sentence, permanent=permanent)
    return _Outcome(failure=sentence)


def _store(database: Database, feed: _Claimed, answer: _Answer, clock: Clock, jitter: Callable[[], float]) -> _Outcome:
    fetched, document = answer.fetched, answer.document
    with database.transaction() as session:
        hold_back_news(session.connection())
        row = session.get(Feed, feed.id)
        if row is None:
            return _Outcome()
        now = clock()
        new_items = 0
        if document is not None:
            row.title = document.title or row.title
            row.site_url, row.language = document.site_url, document.language
            row.etag, row.last_modified = fetched.etag, fetched.last_modified
            row.asked_gap = int(document.ttl.total_seconds()) if document.ttl else None
            new_items = store_entries(session, row, document, now=now).new
            offer = hub_offer(fetched.links, hub_url=document.hub_url, self_url=document.self_url, url=fetched.url)
            note_hub(session, row, offer, now=now)
        if fetched.permanent_url is not None:
            _move(session, row, fetched.permanent_url)
        next_slot = select(func.min(Subscriber.next_send_at)).where(col(Subscriber.next_send_at) > now)
        note_success(
            row,
            now=now,
            fresh_for=fetched.max_age or timedelta(),
            next_slot_at=session.exec(next_slot).one(),
            jitter=jitter(),
        )
    return _Outcome(not_modified=document is None, new_items=new_items)


def _move(session: Session, feed: Feed, url: str) -> None:
    """Follow a permanent move, unless another feed lives there. A local feed stays: its privilege is for its URL."""
    if not feed.local and session.exec(select(Feed.id).where(Feed.url == url)).first() is None:
        feed.url = url
