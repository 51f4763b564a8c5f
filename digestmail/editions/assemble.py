"""Freezes editions: which stories each topic shows, for one window (since, cutoff].

The caller has called `hold_back_news` in the same transaction, so every item with `seen_at` at or before the cutoff is
committed, and each later one gets a later `seen_at`: none falls between two windows.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import ColumnElement, bindparam
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, func, select, update

from digestmail.editions.content import Announcement, Content, Story, Topic
from digestmail.store import models
from digestmail.store.columns import Instant
from digestmail.store.models import Edition, Feed, Item, ItemSource, ItemTopic
from digestmail.store.states import Kind

log = structlog.get_logger(__name__)

MOST_OF_A_FEED = 50
"""An edition shows so many stories of one feed under a topic; the others are counted."""

NEWEST_OF_A_TOPIC = 8
"""A welcome digest shows this many stories of each topic."""

_WELCOME_REUSED_FOR = timedelta(hours=1)
_LATELY = timedelta(days=7)


class Frozen(NamedTuple):
    """An edition, without its content: a planner needs no more."""

    id: int
    cutoff_at: datetime


_FROZEN = select(col(Edition.id), col(Edition.cutoff_at))
_OF_THE_WINDOW = _FROZEN.where(
    Edition.kind == Kind.DIGEST,
    Edition.since_at == bindparam("since", type_=Instant),
    Edition.slot_at == bindparam("slot", type_=Instant),
)


def digest_edition(session: Session, *, since_at: datetime, slot_at: datetime, now: datetime) -> Frozen:
    """The edition of everybody due at `slot_at` whose last digest ended at `since_at`; frozen at the first call."""
    found: Any = session.connection().execute(_OF_THE_WINDOW, {"since": since_at, "slot": slot_at}).first()
    if found is not None:
        return Frozen(*found)
    # Readers of a slot who are planned later, or come from other windows, share its cutoff, and so the next window.
    frozen = select(func.min(Edition.cutoff_at)).where(Edition.kind == Kind.DIGEST, Edition.slot_at == slot_at)
    cutoff_at = max(session.exec(frozen).one() or now, since_at)
    content = news(session, since_at=since_at, cutoff_at=cutoff_at, now=now)
    return _freeze(session, Kind.DIGEST, since_at, slot_at, cutoff_at, content)


def welcome_edition(session: Session, *, now: datetime) -> Frozen:
    """The edition of `newest`; shared by all who are welcomed before something new comes in."""
    newest_seen = session.exec(select(func.max(ItemTopic.seen_at))).one()
    found: Any = session.exec(
        _FROZEN.where(Edition.kind == Kind.WELCOME).order_by(col(Edition.cutoff_at).desc()).limit(1)
    ).first()
    edition = found and Frozen(*found)
    if (
        edition is not None
        and (newest_seen is None or newest_seen <= edition.cutoff_at)
        and now <= edition.cutoff_at + _WELCOME_REUSED_FOR
    ):
        return edition
    cutoff_at = max(now, newest_seen or now)
    return _freeze(session, Kind.WELCOME, cutoff_at, cutoff_at, cutoff_at, newest(session, now=now))


def news(session: Session, *, since_at: datetime, cutoff_at: datetime, now: datetime) -> Content:
    """What is new in the window (since_at, cutoff_at], and the announcements of `now`."""
    places = session.exec(
        select(ItemTopic.item_id, ItemTopic.topic_id).where(
            ItemTopic.seen_at > since_at, ItemTopic.seen_at <= cutoff_at, col(ItemTopic.news)
        )
    )
    return _content(session, places, since_at=since_at, now=now)


def newest(session: Session, *, now: datetime) -> Content:
    """The newest few stories of each topic, however old, and the announcements of `now`.

    What came before an instant was published before it. So where the newest of those that came since then are all
    younger than that, they are the newest of all, and nobody has to look through the years before.
    """
    since = now - _LATELY
    lately = _newest_since(session, ItemTopic.seen_at >= since)
    topics = set(session.exec(select(models.Topic.id)))
    quiet = {topic for topic in topics if sum(at >= since for _, at in lately.get(topic or 0, ())) < NEWEST_OF_A_TOPIC}
    found = lately | (_newest_since(session, col(ItemTopic.topic_id).in_(quiet)) if quiet else {})
    places = [(item, topic) for topic, stories in found.items() for item, _ in stories]
    return _content(session, places, since_at=None, now=now)


def _newest_since(session: Session, among: ColumnElement[bool] | bool) -> dict[int, list[tuple[int, datetime]]]:
    """Of some places the newest few of each topic: the items' ids and when they were published."""
    rank = func.row_number().over(
        partition_by=col(ItemTopic.topic_id), order_by=(col(Item.published_at).desc(), col(Item.id).desc())
    )
    ranked = (
        select(ItemTopic.item_id, ItemTopic.topic_id, Item.published_at, rank.label("rank"))
        .join(Item, col(Item.id) == ItemTopic.item_id)
        .where(among, col(ItemTopic.quarantined_by).is_(None), col(Item.withdrawn_at).is_(None))
        .subquery()
    )
    places = select(ranked.c.item_id, ranked.c.topic_id, ranked.c.published_at)
    found: defaultdict[int, list[tuple[int, datetime]]] = defaultdict(list)
    for item, topic, published_at in session.exec(places.where(ranked.c.rank <= NEWEST_OF_A_TOPIC)):
        found[topic].append((item, published_at))
    return found


def _freeze(
    session: Session, kind: Kind, since_at: datetime, slot_at: datetime, cutoff_at: datetime, content: Content
) -> Frozen:
    edition = Edition(kind=kind, since_at=since_at, slot_at=slot_at, cutoff_at=cutoff_at, content=content.to_json())
    session.add(edition)
    session.flush()
    assert edition.id is not None  # noqa: S101 - the database has just given it
    return Frozen(edition.id, cutoff_at)


def _content(
    session: Session, places: Iterable[tuple[int, int]], *, since_at: datetime | None, now: datetime
) -> Content:
    """The content of the (item id, topic id) pairs; topics that showed an item up to `since_at` are its `earlier`."""
    topics = session.exec(select(models.Topic).order_by(col(models.Topic.position), col(models.Topic.id))).all()
    order = {topic.id: number for number, topic in enumerate(topics)}
    shown: defaultdict[int, set[int]] = defaultdict(set)
    for item_id, topic_id in places:
        shown[item_id].add(topic_id)
    earlier: defaultdict[int, set[int]] = defaultdict(set)
    stories: list[Story] = []
    for some in _in_bites(sorted(shown)):
        if since_at is not None:
            before = select(ItemTopic.item_id, ItemTopic.topic_id).where(
                col(ItemTopic.item_id).in_(some), ItemTopic.seen_at <= since_at
            )
            for item_id, topic_id in session.exec(before):
                earlier[item_id].add(topic_id)
        for item in _readable(session, some):
            stories.append(_story(item, sorted(shown[item.id or 0], key=order.__getitem__), earlier[item.id or 0]))
    stories.sort(key=lambda story: (story.published_at, story.id), reverse=True)
    stories = _capped(session, stories)
    return Content(
        topics=tuple(Topic(id=topic.id or 0, slug=topic.slug, name=topic.name) for topic in topics),
        stories=tuple(stories),
        announcements=_announcements(session, now),
    )


def _readable(session: Session, ids: list[int]) -> list[Item]:
    """The items of these ids without those that are broken or withdrawn, and without any whose row cannot be read:
    they are broken now."""
    wanted = select(Item).where(col(Item.id).in_(ids), col(Item.broken).is_(None), col(Item.withdrawn_at).is_(None))
    try:
        return list(session.exec(wanted))
    except ValueError as error:
        reason = str(error)
    except OperationalError as error:
        reason = str(error.orig)
        if "decode" not in reason:  # SQLite has text that is no UTF-8; all else is about the database
            raise
    if len(ids) > 1:
        return [item for number in ids for item in _readable(session, [number])]
    log.error("an item's row cannot be read, and it is left out", item=ids[0], reason=reason)
    session.connection().execute(update(Item).where(col(Item.id) == ids[0]).values(broken=reason))
    return []


def _story(item: Item, topics: Iterable[int], earlier: Iterable[int]) -> Story:
    return Story(
        id=item.id or 0,
        title=item.title,
        url=item.url,
        excerpt=item.excerpt,
        author=item.author,
        source=item.source,
        image_url=item.image_url,
        published_at=item.published_at,
        topics=tuple(topics),
        earlier=tuple(sorted(earlier)),
        language=item.language,
    )


def _capped(session: Session, stories: list[Story]) -> list[Story]:
    """Of each feed at most the newest fifty of a topic, and behind all stories how many more there are of it."""
    if len(stories) <= MOST_OF_A_FEED:
        return stories
    feed_of = _speakers(session, [story.id for story in stories])
    shown: list[Story] = []
    brought: defaultdict[tuple[int, int], list[Story]] = defaultdict(list)
    for story in stories:
        feed = feed_of.get(story.id)
        group = [] if feed is None else brought[feed, story.topics[0]]
        group.append(story)
        if len(group) <= MOST_OF_A_FEED:
            shown.append(story)
    left = {key: group[MOST_OF_A_FEED:] for key, group in brought.items() if len(group) > MOST_OF_A_FEED}
    sites = dict(session.exec(select(Feed.id, Feed.site_url).where(col(Feed.id).in_({feed for feed, _ in left}))).all())
    return shown + [_and_more(hidden, topic, sites.get(feed) or "") for (feed, topic), hidden in left.items()]


def _and_more(hidden: list[Story], topic: int, site_url: str) -> Story:
    """The line that stands for stories that are not shown, under the number of the newest of them."""
    return replace(
        hidden[0], topics=(topic,), earlier=(), url=site_url, excerpt="", author="", image_url="", more=len(hidden)
    )


def _speakers(session: Session, ids: list[int]) -> dict[int, int]:
    """The feed of each item: of several the one that was added first."""
    found: dict[int, int] = {}
    for some in _in_bites(ids):
        feeds = (
            select(ItemSource.item_id, func.min(ItemSource.feed_id))
            .where(col(ItemSource.item_id).in_(some))
            .group_by(col(ItemSource.item_id))
        )
        found |= {item: feed for item, feed in session.exec(feeds) if item is not None and feed is not None}
    return found


def _announcements(session: Session, now: datetime) -> tuple[Announcement, ...]:
    running = select(models.Announcement).where(models.Announcement.starts_at <= now, models.Announcement.ends_at > now)
    limits: defaultdict[int, list[int]] = defaultdict(list)
    for limit in session.exec(select(models.AnnouncementTopic)):
        limits[limit.announcement_id].append(limit.topic_id)
    return tuple(
        Announcement(
            id=row.id or 0,
            title=row.title,
            text=row.text,
            link_url=row.link_url,
            link_label=row.link_label,
            topics=tuple(sorted(limits[row.id or 0])),
            image_url=row.image_url,
            image_alt=row.image_alt,
            image_width=row.image_width,
            image_height=row.image_height,
            season=row.season,
        )
        for row in session.exec(running.order_by(col(models.Announcement.id)))
    )


def _in_bites(ids: list[int], size: int = 500) -> Iterator[list[int]]:
    """Lists short enough for the parameters of one statement."""
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
