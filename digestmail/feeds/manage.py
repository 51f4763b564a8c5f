"""Topics and feeds as the operator sets them up: adding them, and listing them with how they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from digestmail.errors import FeedError, InputError
from digestmail.feeds.fetch import read_url
from digestmail.feeds.quarantine import quarantined
from digestmail.store.models import Feed, ItemSource, ItemTopic, Route, Subscriber, Subscription, Topic
from digestmail.store.states import FeedState, Standing

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLine:
    """A topic in the operator's list, with its active subscribers and its items."""

    slug: str
    name: str
    description: str
    subscribers: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A feed in the operator's list. `routes` are in words: `climate`, or `Economy=business` for one category."""

    url: str
    title: str
    state: str
    routes: tuple[str, ...]
    last_success_at: datetime | None
    last_error: str | None
    items: int
    waiting: int
    """Items of a flood that wait for the operator."""


def add_topic(session: Session, *, slug: str, name: str, description: str = "") -> Topic:
    """Add a topic after the others. Raises InputError (fields slug, name)."""
    slug, name = slug.strip(), " ".join(name.split())
    if not _SLUG.fullmatch(slug):
        raise InputError(
            f"“{slug}” cannot be a topic's slug: use small letters, digits and single hyphens, such as public-health.",
            field="slug",
        )
    if not name:
        raise InputError("Please give the topic a name for readers.", field="name")
    if session.exec(select(Topic.id).where(Topic.slug == slug)).first() is not None:
        raise InputError(f"There is a topic “{slug}” already; choose another slug.", field="slug")
    last = session.exec(select(func.max(Topic.position))).one()
    topic = Topic(
        slug=slug, name=name, description=" ".join(description.split()), position=0 if last is None else last + 1
    )
    session.add(topic)
    session.flush()
    return topic


def add_feed(
    session: Session,
    *,
    url: str,
    topics: Sequence[str] = (),
    categories: Sequence[tuple[str, str]] = (),
    now: datetime,
    local: bool = False,
) -> Feed:
    """Add a feed, or routes to one that is there, and have it polled next, also where its server had called it gone.

    All its items go to `topics` (slugs); `categories` pairs a category with the topic (slug) that its items go to. The
    network is not asked. Raises InputError (fields url, topics, categories).
    """
    address = _address(url)
    routes = _read_routes(session, topics, categories)
    feed = session.exec(select(Feed).where(Feed.url == address)).first()
    if feed is None:
        feed = Feed(url=address, next_poll_at=now, local=local)
        session.add(feed)
        session.flush()
    assert feed.id is not None  # noqa: S101 - it is in the database
    there = set(session.exec(select(Route.category, Route.topic_id).where(Route.feed_id == feed.id)).all())
    added = [route for route in routes if route not in there]
    if not added and feed.state == FeedState.ACTIVE:
        raise InputError(f"The feed {address} is there already, with these routes.", field="url")
    session.add_all(Route(feed_id=feed.id, topic_id=topic, category=category) for category, topic in added)
    feed.state, feed.next_poll_at = FeedState.ACTIVE, now
    feed.etag = feed.last_modified = None  # the new routes need the whole document, also where nothing was modified
    session.flush()
    return feed


def feed_id(session: Session, url: str) -> int:
    """The number of the feed with this address. Raises InputError (field url)."""
    found = session.exec(select(Feed.id).where(Feed.url == _address(url))).first()
    if found is None:
        raise InputError(f"There is no feed {url}; `digestmail feed list` shows those that are there.", field="url")
    return found


def topics(session: Session) -> list[Topic]:
    """All topics in the publisher's order."""
    return list(session.exec(select(Topic).order_by(col(Topic.position), col(Topic.id))))


def list_topics(session: Session) -> list[TopicLine]:
    """All topics in the publisher's order, with their numbers."""
    readers = (
        select(Subscription.topic_id, func.count())
        .join(Subscriber, col(Subscriber.id) == Subscription.subscriber_id)
        .where(Subscriber.standing == Standing.ACTIVE)
        .group_by(col(Subscription.topic_id))
    )
    subscribers = dict(session.exec(readers).all())
    items = dict(session.exec(select(ItemTopic.topic_id, func.count()).group_by(col(ItemTopic.topic_id))).all())
    return [
        TopicLine(
            slug=topic.slug,
            name=topic.name,
            description=topic.description,
            subscribers=subscribers.get(topic.id or 0, 0),
            items=items.get(topic.id or 0, 0),
        )
        for topic in topics(session)
    ]


def list_feeds(session: Session) -> list[FeedLine]:
    """All feeds in the order of their adding, with their routes and how they are."""
    items = dict(
        session.exec(
            select(ItemSource.feed_id, func.count(col(ItemSource.item_id).distinct())).group_by(col(ItemSource.feed_id))
        ).all()
    )
    waiting = quarantined(session)
    routes: dict[int, list[str]] = {}
    routed = select(Route.feed_id, Route.category, Topic.slug).join(Topic, col(Topic.id) == Route.topic_id)
    for number, category, slug in session.exec(routed.order_by(col(Route.id))):
        routes.setdefault(number, []).append(f"{category}={slug}" if category else slug)
    return [
        FeedLine(
            url=feed.url,
            title=feed.title,
            state=feed.state,
            routes=tuple(routes.get(feed.id or 0, ())),
            last_success_at=feed.last_success_at,
            last_error=feed.last_error,
            items=items.get(feed.id or 0, 0),
            waiting=waiting.get(feed.id or 0, 0),
        )
        for feed in session.exec(select(Feed).order_by(col(Feed.id)))
    ]


def _address(url: str) -> str:
    try:
        return str(read_url(url))
    except FeedError as error:
        raise InputError(str(error), field="url") from error


def _read_routes(
    session: Session, slugs: Sequence[str], categories: Sequence[tuple[str, str]]
) -> list[tuple[str, int]]:
    """(category, topic id), each once; "" is every category."""
    known = {topic.slug: topic.id for topic in topics(session) if topic.id is not None}
    named = [(" ".join(category.split()), slug.strip()) for category, slug in categories]
    if any(not category for category, _ in named):
        raise InputError("Please name the category: NAME=SLUG.", field="categories")
    wanted = [("", slug.strip()) for slug in slugs] + named
    if not wanted:
        raise InputError("Please name a topic for the feed, or a category with its topic.", field="topics")
    for category, slug in wanted:
        if slug not in known:
            there = f"There are: {', '.join(known)}" if known else "Add it first"
            field = "categories" if category else "topics"
            raise InputError(f"There is no topic “{slug}”. {there}.", field=field)
    return list(dict.fromkeys((category, known[slug]) for category, slug in wanted))
