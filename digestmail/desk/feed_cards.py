"""Every feed as the operator's page shows it: how it is, what it brought lately, and what waits for a decision."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, func, select

from digestmail.feeds.document import host_of
from digestmail.feeds.naming import folded
from digestmail.feeds.quarantine import quarantined
from digestmail.feeds.trouble import name_of, rhythm_in_words, sentence_of, trouble_of
from digestmail.store.database import aside
from digestmail.store.models import Feed, Hub, Item, ItemSource, ItemTopic, Notice, Route, Topic
from digestmail.store.states import FeedState, Trouble

DAYS = 14
"""So many days are drawn, today the last."""
_TITLES = 5
_NOTICES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedCard:
    """How a feed fares."""

    id: int
    name: str
    url: str
    routes: tuple[str, ...]
    """The topics that its items go to, by name: `Climate`, or `Labour (Strikes)` where one category goes there that has
    another name."""
    state: FeedState
    trouble: Trouble | None
    words: str
    """What the trouble is, in a sentence without the name; else empty."""
    last_success_at: datetime | None
    last_item_at: datetime | None
    next_poll_at: datetime
    rhythm: str
    """Such as `about 3 a day`; empty while nobody knows."""
    last_error: str | None
    """Why the last poll failed; empty where it did not."""
    told_by: str
    """The host of the hub that tells of news at once; else empty."""
    hub_error: str | None
    """Why the hub that the feed names does not."""
    waiting: int
    """Items in quarantine."""
    waiting_titles: tuple[str, ...]
    """The newest few of these."""
    days: tuple[int, ...]
    """Items a day of the publication's time zone, the last one today."""


@dataclass(frozen=True, slots=True)
class NoticeLine:
    """What the operator was told, or is to be told."""

    text: str
    trouble: Trouble | None
    created_at: datetime
    sent_at: datetime | None


def feed_cards(session: Session, *, now: datetime, time_zone: str) -> tuple[FeedCard, ...]:
    """All feeds: the worst first, then those that were not read at the last try, then by name."""
    waiting = quarantined(session)
    titles, routes = _waiting_titles(session) if waiting else {}, _routes(session)
    hubs = {hub.feed_id: hub for hub in session.exec(select(Hub))}
    days = _days(session, now=now, time_zone=time_zone)
    cards = []
    for feed in session.exec(select(Feed)):
        number = feed.id or 0
        count = waiting.get(number, 0)
        trouble = trouble_of(feed, quarantined=count, now=now)
        hub = hubs.get(number)
        tells = hub is not None and hub.leased_until_at is not None and hub.leased_until_at > now
        cards.append(
            FeedCard(
                id=number,
                name=name_of(feed),
                url=feed.url,
                routes=tuple(routes.get(number, ())),
                state=FeedState(feed.state),
                trouble=trouble,
                words=sentence_of(feed, trouble, quarantined=count, now=now) if trouble else "",
                last_success_at=feed.last_success_at,
                last_item_at=feed.last_item_at,
                next_poll_at=feed.next_poll_at,
                rhythm=rhythm_in_words(feed.usual_gap) if feed.usual_gap else "",
                last_error=feed.last_error if feed.failures else None,
                told_by=host_of(hub.url) if hub and tells else "",
                hub_error=hub.last_error if hub and not tells else None,
                waiting=count,
                waiting_titles=tuple(titles.get(number, ())),
                days=days.get(number, (0,) * DAYS),
            )
        )
    return tuple(sorted(cards, key=_place))


def latest_notices(session: Session) -> tuple[NoticeLine, ...]:
    """The newest few notices, the newest first."""
    rows = session.exec(select(Notice).order_by(col(Notice.id).desc()).limit(_NOTICES))
    return tuple(
        NoticeLine(row.text, Trouble(row.trouble) if row.trouble else None, row.created_at, row.sent_at) for row in rows
    )


def _place(card: FeedCard) -> tuple[int, bool, str, int]:
    rank = list(Trouble).index(card.trouble) if card.trouble else len(Trouble)
    return rank, not card.last_error, card.name.casefold(), card.id


def _routes(session: Session) -> Mapping[int, Sequence[str]]:
    routes: defaultdict[int, list[str]] = defaultdict(list)
    found = select(Route.feed_id, Topic.name, Route.category).join(Topic, col(Topic.id) == Route.topic_id)
    for feed_id, topic, category in session.exec(found.order_by(col(Route.id))):
        says_more = category and folded(category) != folded(topic)
        routes[feed_id].append(f"{topic} ({category})" if says_more else topic)
    return routes


def _waiting_titles(session: Session) -> Mapping[int | None, Sequence[str]]:
    waiting = (
        select(ItemTopic.quarantined_by, ItemTopic.item_id)
        .where(col(ItemTopic.quarantined_by).is_not(None))
        .distinct()
        .subquery()
    )
    rank = func.row_number().over(partition_by=waiting.c.quarantined_by, order_by=waiting.c.item_id.desc())
    ranked = select(waiting.c.quarantined_by, waiting.c.item_id, rank.label("rank")).subquery()
    titles: defaultdict[int | None, list[str]] = defaultdict(list)
    newest = (
        select(ranked.c.quarantined_by, Item.title)
        .join(Item, col(Item.id) == ranked.c.item_id)
        .where(ranked.c.rank <= _TITLES)
        .order_by(ranked.c.rank)
    )
    for feed_id, title in session.exec(newest):
        titles[feed_id].append(title)
    return titles


def _days(session: Session, *, now: datetime, time_zone: str) -> Mapping[int, tuple[int, ...]]:
    """The items that each feed brought in the last days."""
    midnight = now.astimezone(ZoneInfo(time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = [midnight - timedelta(days=ago) for ago in reversed(range(DAYS))]  # wall-clock days, of 23 to 25 hours
    counts = [
        func.count().filter(col(Item.seen_at) >= start, col(Item.seen_at) < start + timedelta(days=1))
        for start in starts
    ]
    feed = aside(ItemSource.feed_id, 0)  # else SQLite goes through all that the feeds ever brought, feed by feed
    brought = (
        select(feed, *counts)
        .join(Item, col(Item.id) == ItemSource.item_id)
        .where(Item.seen_at >= starts[0])
        .group_by(feed)
    )
    return {row[0]: tuple(row[1:]) for row in session.connection().execute(brought)}
