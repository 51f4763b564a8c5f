"""A feed that is polled: its entries, and what a poll does with them."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import select

from digestmail.feeds.document import Entry, ParsedFeed, with_identities
from digestmail.feeds.items import Stored, store_entries
from digestmail.feeds.manage import add_feed, add_topic
from digestmail.store.database import Database, hold_back_news
from digestmail.store.models import Feed

HARBOUR, COAST = "https://harbour.example/feed", "https://coast.example/feed"


def add_publication(database: Database, *, now: datetime) -> None:
    """Two feeds that send all to one topic."""
    with database.transaction() as session:
        add_topic(session, slug="sea", name="Sea")
        for url in (HARBOUR, COAST):
            add_feed(session, url=url, topics=["sea"], now=now)


def entry(
    name: str, *, at: datetime | None, guid: str | None = None, link: str | None = None, excerpt: str = ""
) -> Entry:
    """An entry that is known by its name."""
    return Entry(
        identity=name if guid is None else guid,
        url=f"https://harbour.example/{name.replace(' ', '/')}" if link is None else link,
        title=name,
        excerpt=excerpt,
        author="",
        image_url="",
        published_at=at,
        categories=(),
    )


def poll(database: Database, entries: Sequence[Entry], *, at: datetime, url: str = HARBOUR) -> Stored:
    """Store a document as a poll does."""
    with database.transaction() as session:
        hold_back_news(session.connection())
        feed = session.exec(select(Feed).where(Feed.url == url)).one()
        stored = store_entries(session, feed, ParsedFeed(title="", entries=with_identities(entries)), now=at)
        feed.first_success_at = feed.last_success_at = at
        return stored
