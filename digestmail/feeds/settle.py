"""Settling: what polls came to is written on their feeds, and what they brought is stored."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, func, select

from digestmail.clock import Clock
from digestmail.feeds.claims import Claimed
from digestmail.feeds.document import ParsedFeed
from digestmail.feeds.fetch import Fetched
from digestmail.feeds.health import note_failure, note_success
from digestmail.feeds.hub_offer import hub_offer
from digestmail.feeds.hubs import note_hub
from digestmail.feeds.items import store_entries
from digestmail.feeds.permit import Permit
from digestmail.store.database import Database, among, hold_back_news
from digestmail.store.models import Feed, Subscriber

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """A FeedError as a value: the exception itself would hold on to the document that it is about."""

    sentence: str
    permanent: bool = False
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Poll:
    """What a feed sent, read, without its body; no document where nothing was modified."""

    feed: Claimed
    answer: Fetched | Failure
    document: ParsedFeed | None
    seconds: float
    """From the question to here, without the wait for the permit."""
    permit: Permit
    """To be released once the document is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one poll came to."""

    not_modified: bool = False
    new_items: int = 0
    failure: str | None = None


def settle(
    database: Database, polls: Sequence[Poll], clock: Clock, jitter: Callable[[], float] = random.random
) -> list[Outcome]:
    """Settle these in one transaction; where that fails, each alone, and a fault is written on the feed that has it.

    `jitter` gives numbers from 0 up to 1, which spread the polls to come.
    """
    try:
        return _store(database, polls, clock, jitter)
    except Exception as error:
        if len(polls) > 1:
            return [outcome for poll in polls for outcome in settle(database, [poll], clock, jitter)]
        [poll] = polls
        return _store(database, [replace(poll, answer=unforeseen(poll.feed, error), document=None)], clock, jitter)


def unforeseen(feed: Claimed, error: Exception) -> Failure:
    """A fault of ours, which goes to the log, in words for the operator."""
    _log.error("a feed could not be collected", feed_id=feed.id, exc_info=error)
    return Failure(f"Reading this feed failed ({type(error).__name__}); the log holds the details.")


def _store(database: Database, polls: Sequence[Poll], clock: Clock, jitter: Callable[[], float]) -> list[Outcome]:
    with database.transaction() as session:
        if any(poll.document for poll in polls):
            hold_back_news(session.connection())
        now = clock()
        next_slot = select(func.min(Subscriber.next_send_at)).where(col(Subscriber.next_send_at) > now)
        next_slot_at = session.exec(next_slot).one()
        some = select(Feed).where(among(col(Feed.id)))
        rows = {row.id: row for row in session.exec(some, params={"ids": [poll.feed.id for poll in polls]})}
        return [
            _write(session, row, poll, now=now, next_slot_at=next_slot_at, jitter=jitter())
            if (row := rows.get(poll.feed.id)) is not None
            else Outcome()
            for poll in polls
        ]


def _write(
    session: Session, row: Feed, poll: Poll, *, now: datetime, next_slot_at: datetime | None, jitter: float
) -> Outcome:
    answer, document = poll.answer, poll.document
    if isinstance(answer, Failure):
        note_failure(row, now=now, error=answer.sentence, permanent=answer.permanent, retry_after=answer.retry_after)
        return Outcome(failure=answer.sentence)
    if document is None and (row.etag, row.last_modified) != (poll.feed.etag, poll.feed.last_modified):
        return Outcome(not_modified=True)  # meanwhile the whole document has been asked for: the feed is due again
    new_items = 0
    if document is not None:
        row.etag, row.last_modified = answer.etag, answer.last_modified
        new_items = _take_in(session, row, document, answer, now=now)
    if answer.permanent_url is not None:
        _move(session, row, answer.permanent_url)
    fresh_for = answer.max_age or timedelta()
    note_success(row, now=now, fresh_for=fresh_for, next_slot_at=next_slot_at, jitter=jitter)
    return Outcome(not_modified=document is None, new_items=new_items)


def _take_in(session: Session, row: Feed, document: ParsedFeed, answer: Fetched, *, now: datetime) -> int:
    """Store what a document says of its feed, and its entries; how many of these are new."""
    row.title = document.title or row.title
    row.site_url, row.language = document.site_url, document.language
    row.asked_gap = int(document.ttl.total_seconds()) if document.ttl else None
    stored = store_entries(session, row, document, now=now)
    offer = hub_offer(answer.links, hub_url=document.hub_url, self_url=document.self_url, url=answer.url)
    note_hub(session, row, offer, now=now)
    return stored.new


def _move(session: Session, feed: Feed, url: str) -> None:
    """Follow a permanent move, unless another feed lives there. A local feed stays: its privilege is for its URL."""
    if not feed.local and session.exec(select(Feed.id).where(Feed.url == url)).first() is None:
        feed.url = url
