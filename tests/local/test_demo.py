from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import col, select

from digestmail.local.demo import awaits_stories, keep_demo_reachable, publish_demo
from digestmail.local.newsroom import newsroom
from digestmail.settings import Settings, load_settings
from digestmail.store.database import Database
from digestmail.store.models import Announcement, Feed, Item, ItemSource, Route, Topic


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, port=8123)


def test_it_publishes_once(database: Database, settings: Settings, now: datetime) -> None:
    publish_demo(database, settings, now=now)
    publish_demo(database, settings, now=now + timedelta(days=1))
    with database.reading() as session:
        assert [topic.slug for topic in session.exec(select(Topic).order_by(col(Topic.position)))] == [
            topic.slug for topic in newsroom().topics
        ]
        feed = session.exec(select(Feed)).one()
        assert (feed.url, feed.local) == ("http://127.0.0.1:8123/demo/feed.atom", True)
        assert len(session.exec(select(Route)).all()) == len(newsroom().topics)
        appeal = session.exec(select(Announcement)).one()
        assert (appeal.starts_at, appeal.ends_at) == (now, now + timedelta(days=30))
        assert (appeal.season, appeal.most_times) == (newsroom().appeal_season, newsroom().appeal_most_times)
        assert appeal.image_url.endswith(f"/demo/pictures/{newsroom().appeal.picture}")


def test_topics_of_the_same_name_stay_the_operators(database: Database, settings: Settings, now: datetime) -> None:
    with database.transaction() as session:
        session.add(Topic(slug="books-arts", name="Arts"))
    publish_demo(database, settings, now=now)
    with database.reading() as session:
        assert session.exec(select(Topic.name).where(Topic.slug == "books-arts")).one() == "Arts"


def test_every_command_knows_the_publication(database: Database, settings: Settings, now: datetime) -> None:
    publish_demo(database, settings, now=now)
    known = load_settings({"DIGESTMAIL_DATA_DIR": str(settings.data_dir)}, folder=settings.data_dir)
    assert known.site_name == "The Lamplight Courier"
    assert "<digest@lamplight.example>" in known.sender
    assert known.postal_address == newsroom().postal_address


def test_the_operators_settings_stay(database: Database, settings: Settings, now: datetime) -> None:
    own = settings.data_dir / "settings.env"
    own.write_text("DIGESTMAIL_SITE_NAME=Mine\n")
    publish_demo(database, settings, now=now)
    assert own.read_text() == "DIGESTMAIL_SITE_NAME=Mine\n"


def test_the_feed_follows_the_web_pages(database: Database, settings: Settings, now: datetime) -> None:
    publish_demo(database, settings, now=now)
    keep_demo_reachable(database, settings.model_copy(update={"port": 9000, "host": "::"}))
    with database.reading() as session:
        assert session.exec(select(Feed.url)).one() == "http://[::1]:9000/demo/feed.atom"


def test_without_the_demo_nothing_follows(database: Database, settings: Settings) -> None:
    keep_demo_reachable(database, settings)
    assert not awaits_stories(database)
    with database.reading() as session:
        assert session.exec(select(Feed)).all() == []


def test_it_awaits_stories_until_the_first_is_there(database: Database, settings: Settings, now: datetime) -> None:
    publish_demo(database, settings, now=now)
    assert awaits_stories(database)
    with database.transaction() as session:
        item = Item(url="https://a.example/", link_key="a", title="A", published_at=now, seen_at=now)
        session.add(item)
        session.flush()
        feed = session.exec(select(Feed)).one()
        assert feed.id is not None
        assert item.id is not None
        session.add(ItemSource(feed_id=feed.id, identity="a", item_id=item.id))
    assert not awaits_stories(database)
