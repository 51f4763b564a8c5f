"""Storing a document's entries: each item once, under each topic to which the feed's routes send it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from digestmail.feeds.clean import link_key
from digestmail.feeds.document import Entry, ParsedFeed, host_of
from digestmail.feeds.known import Recognised, has_path, recognise, text_key
from digestmail.feeds.moment import unfrozen
from digestmail.feeds.naming import folded, searchable
from digestmail.feeds.rhythm import HISTORY, is_too_much, rhythm_of
from digestmail.feeds.withdrawn import restore, withdraw
from digestmail.store.database import insert_new
from digestmail.store.models import Feed, Item, ItemSource, ItemTopic, Route

NEWEST = 10
"""A new feed's newest entries are news, the others are its back catalogue …"""
RECENT = timedelta(hours=48)
"""… but for those that are as recent as this, …"""
MOST_AT_FIRST = 50
"""… up to this many in all."""
STALE = timedelta(days=7)
"""What is dated earlier than this is never news."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a document: how many items are new, and how many of these are held back as a flood."""

    new: int = 0
    quarantined: int = 0


def store_entries(session: Session, feed: Feed, document: ParsedFeed, *, now: datetime) -> Stored:
    """Store a document of `feed`, inside a transaction that holds back news.

    An entry that is known brings its item up to date and to topics that it newly matches. An unknown one with the
    link of exactly one story, which another feed brought, joins that story. What matches no topic is stored too, so
    that it is known. What was listed and is no more may be withdrawn. More than the feed's rhythm explains is no news
    until the operator says so.
    """
    assert feed.id is not None  # noqa: S101 - it was read from the database
    seen_at = unfrozen(session, now)
    recognised = recognise(session, feed.id, [entry for entry in document.entries if entry.title])
    known = {identity: row.item_id for identity, row in recognised.known.items() if row.item_id is not None}
    entries = sorted(
        (e for e in recognised.entries if e.identity in known or e.identity not in recognised.known),
        key=lambda entry: _published_at(entry, seen_at),
        reverse=True,
    )
    unknown = [entry for entry in entries if entry.identity not in known]
    joined = _same_stories(session, feed.id, document.entries, unknown)
    fresh = [entry for entry in unknown if entry.identity not in joined]

    says = _Says(source=feed.title or host_of(feed.url), language=feed.language)
    made = _insert_items(session, fresh, says, seen_at=seen_at)
    _update_items(session, feed.id, {known[e.identity]: e for e in entries if e.identity in known}, says)
    items = known | joined | made
    withdraw(session, feed, document.entries, set(items.values()), now=now)
    restore(session, set(items.values()), seen_at=seen_at)
    listed_before = _count_listed(session, feed)
    _note_sources(session, feed.id, recognised, items, listed_at=now)

    news = _news(feed, entries, unknown={entry.identity for entry in unknown}, now=now)
    listed = len(recognised.entries)
    flood = feed.last_item_at is not None and _is_flood(
        feed, news, unknown, listed=listed, listed_before=listed_before, now=now
    )
    topics = _Topics(session, feed.id)
    placed = set(_places(session, known.values()))
    rows = [
        {
            "item_id": items[entry.identity],
            "topic_id": topic,
            "seen_at": seen_at,
            "news": entry.identity in news and not flood,
            "quarantined_by": feed.id if entry.identity in news and flood else None,
        }
        for entry in entries
        for topic in topics.of(entry)
        if (items[entry.identity], topic) not in placed
    ]
    insert_new(session.connection(), ItemTopic, rows)
    if unknown:
        _note_rhythm(session, feed, newest=max(_published_at(e, now) for e in unknown), now=now)
    feed.listed_at = now
    return Stored(len(made), len({row["item_id"] for row in rows if row["quarantined_by"]}))


def news_at_first(entries: Sequence[Entry], now: datetime) -> set[str]:
    """What of a feed that is seen for the first time is news, by identity; entries come newest first."""
    fitting = [
        entry.identity
        for place, entry in enumerate(entries)
        if place < NEWEST or (entry.published_at is not None and entry.published_at > now - RECENT)
    ]
    return set(fitting[:MOST_AT_FIRST]) - {entry.identity for entry in entries if _is_stale(entry, now)}


def _news(feed: Feed, entries: Sequence[Entry], *, unknown: Set[str], now: datetime) -> set[str]:
    """What would be news in a topic to which it comes now. A known entry comes to a topic because a route or a
    category was added: the same as with a new feed."""
    opening = news_at_first(entries, now)
    if feed.last_item_at is None:
        return opening
    return opening | {entry.identity for entry in entries if entry.identity in unknown and not _is_stale(entry, now)}


def _is_flood(
    feed: Feed, news: Set[str], unknown: Sequence[Entry], *, listed: int, listed_before: int, now: datetime
) -> bool:
    return is_too_much(
        sum(entry.identity in news for entry in unknown),
        unknown=len(unknown),
        listed=listed,
        listed_before=listed_before,
        elapsed=now - (feed.last_success_at or now),
        usual_gap=timedelta(seconds=feed.usual_gap) if feed.usual_gap else None,
    )


def _note_rhythm(session: Session, feed: Feed, *, newest: datetime, now: datetime) -> None:
    """Write down that the feed brought something new, which at first may be as old as the newest of it."""
    feed.last_item_at = min(newest, now) if feed.last_item_at is None else now
    lately = ItemSource.feed_id == feed.id, col(ItemSource.listed_at) > now - HISTORY
    published = select(Item.published_at).where(
        col(Item.id).in_(select(ItemSource.item_id).where(*lately)), Item.published_at > now - HISTORY
    )
    if rhythm := rhythm_of(session.exec(published), now=now):
        feed.usual_gap = int(rhythm.usual_gap.total_seconds())
        feed.longest_gap = int(rhythm.longest_gap.total_seconds())


class _Topics:
    """The routes of one feed."""

    def __init__(self, session: Session, feed_id: int) -> None:
        routes = session.exec(
            select(Route.category, Route.topic_id).where(Route.feed_id == feed_id).order_by(col(Route.id))
        )
        self._routes = [(folded(category), topic) for category, topic in routes]

    def of(self, entry: Entry) -> list[int]:
        """The topics of an entry, each once."""
        categories = {"", *map(folded, entry.categories)}
        return list(dict.fromkeys(topic for category, topic in self._routes if category in categories))


def _same_stories(
    session: Session, feed_id: int, document: Sequence[Entry], unknown: Sequence[Entry]
) -> dict[str, int]:
    """The items, brought by other feeds alone, that have the links of unknown entries; by identity.

    A link that stands twice in this document or in the store, or leads to a front page, tells no story from another.
    """
    once = Counter(link_key(entry.url) for entry in document)
    keys = {entry.identity: link_key(entry.url) for entry in unknown}
    telling = {identity: key for identity, key in keys.items() if once[key] == 1 and has_path(key)}
    ours = select(ItemSource.item_id).where(ItemSource.feed_id == feed_id, ItemSource.item_id == Item.id)
    found = session.exec(
        select(Item.link_key, func.min(Item.id))
        .where(col(Item.link_key).in_(set(telling.values())))
        .group_by(Item.link_key)
        .having(func.count() == 1, func.count().filter(ours.exists()) == 0)
    )
    stories = {key: item for key, item in found if item is not None}
    return {identity: stories[key] for identity, key in telling.items() if key in stories}


@dataclass(frozen=True, slots=True)
class _Says:
    """What a feed's entries say as columns of their items."""

    source: str
    language: str

    def of(self, entry: Entry) -> dict[str, Any]:
        """The columns that follow the entry."""
        return {
            "url": entry.url,
            "link_key": link_key(entry.url),
            "title": entry.title,
            "excerpt": entry.excerpt,
            "author": entry.author,
            "source": self.source,
            "image_url": entry.image_url,
            "search_text": searchable(entry.title, entry.excerpt, entry.author, self.source),
            "language": entry.language or self.language,
        }


def _insert_items(session: Session, entries: Iterable[Entry], says: _Says, *, seen_at: datetime) -> dict[str, int]:
    """Make items in the order of the entries; their ids by identity."""
    made = {
        entry.identity: Item(**says.of(entry), published_at=_published_at(entry, seen_at), seen_at=seen_at)
        for entry in entries
    }
    session.add_all(made.values())
    session.flush()
    return {identity: item.id for identity, item in made.items() if item.id is not None}


def _update_items(session: Session, feed_id: int, entries: Mapping[int, Entry], says: _Says) -> None:
    """Bring known items up to date. Where several feeds carry a story, the one that was added first has the word."""
    speaker = (
        select(ItemSource.item_id)
        .where(col(ItemSource.item_id).in_(entries))
        .group_by(col(ItemSource.item_id))
        .having(func.min(ItemSource.feed_id) == feed_id)
    )
    for item in session.exec(select(Item).where(col(Item.id).in_(speaker))):
        assert item.id is not None  # noqa: S101 - it was read from the database
        for name, value in says.of(entries[item.id]).items():
            if getattr(item, name) != value:
                setattr(item, name, value)


def _note_sources(
    session: Session, feed_id: int, recognised: Recognised, items: Mapping[str, int], *, listed_at: datetime
) -> None:
    """Write down how each entry is listed now, tombstones included; under a new identity beside the one it had."""
    added = []
    for entry in recognised.entries:
        listed = {
            "item_id": items.get(entry.identity),
            "link_key": link_key(entry.url),
            "text_key": text_key(entry),
            "dated_at": entry.published_at,
            "listed_at": listed_at,
        }
        row = recognised.known.get(entry.identity)
        if row is not None and row.identity == entry.identity:
            row.sqlmodel_update(listed)
        else:
            added.append({"feed_id": feed_id, "identity": entry.identity, **listed})
    insert_new(session.connection(), ItemSource, added)


def _count_listed(session: Session, feed: Feed) -> int:
    """How many entries the last document had; only asked of a feed without a rhythm, which alone needs it."""
    if feed.usual_gap is not None:
        return 0
    listed = select(func.count()).where(ItemSource.feed_id == feed.id, ItemSource.listed_at == feed.listed_at)
    return session.exec(listed).one()


def _places(session: Session, items: Iterable[int]) -> Iterable[tuple[int, int]]:
    placed = select(ItemTopic.item_id, ItemTopic.topic_id).where(col(ItemTopic.item_id).in_(set(items)))
    return session.exec(placed)


def _is_stale(entry: Entry, now: datetime) -> bool:
    return entry.published_at is not None and entry.published_at < now - STALE


def _published_at(entry: Entry, seen_at: datetime) -> datetime:
    """Undated and future entries count as published when they were seen."""
    return seen_at if entry.published_at is None else min(entry.published_at, seen_at)
