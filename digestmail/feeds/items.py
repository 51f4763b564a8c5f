"""Storing a document's entries: each item once, under each topic to which the feed's routes send it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from digestmail.feeds.clean import link_key
from digestmail.feeds.document import Entry, ParsedFeed, host_of
from digestmail.store.database import insert_new
from digestmail.store.models import Edition, Feed, Item, ItemSource, ItemTopic, Route

NEWEST = 10
"""A new feed's newest entries are news, the others are its back catalogue …"""
RECENT = timedelta(hours=48)
"""… but for those that are as recent as this, …"""
MOST_AT_FIRST = 50
"""… up to this many in all."""
STALE = timedelta(days=7)
"""What is dated earlier than this is never news."""


def store_entries(session: Session, feed: Feed, document: ParsedFeed, *, now: datetime) -> int:
    """Store a document of `feed`, inside a transaction that holds back news; how many items are new.

    An entry that is known brings its item up to date and to topics that it newly matches. An unknown one with the
    link of exactly one story, which another feed brought, joins that story. What matches no topic is stored too, so
    that it is known.
    """
    assert feed.id is not None  # noqa: S101 - it was read from the database
    seen_at = _unfrozen(session, now)
    entries = sorted(document.entries, key=lambda entry: _published_at(entry, seen_at), reverse=True)
    known = _known_items(session, feed.id, entries)
    unknown = [entry for entry in entries if entry.identity not in known]
    joined = _same_stories(session, feed.id, document.entries, unknown)
    fresh = [entry for entry in unknown if entry.identity not in joined]

    source = feed.title or host_of(feed.url)
    made = _insert_items(session, fresh, source=source, seen_at=seen_at)
    _update_items(session, feed.id, {known[e.identity]: e for e in entries if e.identity in known}, source=source)
    items = known | joined | made
    sources = [{"feed_id": feed.id, "identity": e.identity, "item_id": items[e.identity]} for e in unknown]
    insert_new(session.connection(), ItemSource, sources)

    opening = _news_at_first(entries, now)
    first_time = feed.first_success_at is None
    topics = _Topics(session, feed.id)
    placed = set(_places(session, known.values()))
    rows = [
        {
            "item_id": items[entry.identity],
            "topic_id": topic,
            "seen_at": seen_at,
            # A known entry comes to a topic because a route or a category was added: the same as with a new feed.
            "news": not _is_stale(entry, now)
            and (entry.identity in opening or not (first_time or entry.identity in known)),
        }
        for entry in entries
        for topic in topics.of(entry)
        if (items[entry.identity], topic) not in placed
    ]
    insert_new(session.connection(), ItemTopic, rows)
    return len(made)


class _Topics:
    """The routes of one feed."""

    def __init__(self, session: Session, feed_id: int) -> None:
        routes = session.exec(
            select(Route.category, Route.topic_id).where(Route.feed_id == feed_id).order_by(col(Route.id))
        )
        self._routes = [(_folded(category), topic) for category, topic in routes]

    def of(self, entry: Entry) -> list[int]:
        """The topics of an entry, each once."""
        categories = {"", *map(_folded, entry.categories)}
        return list(dict.fromkeys(topic for category, topic in self._routes if category in categories))


def _unfrozen(session: Session, now: datetime) -> datetime:
    """The present instant, but never one that lies in the window of an edition.

    A frozen edition takes no more items, so what is seen before its cutoff would reach nobody. And a cutoff can lie
    ahead of our clock: the clocks of several hosts differ, and `tick --now` travels in time.
    """
    cutoff_at = session.exec(select(func.max(Edition.cutoff_at))).one()
    return now if cutoff_at is None else max(now, cutoff_at + timedelta(microseconds=1))


def _known_items(session: Session, feed_id: int, entries: Sequence[Entry]) -> dict[str, int]:
    """The items of those entries that this feed has listed before, by identity."""
    identities = [entry.identity for entry in entries]
    known = select(ItemSource.identity, ItemSource.item_id).where(
        ItemSource.feed_id == feed_id, col(ItemSource.identity).in_(identities)
    )
    return dict(session.exec(known).all())


def _same_stories(
    session: Session, feed_id: int, document: Sequence[Entry], unknown: Sequence[Entry]
) -> dict[str, int]:
    """The items, brought by other feeds alone, that have the links of unknown entries; by identity.

    A link that stands twice in this document or in the store, or leads to a front page, tells no story from another.
    """
    once = Counter(link_key(entry.url) for entry in document)
    keys = {entry.identity: link_key(entry.url) for entry in unknown}
    telling = {identity: key for identity, key in keys.items() if once[key] == 1 and _has_path(key)}
    ours = select(ItemSource.item_id).where(ItemSource.feed_id == feed_id, ItemSource.item_id == Item.id)
    found = session.exec(
        select(Item.link_key, func.min(Item.id))
        .where(col(Item.link_key).in_(set(telling.values())))
        .group_by(Item.link_key)
        .having(func.count() == 1, func.count().filter(ours.exists()) == 0)
    )
    stories = {key: item for key, item in found if item is not None}
    return {identity: stories[key] for identity, key in telling.items() if key in stories}


def _insert_items(session: Session, entries: Iterable[Entry], *, source: str, seen_at: datetime) -> dict[str, int]:
    """Make items in the order of the entries; their ids by identity."""
    made = {
        entry.identity: Item(**_says(entry, source), published_at=_published_at(entry, seen_at), seen_at=seen_at)
        for entry in entries
    }
    session.add_all(made.values())
    session.flush()
    return {identity: item.id for identity, item in made.items() if item.id is not None}


def _update_items(session: Session, feed_id: int, entries: Mapping[int, Entry], *, source: str) -> None:
    """Bring known items up to date. Where several feeds carry a story, the one that was added first has the word."""
    speaker = (
        select(ItemSource.item_id)
        .where(col(ItemSource.item_id).in_(entries))
        .group_by(col(ItemSource.item_id))
        .having(func.min(ItemSource.feed_id) == feed_id)
    )
    for item in session.exec(select(Item).where(col(Item.id).in_(speaker))):
        assert item.id is not None  # noqa: S101 - it was read from the database
        for name, value in _says(entries[item.id], source).items():
            if getattr(item, name) != value:
                setattr(item, name, value)


def _says(entry: Entry, source: str) -> dict[str, Any]:
    """The columns of an item that follow its entry."""
    return {
        "url": entry.url,
        "link_key": link_key(entry.url),
        "title": entry.title,
        "excerpt": entry.excerpt,
        "author": entry.author,
        "source": source,
        "image_url": entry.image_url,
    }


def _places(session: Session, items: Iterable[int]) -> Iterable[tuple[int, int]]:
    placed = select(ItemTopic.item_id, ItemTopic.topic_id).where(col(ItemTopic.item_id).in_(set(items)))
    return session.exec(placed)


def _news_at_first(entries: Sequence[Entry], now: datetime) -> set[str]:
    """What of a feed that we see for the first time is news; entries come newest first."""
    fitting = [
        entry.identity
        for place, entry in enumerate(entries)
        if place < NEWEST or (entry.published_at is not None and entry.published_at > now - RECENT)
    ]
    return set(fitting[:MOST_AT_FIRST])


def _is_stale(entry: Entry, now: datetime) -> bool:
    return entry.published_at is not None and entry.published_at < now - STALE


def _published_at(entry: Entry, seen_at: datetime) -> datetime:
    """Undated and future entries count as published when they were seen."""
    return seen_at if entry.published_at is None else min(entry.published_at, seen_at)


def _has_path(key: str) -> bool:
    """Whether a link's key names more than a host (and parameters)."""
    return "/" in key.partition("?")[0]


def _folded(category: str) -> str:
    return " ".join(category.casefold().split())
