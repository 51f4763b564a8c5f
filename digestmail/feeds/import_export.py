"""Feeds and their routes out to an OPML file, and in from one."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from digestmail.errors import InputError
from digestmail.feeds.clean import MAX_TITLE
from digestmail.feeds.manage import add_feed, add_topic, address_of, read_routes, topics
from digestmail.feeds.naming import slugs_for
from digestmail.feeds.opml import Listed
from digestmail.feeds.page import web_address
from digestmail.store.models import Feed, Route, Topic


@dataclass(frozen=True, slots=True)
class BadFeed:
    """A feed that could not be taken, and why."""

    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file, in feeds; `made` are the slugs of new topics, `unrouted` are new feeds without a topic."""

    added: int
    known: int
    unrouted: int
    made: tuple[str, ...]
    bad: tuple[BadFeed, ...]


def listed_feeds(session: Session) -> list[Listed]:
    """All feeds topic by topic, then those without one; without what this installation serves itself."""
    routed = (
        select(Topic, Feed, Route.category)
        .join(Route, col(Route.topic_id) == Topic.id)
        .join(Feed, col(Feed.id) == Route.feed_id)
        .where(~col(Feed.local))
        .order_by(col(Topic.position), col(Topic.id), col(Feed.id), col(Route.id))
    )
    entries: dict[tuple[int, int, bool], Listed] = {}
    for topic, feed, category in session.exec(routed):
        # Where all of a feed goes to a topic and some categories do so too, it stands there twice.
        key = (topic.id or 0, feed.id or 0, bool(category))
        before = entries[key].categories if key in entries else ()
        entries[key] = _listed(feed, topic, (*before, category) if category else ())
    routes = select(Route.id).where(Route.feed_id == Feed.id)
    alone = select(Feed).where(~col(Feed.local), ~routes.exists()).order_by(col(Feed.id))
    return [*entries.values(), *(_listed(feed) for feed in session.exec(alone))]


def import_feeds(
    session: Session, listed: Sequence[Listed], *, topic: str | None = None, now: datetime
) -> ImportReport:
    """Add the feeds, and to those that are there the routes that are new; the network is not asked.

    A folder is the topic with its slug or name, which is made if missing. With `topic` (a slug) all items of all feeds
    go to that one instead. Raises InputError (field topics) where there is no such topic.
    """
    if topic is not None:
        read_routes(session, [topic], [])
    before = set(session.exec(select(Feed.url)))
    made: list[str] = []
    bad: dict[str, str] = {}
    taken: dict[str, bool] = {}
    for feed in listed:
        try:
            url = address_of(web_address(feed.url))
            slug = topic or _topic_of(session, feed, made)
        except InputError as error:
            bad[feed.url] = str(error)
            continue
        categories = () if topic else feed.categories
        with suppress(InputError):  # it is there already, with these routes
            add_feed(
                session,
                url=url,
                title=feed.title[:MAX_TITLE],
                topics=[slug] if slug and not categories else [],
                categories=[(category, slug) for category in categories],
                now=now,
            )
        taken[url] = taken.get(url, False) or bool(slug)
    new = [url for url in taken if url not in before]
    return ImportReport(
        added=len(new),
        known=len(taken) - len(new),
        unrouted=sum(not taken[url] for url in new),
        made=tuple(made),
        bad=tuple(BadFeed(url, reason) for url, reason in bad.items()),
    )


def _listed(feed: Feed, topic: Topic | None = None, categories: tuple[str, ...] = ()) -> Listed:
    return Listed(
        url=feed.url,
        title=feed.title,
        site_url=feed.site_url,
        folder=topic.name if topic else "",
        slug=topic.slug if topic else "",
        categories=categories,
    )


def _topic_of(session: Session, feed: Listed, made: list[str]) -> str:
    """The slug of the folder's topic, which is made where it is missing; "" outside of folders."""
    if not feed.folder and not feed.slug:
        return ""
    known = {topic.slug: topic.name for topic in topics(session)}
    slug = feed.slug or slugs_for([feed.folder], topics=known)[0]
    if slug not in known:
        add_topic(session, slug=slug, name=feed.folder or slug)
        made.append(slug)
    return slug
