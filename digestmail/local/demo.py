"""Makes the demo publication this installation's own: its topics, its feed, its appeal and its settings."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from digestmail.feeds.manage import add_feed, add_topic
from digestmail.local.guard import reach
from digestmail.local.newsroom import PICTURES as ASSETS
from digestmail.local.newsroom import Newsroom, feed_document, newsroom, story
from digestmail.settings import PREFIX, Settings
from digestmail.store.database import Database
from digestmail.store.models import Announcement, Feed, ItemSource, Topic

__all__ = ["ASSETS", "awaits_stories", "feed_document", "has_demo", "keep_demo_reachable", "publish_demo", "story"]

_APPEAL_DAYS = 30
_PICTURE_SIZE = (1200, 600)  # of all that the newsroom has


def publish_demo(database: Database, settings: Settings, *, now: datetime) -> None:
    """Add what is not there yet; a second call changes nothing.

    The publication's name, sender and postal address go to `settings.env` in the data folder, so that every command
    of this installation knows them; a file that is there already is left alone.
    """
    room = newsroom()
    with database.transaction() as session:
        _add_topics(session, room)
        if _local_feed(session) is None:
            categories = [(topic.name, topic.slug) for topic in room.topics]
            add_feed(session, url=_feed_url(settings), categories=categories, now=now, local=True)
        _add_appeal(session, room, settings, now=now)
    _write_settings(settings, room)


def keep_demo_reachable(database: Database, settings: Settings) -> None:
    """Follow the web pages to the port that they have now, where the demo's feed is there at all."""
    with database.transaction() as session:
        feed = _local_feed(session)
        if feed and feed.url != _feed_url(settings):
            feed.url = _feed_url(settings)
            session.add(feed)


def has_demo(database: Database) -> bool:
    """Whether the demo publication was loaded into this installation."""
    with database.reading() as session:
        return _local_feed(session) is not None


def awaits_stories(database: Database) -> bool:
    """Whether the demo's feed is there and nothing of it was collected yet."""
    with database.reading() as session:
        feed = _local_feed(session)
        if feed is None:
            return False
        return session.exec(select(ItemSource).where(ItemSource.feed_id == feed.id).limit(1)).first() is None


def _local_feed(session: Session) -> Feed | None:
    return session.exec(select(Feed).where(Feed.local)).first()


def _feed_url(settings: Settings) -> str:
    host, port = reach(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/demo/feed.atom"


def _add_topics(session: Session, room: Newsroom) -> None:
    known = set(session.exec(select(Topic.slug)))
    for topic in room.topics:
        if topic.slug not in known:
            add_topic(session, slug=topic.slug, name=topic.name, description=topic.description)


def _add_appeal(session: Session, room: Newsroom, settings: Settings, *, now: datetime) -> None:
    appeal = room.appeal
    if session.exec(select(Announcement).where(Announcement.title == appeal.title)).first() is None:
        session.add(
            Announcement(
                title=appeal.title,
                text=appeal.excerpt,
                link_url=f"{settings.public_url}/demo/stories/{appeal.slug}",
                link_label=room.appeal_link,
                image_url=f"{settings.public_url}/demo/pictures/{appeal.picture}",
                image_alt=room.appeal_alt,
                image_width=_PICTURE_SIZE[0],
                image_height=_PICTURE_SIZE[1],
                season=room.appeal_season,
                most_times=room.appeal_most_times,
                starts_at=now,
                ends_at=now + timedelta(days=_APPEAL_DAYS),
            )
        )


def _write_settings(settings: Settings, room: Newsroom) -> None:
    path = settings.data_dir / "settings.env"
    if path.exists():
        return
    values = {"SITE_NAME": room.name, "SENDER": room.sender, "POSTAL_ADDRESS": room.postal_address}
    path.write_text(
        "# The demo publication's settings. Change them here, or override them in .env or the environment.\n"
        + "".join(f'{PREFIX}{name}="{value}"\n' for name, value in values.items()),
        encoding="utf-8",
    )
