from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from digestmail.errors import InputError
from digestmail.feeds.manage import FeedLine, TopicLine, add_feed, add_topic, list_feeds, list_topics, topics
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item, ItemSource, ItemTopic, Route, Subscriber, Subscription
from digestmail.store.states import FeedState, Standing

URL = "https://harbour.example/feed"


def add_topics(session: Session) -> None:
    add_topic(session, slug="sea", name="The  Sea ", description=" Boats\nand tides ")
    add_topic(session, slug="world-2", name="World")


def test_topics_stand_in_the_order_of_their_adding(database: Database) -> None:
    with database.transaction() as session:
        add_topics(session)
        assert [(topic.slug, topic.name, topic.description) for topic in topics(session)] == [
            ("sea", "The Sea", "Boats and tides"),
            ("world-2", "World", ""),
        ]


@pytest.mark.parametrize("slug", ["", "Sea", "sea_side", "-sea", "sea-", "a--b", "sea/side", "mär"])
def test_a_slug_that_cannot_stand_in_an_address_is_refused(database: Database, slug: str) -> None:
    with database.transaction() as session:
        with pytest.raises(InputError, match="small letters") as caught:
            add_topic(session, slug=slug, name="x")
        assert caught.value.field == "slug"


def test_a_slug_exists_once_and_a_name_is_needed(database: Database) -> None:
    with database.transaction() as session:
        add_topics(session)
        with pytest.raises(InputError, match="topic “sea” already"):
            add_topic(session, slug="sea", name="Other")
        with pytest.raises(InputError, match="name"):
            add_topic(session, slug="other", name="  ")


def test_a_feed_is_polled_next_and_has_its_routes(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        feed = add_feed(
            session, url=f" {URL}#x", topics=["sea", "sea"], categories=[(" Inter  national ", "world-2")], now=now
        )
        assert (feed.url, feed.next_poll_at, feed.local) == (URL, now, False)
        assert session.exec(select(Route.category).order_by(col(Route.id))).all() == ["", "Inter national"]


def test_a_known_feed_gets_the_new_routes_and_is_polled_again(database: Database, now: datetime) -> None:
    later = now + timedelta(days=1)
    with database.transaction() as session:
        add_topics(session)
        first = add_feed(session, url=URL, topics=["sea"], now=now)
        first.etag, first.last_modified, first.state = "x", "y", FeedState.GONE
        again = add_feed(session, url=URL, topics=["sea", "world-2"], now=later)
        assert again.id == first.id
        assert (again.next_poll_at, again.etag, again.last_modified) == (later, None, None)
        assert again.state == FeedState.ACTIVE
        assert len(session.exec(select(Route)).all()) == 2
        with pytest.raises(InputError, match="is there already"):
            add_feed(session, url=URL, topics=["world-2"], now=later)
        again.state = FeedState.GONE
        assert add_feed(session, url=URL, topics=["sea"], now=later).state == FeedState.ACTIVE


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        ({"url": "harbour.example", "topics": ["sea"]}, "url", "https://"),
        ({"url": "file:///etc/passwd", "topics": ["sea"]}, "url", "https://"),
        ({"url": "https://u:p@harbour.example/", "topics": ["sea"]}, "url", "user name"),
        ({"url": URL}, "topics", "name a topic"),
        ({"url": URL, "topics": ["seas"]}, "topics", r"no topic “seas”\. There are: sea, world-2"),
        ({"url": URL, "categories": [("A", "b")]}, "categories", "no topic “b”"),
        ({"url": URL, "categories": [(" ", "sea")]}, "categories", "NAME=SLUG"),
    ],
)
def test_it_says_what_is_wrong_with_a_feed(
    database: Database, now: datetime, arguments: dict[str, object], field: str, words: str
) -> None:
    with database.transaction() as session:
        add_topics(session)
        with pytest.raises(InputError, match=words) as caught:
            add_feed(session, now=now, **arguments)  # type: ignore[arg-type]
        assert caught.value.field == field
        assert session.exec(select(Feed)).all() == []


def test_the_lists_count_what_is_there(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        feed = add_feed(session, url=URL, topics=["sea"], categories=[("Treaties", "world-2")], now=now)
        add_feed(session, url="https://coast.example/", topics=["world-2"], now=now)
        sea, world = (topic.id for topic in topics(session))
        assert feed.id is not None
        assert sea is not None
        assert world is not None
        feed.last_success_at, feed.last_error, feed.title = now, "It rained.", "The Harbour"
        story = Item(url="u", link_key="k", title="t", published_at=now, seen_at=now)
        session.add(story)
        session.flush()
        assert story.id is not None
        for identity in ("a", "b"):
            session.add(ItemSource(feed_id=feed.id, identity=identity, item_id=story.id))
        session.add(ItemTopic(item_id=story.id, topic_id=sea, seen_at=now))
        for number, standing in enumerate((Standing.ACTIVE, Standing.ACTIVE, Standing.PENDING, Standing.UNSUBSCRIBED)):
            mail = f"{number}@example.org"
            subscriber = Subscriber(email=mail, email_key=mail, standing=standing, created_at=now)
            session.add(subscriber)
            session.flush()
            assert subscriber.id is not None
            session.add(Subscription(subscriber_id=subscriber.id, topic_id=sea))
    with database.reading() as session:
        assert list_topics(session) == [
            TopicLine(slug="sea", name="The Sea", description="Boats and tides", subscribers=2, items=1),
            TopicLine(slug="world-2", name="World", description="", subscribers=0, items=0),
        ]
        harbour, coast = list_feeds(session)
        assert harbour == FeedLine(
            url=URL,
            title="The Harbour",
            state="active",
            routes=("sea", "Treaties=world-2"),
            last_success_at=now,
            last_error="It rained.",
            items=1,
            waiting=0,
        )
        assert (coast.routes, coast.items, coast.last_success_at) == (("world-2",), 0, None)
