from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from digestmail.errors import InputError
from digestmail.feeds.manage import (
    Removed,
    TopicLine,
    add_feed,
    add_topic,
    find_feed,
    list_topics,
    pause_feed,
    remove_feed,
    remove_routes,
    resume_feed,
    routes_by_feed,
    topics,
)
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
        ({"url": URL, "topics": ["seas"]}, "topics", r"no topic “seas”\. There are: sea, world-2"),
        ({"url": URL, "categories": [("A", "b")]}, "categories", "no topic “b”"),
        ({"url": URL, "categories": [(" ", "sea")]}, "categories", "NAME=SLUG"),
        ({"url": URL, "topics": ["Seas!"], "make_topics": True}, "slug", "small letters"),
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


def test_missing_topics_are_made_where_that_is_wanted(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        categories = [("World News", "news"), ("Politics", "news"), ("\udcffTides\0", "sea")]
        feed = add_feed(session, url=URL, topics=["all-of-it"], categories=categories, make_topics=True, now=now)
        assert [(topic.slug, topic.name) for topic in topics(session)][2:] == [
            ("all-of-it", "All of it"),
            ("news", "World News"),
        ]
        routes = ("all-of-it", "World News=news", "Politics=news", "Tides=sea")
        assert routes_by_feed(session) == {feed.id: routes}


def test_a_feed_without_routes_waits_for_them(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        feed = add_feed(session, url=URL, title="Harbour", now=now)
        assert (feed.title, feed.state, feed.next_poll_at) == ("Harbour", FeedState.ACTIVE, now)
        assert routes_by_feed(session) == {}
        assert add_feed(session, url=URL, title="Other", now=now).title == "Harbour"
        add_feed(session, url=URL, topics=["sea"], now=now)
        assert routes_by_feed(session) == {feed.id: ("sea",)}


def test_new_routes_do_not_resume_a_paused_feed(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        feed = add_feed(session, url=URL, now=now)
        pause_feed(feed)
        assert add_feed(session, url=URL, topics=["sea"], now=now).state == FeedState.PAUSED


def test_a_feed_is_found_by_its_address_or_a_part_that_only_it_has(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        urls = [URL, f"{URL}/sea", "https://coast.example/100%25_a"]
        for url in urls:
            add_feed(session, url=url, now=now)
        assert find_feed(session, f" {URL} ").url == URL
        assert find_feed(session, "/SEA").url == f"{URL}/sea"
        assert find_feed(session, "%25_").url == urls[2]
        with pytest.raises(InputError, match=f"several feeds' addresses: {URL}, {URL}/sea"):
            find_feed(session, "harbour")
        for nothing in ("_b", " "):
            with pytest.raises(InputError, match=f"no feed “{nothing.strip()}”; `digestmail feed list`"):
                find_feed(session, nothing)


def test_of_many_matches_the_first_ten_are_named(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        for number in range(12):
            add_feed(session, url=f"{URL}/{number}", now=now)
        with pytest.raises(InputError, match=r"/9, …\. Give more"):
            find_feed(session, "harbour")


def test_a_feed_is_paused_and_resumed(database: Database, now: datetime) -> None:
    later = now + timedelta(days=1)
    with database.transaction() as session:
        feed = add_feed(session, url=URL, now=now)
        with pytest.raises(InputError, match="polled already"):
            resume_feed(feed, now=now)
        pause_feed(feed)
        assert feed.state == FeedState.PAUSED
        with pytest.raises(InputError, match="it is paused"):
            pause_feed(feed)
        for state in (FeedState.PAUSED, FeedState.GONE):
            feed.state = state
            resume_feed(feed, now=later)
            assert (feed.state, feed.next_poll_at) == (FeedState.ACTIVE, later)


def test_a_category_is_routed_once_however_it_is_spelled(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        categories = [("World News", "sea"), ("world  news", "sea"), ("WORLD NEWS", "world-2")]
        feed = add_feed(session, url=URL, categories=categories, now=now)
        with pytest.raises(InputError, match="is there already"):
            add_feed(session, url=URL, categories=[("World news", "sea")], now=now)
        assert routes_by_feed(session) == {feed.id: ("World News=sea", "WORLD NEWS=world-2")}


def test_routes_end_one_by_one_or_all_at_once(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        categories = [("Tides", "sea"), ("World News", "sea"), ("World News", "world-2")]
        feed = add_feed(session, url=URL, topics=["sea"], categories=categories, now=now)
        other = add_feed(session, url="https://coast.example/", topics=["sea"], now=now)
        assert remove_routes(session, feed, topics=["sea"], categories=[("world  NEWS", "sea")]) == 2
        assert routes_by_feed(session)[feed.id or 0] == ("Tides=sea", "World News=world-2")
        with pytest.raises(InputError, match=r"no route “sea”\. Its routes: Tides=sea, World News=world-2") as caught:
            remove_routes(session, feed, topics=["sea"])
        assert caught.value.field == "topics"
        with pytest.raises(InputError, match="no route “Tides=world-2”") as caught:
            remove_routes(session, feed, categories=[("Tides", "world-2")])
        assert caught.value.field == "categories"
        assert remove_routes(session, feed) == 2
        assert remove_routes(session, feed) == 0
        assert routes_by_feed(session) == {other.id: ("sea",)}


def test_a_feed_goes_with_the_items_that_are_its_alone(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        feed, other = (add_feed(session, url=url, topics=["sea"], now=now) for url in (URL, "https://coast.example/"))
        items = [Item(url="u", link_key="k", title=name, published_at=now, seen_at=now) for name in "abc"]
        session.add_all(items)
        session.flush()
        ours, shared, theirs = (item.id for item in items)
        [sea, _] = topics(session)
        listed = [(feed, "1", ours), (feed, "2", ours), (feed, "3", shared), (feed, "tombstone", None)]
        for by, identity, item in [*listed, (other, "3", shared), (other, "4", theirs)]:
            session.add(ItemSource(feed_id=by.id or 0, identity=identity, item_id=item))
        for item in (ours, shared, theirs):
            session.add(ItemTopic(item_id=item or 0, topic_id=sea.id or 0, seen_at=now, quarantined_by=feed.id))
        session.flush()
        assert remove_feed(session, feed) == Removed(gone=1, stay=1)
    with database.reading() as session:
        assert session.exec(select(Feed.url)).all() == ["https://coast.example/"]
        assert session.exec(select(Item.id).order_by(col(Item.id))).all() == [shared, theirs]
        assert sorted(session.exec(select(ItemSource.identity))) == ["3", "4"]
        assert len(session.exec(select(Route)).all()) == 1
        assert session.exec(select(ItemTopic.item_id, ItemTopic.quarantined_by)).all() == [
            (shared, None),
            (theirs, None),
        ]


def test_topics_are_listed_with_their_readers_and_items(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topics(session)
        [sea, _] = topics(session)
        story = Item(url="u", link_key="k", title="t", published_at=now, seen_at=now)
        session.add(story)
        session.flush()
        session.add(ItemTopic(item_id=story.id or 0, topic_id=sea.id or 0, seen_at=now))
        for number, standing in enumerate((Standing.ACTIVE, Standing.ACTIVE, Standing.PENDING, Standing.UNSUBSCRIBED)):
            mail = f"{number}@example.org"
            subscriber = Subscriber(email=mail, email_key=mail, standing=standing, created_at=now)
            session.add(subscriber)
            session.flush()
            session.add(Subscription(subscriber_id=subscriber.id or 0, topic_id=sea.id or 0))
    with database.reading() as session:
        assert list_topics(session) == [
            TopicLine(slug="sea", name="The Sea", description="Boats and tides", subscribers=2, items=1),
            TopicLine(slug="world-2", name="World", description="", subscribers=0, items=0),
        ]
