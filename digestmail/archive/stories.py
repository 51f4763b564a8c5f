"""What the archive shows: the stories that were news in a topic, by the day on which they came.

A story's place in a topic counts by its `seen_at`, as it does for the window of a digest, so the archive has what the
digests had: no back catalogue of a new feed, and nothing that waits in quarantine, was withdrawn or is broken.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, and_, col, func, select

from digestmail.archive.days import Calendar, Day, count_by_day
from digestmail.store.models import Item, ItemTopic, Topic

LATELY = timedelta(days=14)
"""Of so long the first page counts the stories of each topic."""

_SHOWN = and_(col(ItemTopic.news), col(Item.withdrawn_at).is_(None), col(Item.broken).is_(None))
_PLACES = select(ItemTopic.seen_at).join(Item, col(Item.id) == ItemTopic.item_id).where(_SHOWN)


@dataclass(frozen=True, slots=True)
class DayPage:
    """One page of a day's stories, and the days before and after it that have any."""

    stories: Sequence[Item]
    total: int
    before: date | None
    after: date | None


def newest_days(session: Session, calendar: Calendar) -> dict[int, list[Day]]:
    """The days of the last two weeks on which topics (ids) had stories, newest first."""
    since = max(calendar.begins_at, calendar.start_of(calendar.today - LATELY))
    counted = (
        select(ItemTopic.topic_id, ItemTopic.seen_at, func.count())
        .join(Item, col(Item.id) == ItemTopic.item_id)
        .where(_SHOWN, ItemTopic.seen_at >= since)
        .group_by(col(ItemTopic.topic_id), col(ItemTopic.seen_at))
        .order_by(col(ItemTopic.seen_at))
    )
    seen: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for topic, at, number in session.exec(counted):
        seen[topic].append((at, number))
    return {topic: count_by_day(pairs, calendar) for topic, pairs in seen.items()}


def days_of_year(session: Session, topic_id: int, year: int, calendar: Calendar) -> list[Day]:
    """The days of a year on which a topic had stories, newest first."""
    begins_at = max(calendar.begins_at, calendar.start_of(date(year, 1, 1)))
    counted = (
        select(ItemTopic.seen_at, func.count())
        .join(Item, col(Item.id) == ItemTopic.item_id)
        .where(_SHOWN, *_within(topic_id, begins_at, calendar.start_of(date(year + 1, 1, 1))))
        .group_by(col(ItemTopic.seen_at))
        .order_by(col(ItemTopic.seen_at))
    )
    return count_by_day(session.exec(counted), calendar)


def stories_of_day(
    session: Session, topic_id: int, day: date, calendar: Calendar, *, page: int = 1, of: int
) -> DayPage:
    """The stories of a topic's day, newest first, `of` of them on each page."""
    starts_at, ends_at = calendar.span_of(day)
    within = (_SHOWN, *_within(topic_id, starts_at, ends_at))
    stories = (
        select(Item)
        .join(ItemTopic, col(ItemTopic.item_id) == Item.id)
        .where(*within)
        .order_by(col(Item.published_at).desc(), col(Item.id).desc())
        .offset((page - 1) * of)
        .limit(of)
    )
    total = select(func.count()).select_from(ItemTopic).join(Item, col(Item.id) == ItemTopic.item_id).where(*within)
    seen_at = col(ItemTopic.seen_at)
    before = _PLACES.where(*_within(topic_id, calendar.begins_at, starts_at)).order_by(seen_at.desc()).limit(1)
    after = _PLACES.where(ItemTopic.topic_id == topic_id, seen_at >= ends_at).order_by(seen_at).limit(1)
    found = (session.exec(place).first() for place in (before, after))
    earlier, later = (calendar.day_of(at) if at else None for at in found)
    return DayPage(session.exec(stories).all(), session.exec(total).one(), earlier, later)


def newest_stories(session: Session, topic_id: int, calendar: Calendar, *, limit: int) -> list[tuple[Item, datetime]]:
    """The newest stories of a topic and when they came."""
    newest = (
        select(Item, ItemTopic.seen_at)
        .join(ItemTopic, col(ItemTopic.item_id) == Item.id)
        .where(_SHOWN, ItemTopic.topic_id == topic_id, ItemTopic.seen_at >= calendar.begins_at)
        .order_by(col(ItemTopic.seen_at).desc(), col(Item.id))
        .limit(limit)
    )
    return [(item, at) for item, at in session.exec(newest)]


def years(session: Session, topic_id: int, calendar: Calendar) -> list[int]:
    """The years from that of a topic's first story to the present one, newest first; always the present one."""
    first = _PLACES.where(ItemTopic.topic_id == topic_id, ItemTopic.seen_at >= calendar.begins_at)
    at = session.exec(first.order_by(col(ItemTopic.seen_at)).limit(1)).first()
    this_year = calendar.today.year
    return list(range(this_year, min(calendar.day_of(at).year if at else this_year, this_year) - 1, -1))


def places_of(session: Session, items: Sequence[Item], calendar: Calendar) -> dict[int, list[tuple[Topic, date]]]:
    """Under which topics, in their order, items (ids) stand in the archive, and on which day."""
    placed = (
        select(ItemTopic.item_id, Topic, ItemTopic.seen_at)
        .join(Topic, col(Topic.id) == ItemTopic.topic_id)
        .where(
            col(ItemTopic.item_id).in_([item.id for item in items]),
            col(ItemTopic.news),
            ItemTopic.seen_at >= calendar.begins_at,
        )
        .order_by(col(Topic.position), col(Topic.id))
    )
    places: defaultdict[int, list[tuple[Topic, date]]] = defaultdict(list)
    for item_id, topic, at in session.exec(placed):
        places[item_id].append((topic, calendar.day_of(at)))
    return places


def _within(topic_id: int, starts_at: datetime, ends_at: datetime) -> tuple[Any, ...]:
    return ItemTopic.topic_id == topic_id, ItemTopic.seen_at >= starts_at, ItemTopic.seen_at < ends_at
