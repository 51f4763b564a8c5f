"""Topics and feeds as the operator sets them up: adding, pausing and removing them, and what goes where."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, func, select

from digestmail.errors import FeedError, InputError
from digestmail.feeds.clean import tidy
from digestmail.feeds.fetch import read_url
from digestmail.feeds.naming import folded, name_from
from digestmail.store.database import hold_back_news
from digestmail.store.models import Feed, Item, ItemSource, ItemTopic, Route, Subscriber, Subscription, Topic
from digestmail.store.states import FeedState, Standing

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHOWN = 10
"""Feeds that one sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicLine:
    """A topic in the operator's list, with its active subscribers and its items."""

    slug: str
    name: str
    description: str
    subscribers: int
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What went with a feed, and what stays since other feeds list it too, in items."""

    gone: int
    stay: int


def add_topic(session: Session, *, slug: str, name: str, description: str = "") -> Topic:
    """Add a topic after the others. Raises InputError (fields slug, name)."""
    slug, name = slug.strip(), tidy(name)
    if not _SLUG.fullmatch(slug):
        raise InputError(
            f"“{slug}” cannot be a topic's slug: use small letters, digits and single hyphens, such as public-health.",
            field="slug",
        )
    if not name:
        raise InputError("Please give the topic a name for readers.", field="name")
    there = topics(session)
    if any(topic.slug == slug for topic in there):
        raise InputError(f"There is a topic “{slug}” already; choose another slug.", field="slug")
    position = there[-1].position + 1 if there else 0
    topic = Topic(slug=slug, name=name, description=tidy(description), position=position)
    session.add(topic)
    session.flush()
    return topic


def add_feed(
    session: Session,
    *,
    url: str,
    topics: Sequence[str] = (),
    categories: Sequence[tuple[str, str]] = (),
    title: str = "",
    make_topics: bool = False,
    now: datetime,
    local: bool = False,
) -> Feed:
    """Add a feed, or routes to one that is there, and have it polled next, also where its server had called it gone.

    All its items go to `topics` (slugs); `categories` pairs a category with the topic (slug) that its items go to; with
    neither, it is collected and goes to no topic. `make_topics` makes those topics that are not there. The
    network is not asked. Raises InputError (fields url, topics, categories).
    """
    address = address_of(url)
    routes = read_routes(session, topics, categories, make_topics=make_topics)
    feed = session.exec(select(Feed).where(Feed.url == address)).first()
    is_new = feed is None
    if feed is None:
        feed = Feed(url=address, next_poll_at=now, local=local)
        session.add(feed)
        session.flush()
    assert feed.id is not None  # noqa: S101 - it is in the database
    feed.title = feed.title or title
    known = session.exec(select(Route.category, Route.topic_id).where(Route.feed_id == feed.id))
    there = {(folded(category), topic) for category, topic in known}
    added = [route for route in routes if (folded(route[0]), route[1]) not in there]
    if routes and not (added or is_new or feed.state == FeedState.GONE):
        raise InputError(f"The feed {address} is there already, with these routes.", field="url")
    session.add_all(Route(feed_id=feed.id, topic_id=topic, category=category) for category, topic in added)
    if feed.state == FeedState.GONE:
        feed.state = FeedState.ACTIVE
    feed.next_poll_at = now
    feed.etag = feed.last_modified = None  # the new routes need the whole document, also where nothing was modified
    session.flush()
    return feed


def is_feed(session: Session, address: str) -> bool:
    """Whether a feed is stored under just this address."""
    return session.exec(select(Feed.id).where(Feed.url == address)).first() is not None


def find_feed(session: Session, text: str) -> Feed:
    """The feed with this address, else the only one whose address holds this text. Raises InputError (field url)."""
    text = text.strip()
    found = session.exec(select(Feed).where(Feed.url == text)).first()
    if found is not None:
        return found
    part = col(Feed.url).icontains(text, autoescape=True)
    feeds = session.exec(select(Feed).where(part).order_by(col(Feed.id))).all() if text else []
    if len(feeds) == 1:
        return feeds[0]
    if not feeds:
        raise InputError(f"There is no feed “{text}”; `digestmail feed list` shows their addresses.", field="url")
    shown = ", ".join(feed.url for feed in feeds[:_SHOWN]) + (", …" if len(feeds) > _SHOWN else "")
    raise InputError(f"“{text}” is part of several feeds' addresses: {shown}. Give more of the one.", field="url")


def remove_feed(session: Session, feed: Feed) -> Removed:
    """Delete a feed with those items that no other feed lists. What editions have frozen stays in them."""
    hold_back_news(session.connection())  # or a collector that is storing its items would fail at it
    ours = select(ItemSource.item_id).where(ItemSource.feed_id == feed.id, col(ItemSource.item_id).is_not(None))
    theirs = select(ItemSource.item_id).where(ItemSource.feed_id != feed.id, ItemSource.item_id == Item.id)
    listed = session.exec(select(func.count()).select_from(Item).where(col(Item.id).in_(ours))).one()
    gone = session.connection().execute(delete(Item).where(col(Item.id).in_(ours), ~theirs.exists())).rowcount
    session.delete(feed)
    session.flush()
    return Removed(gone=gone, stay=listed - gone)


def pause_feed(feed: Feed) -> None:
    """Poll it no more until it is resumed. Raises InputError (field url) where it is not polled anyway."""
    if feed.state != FeedState.ACTIVE:
        raise InputError(f"The feed {feed.url} is not polled anyway: it is {feed.state}.", field="url")
    feed.state = FeedState.PAUSED


def resume_feed(feed: Feed, *, now: datetime) -> None:
    """Poll it again, at once, also where its server had called it gone. Raises InputError (field url)."""
    if feed.state == FeedState.ACTIVE:
        raise InputError(f"The feed {feed.url} is polled already.", field="url")
    feed.state, feed.next_poll_at = FeedState.ACTIVE, now


def remove_routes(
    session: Session, feed: Feed, *, topics: Sequence[str] = (), categories: Sequence[tuple[str, str]] = ()
) -> int:
    """Send a feed's items no more to these topics, or with neither given to none; how many routes ended.

    What it has brought to a topic stays there. Raises InputError (fields topics, categories) for what is no route.
    """
    assert feed.id is not None  # noqa: S101 - it was read from the database
    there = {
        (folded(route.category), slug): route
        for route, slug in session.exec(select(Route, Topic.slug).join(Topic).where(Route.feed_id == feed.id))
    }
    wanted = [("", slug.strip()) for slug in topics] + [(tidy(name), slug.strip()) for name, slug in categories]
    for name, slug in wanted:
        if (folded(name), slug) not in there:
            has = ", ".join(routes_by_feed(session).get(feed.id, ())) or "none"
            raise InputError(
                f"The feed {feed.url} has no route “{f'{name}={slug}' if name else slug}”. Its routes: {has}.",
                field="categories" if name else "topics",
            )
    ended = [there[folded(name), slug] for name, slug in dict.fromkeys(wanted)] if wanted else list(there.values())
    for route in ended:
        session.delete(route)
    session.flush()
    return len(ended)


def routes_by_feed(session: Session) -> dict[int, tuple[str, ...]]:
    """The routes in words, such as `climate`, or `Economy=business` for one category, by their feed."""
    routes: dict[int, tuple[str, ...]] = {}
    routed = select(Route.feed_id, Route.category, Topic.slug).join(Topic, col(Topic.id) == Route.topic_id)
    for feed_id, category, slug in session.exec(routed.order_by(col(Route.id))):
        routes[feed_id] = (*routes.get(feed_id, ()), f"{category}={slug}" if category else slug)
    return routes


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


def address_of(url: str) -> str:
    """A feed's address as it is stored. Raises InputError (field url)."""
    try:
        return str(read_url(url))
    except FeedError as error:
        raise InputError(str(error), field="url") from error


def read_routes(
    session: Session, slugs: Sequence[str], categories: Sequence[tuple[str, str]], *, make_topics: bool = False
) -> list[tuple[str, int]]:
    """(category, topic id), each once however it is spelled; "" is every category.

    Raises InputError (fields topics, categories).
    """
    known = {topic.slug: topic.id for topic in topics(session) if topic.id is not None}
    wanted = [("", slug.strip()) for slug in slugs]
    wanted += [(tidy(category), slug.strip()) for category, slug in categories]
    if any(not category for category, _ in wanted[len(slugs) :]):
        raise InputError("Please name the category: NAME=SLUG.", field="categories")
    for category, slug in wanted:
        if slug not in known and make_topics:
            made = add_topic(session, slug=slug, name=category or name_from(slug))
            assert made.id is not None  # noqa: S101 - it is in the database
            known[slug] = made.id
        if slug not in known:
            there = f"There are: {', '.join(known)}" if known else "There is none at all"
            raise InputError(
                f"There is no topic “{slug}”. {there}. To make it: digestmail topic add {slug} --name NAME",
                field="categories" if category else "topics",
            )
    once: dict[tuple[str, int], tuple[str, int]] = {}
    for category, slug in wanted:
        once.setdefault((folded(category), known[slug]), (category, known[slug]))
    return list(once.values())
