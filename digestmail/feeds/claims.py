"""A collector's claim on the feeds that are due: it puts off their next poll, so that nobody else polls them meanwhile.

A claim is renewed while its round lasts. After a crash it runs out, and the feeds are due again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlmodel import col

from digestmail.feeds.document import host_of
from digestmail.store.columns import Instant
from digestmail.store.database import Database, among
from digestmail.store.models import Feed
from digestmail.store.states import FeedState

CLAIM = timedelta(minutes=10)
"""How long a feed stays with the collector that took it; after a crash another one takes it then."""

_DUE = (
    select(
        *(col(Feed.id), col(Feed.url), col(Feed.etag), col(Feed.last_modified)),
        *(col(Feed.local), col(Feed.failures), col(Feed.next_poll_at)),
    )
    .where(col(Feed.state) == FeedState.ACTIVE)
    .order_by(col(Feed.next_poll_at), col(Feed.id))
    .with_for_update(skip_locked=True)  # on SQLite the transaction alone sees to it that two do not take the same
)
_POLL_AT = update(Feed).where(among(col(Feed.id))).values(next_poll_at=bindparam("at", type_=Instant))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A feed as it was when it was taken."""

    id: int
    url: str
    host: str
    etag: str | None
    last_modified: str | None
    local: bool
    failing: bool
    """Its last poll failed."""
    due_at: datetime


def claim(database: Database, now: datetime, *, every_feed: bool) -> list[Claimed]:
    """Take the feeds whose time has come, or every active one; those that have waited longest come first."""
    due = _DUE if every_feed else _DUE.where(col(Feed.next_poll_at) <= now)
    with database.writing() as connection:
        taken = [
            Claimed(
                id=number,
                url=url,
                host=host_of(url),
                etag=etag,
                last_modified=last_modified,
                local=local,
                failing=failures > 0,
                due_at=due_at,
            )
            for number, url, etag, last_modified, local, failures, due_at in connection.execute(due)
            if number is not None
        ]
        connection.execute(_POLL_AT, {"ids": [feed.id for feed in taken], "at": now + CLAIM})
    return taken


def put_off(database: Database, feeds: Iterable[Claimed], *, until: datetime) -> None:
    """Poll these at another time: where a claim is renewed, or a host wants to be left alone."""
    with database.writing() as connection:
        connection.execute(_POLL_AT, {"ids": [feed.id for feed in feeds], "at": until})


def give_back(database: Database, feeds: Iterable[Claimed]) -> None:
    """Let these be due as they were."""
    with database.writing() as connection:
        for feed in feeds:
            connection.execute(_POLL_AT, {"ids": [feed.id], "at": feed.due_at})
