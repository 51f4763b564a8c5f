from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from digestmail.feeds.document import Entry, ParsedFeed
from digestmail.feeds.items import MOST_AT_FIRST, NEWEST, store_entries
from digestmail.feeds.manage import add_feed, add_topic
from digestmail.store.database import Database, hold_back_news
from digestmail.store.models import Edition, Feed, Item, ItemSource, ItemTopic, Topic
from digestmail.store.states import Kind

HARBOUR, COAST = "https://harbour.example/feed", "https://coast.example/feed"


@pytest.fixture(autouse=True)
def publication(database: Database, now: datetime) -> None:
    """Two topics; the harbour's feed brings all to `sea` and two categories to `world`, the coast's all to `world`."""
    with database.transaction() as session:
        add_topic(session, slug="sea", name="Sea")
        add_topic(session, slug="world", name="World")
        categories = [("International Relations", "world"), ("Treaties", "world")]
        add_feed(session, url=HARBOUR, topics=["sea"], categories=categories, now=now)
        add_feed(session, url=COAST, topics=["world"], now=now)


def entry(
    name: str, *, at: datetime | None = None, url: str | None = None, tags: Sequence[str] = (), title: str = ""
) -> Entry:
    return Entry(
        identity=name,
        url=f"https://harbour.example/{name}" if url is None else url,
        title=title or name,
        excerpt="",
        author="",
        image_url="",
        published_at=at,
        categories=tuple(tags),
    )


def store(database: Database, *entries: Entry, now: datetime, url: str = HARBOUR, first: bool = False) -> int:
    """Store entries as a poll does; unless `first`, the feed has brought something before."""
    with database.transaction() as session:
        hold_back_news(session.connection())
        feed = session.exec(select(Feed).where(Feed.url == url)).one()
        if not first:
            feed.last_item_at = feed.last_item_at or now - timedelta(days=30)
        new = store_entries(session, feed, ParsedFeed(title="The Harbour", entries=entries), now=now).new
        feed.last_success_at = now
        return new


def places(session: Session) -> dict[tuple[str, str], bool]:
    """Whether it is news, by title and topic."""
    rows = session.exec(
        select(Item.title, Topic.slug, ItemTopic.news)
        .join(ItemTopic, col(ItemTopic.item_id) == Item.id)
        .join(Topic, col(Topic.id) == ItemTopic.topic_id)
    )
    return {(title, slug): news for title, slug, news in rows}


def titles(session: Session) -> list[str]:
    return list(session.exec(select(Item.title).order_by(col(Item.id))))


def news(database: Database) -> set[str]:
    with database.reading() as session:
        return {title for (title, _), is_news in places(session).items() if is_news}


def test_it_keeps_a_story_once(database: Database, now: datetime) -> None:
    assert store(database, entry("a", at=now), entry("b", at=now), now=now) == 2
    assert (
        store(database, entry("b", at=now), entry("a", at=now), entry("c", at=now), now=now + timedelta(hours=1)) == 1
    )
    with database.reading() as session:
        assert titles(session) == ["a", "b", "c"]
        assert len(session.exec(select(ItemSource)).all()) == 3


def test_a_category_goes_to_its_topic_however_it_is_spelled(database: Database, now: datetime) -> None:
    tags = ["INTERNATIONAL  relations", "treaties", "Other"]
    store(database, entry("a", at=now, tags=tags), entry("b", at=now), now=now)
    with database.reading() as session:
        assert set(places(session)) == {("a", "sea"), ("a", "world"), ("b", "sea")}


def test_what_no_route_wants_is_known_all_the_same(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_feed(session, url="https://only.example/", categories=[("Treaties", "world")], now=now)
    assert store(database, entry("a", at=now), now=now, url="https://only.example/") == 1
    with database.reading() as session:
        assert (titles(session), places(session)) == (["a"], {})
    tagged = entry("a", at=now, tags=["Treaties"])
    assert store(database, tagged, now=now + timedelta(hours=1), url="https://only.example/") == 0
    with database.reading() as session:
        assert places(session) == {("a", "world"): True}
        assert session.exec(select(ItemTopic.seen_at)).one() == now + timedelta(hours=1)
        assert session.exec(select(Item.seen_at)).one() == now


def test_a_known_entry_brings_its_item_up_to_date(database: Database, now: datetime) -> None:
    store(database, entry("a", at=now), now=now)
    mended = entry("a", at=now, title="Mended", url="https://harbour.example/new?utm_source=x")
    store(database, mended, now=now + timedelta(hours=3))
    with database.reading() as session:
        item = session.exec(select(Item)).one()
        assert (item.title, item.link_key, item.source) == ("Mended", "harbour.example/new", "harbour.example")
        assert (item.published_at, item.seen_at) == (now, now)


def test_items_come_newest_first_and_else_in_the_order_of_the_document(database: Database, now: datetime) -> None:
    day = timedelta(days=1)
    store(database, entry("old", at=now - day), entry("x"), entry("y"), entry("new", at=now + day), now=now)
    with database.reading() as session:
        assert titles(session) == ["x", "y", "new", "old"]


def test_undated_and_future_entries_are_published_when_seen(database: Database, now: datetime) -> None:
    store(database, entry("none"), entry("future", at=now + timedelta(days=400)), now=now)
    with database.reading() as session:
        assert set(session.exec(select(Item.published_at))) == {now}


def test_of_a_new_feed_the_newest_few_are_news(database: Database, now: datetime) -> None:
    entries = [entry(f"{hours:03}", at=now - timedelta(hours=hours)) for hours in range(72, 72 + 24)]
    store(database, *reversed(entries), now=now, first=True)
    assert news(database) == {f"{hours:03}" for hours in range(72, 72 + NEWEST)}


def test_of_a_new_feed_the_last_two_days_are_news(database: Database, now: datetime) -> None:
    entries = [entry(f"{hours:03}", at=now - timedelta(hours=hours)) for hours in range(1, 60)]
    store(database, *entries, now=now, first=True)
    assert news(database) == {f"{hours:03}" for hours in range(1, 48)}


def test_of_a_new_feed_there_is_a_limit_to_news(database: Database, now: datetime) -> None:
    store(database, *(entry(str(n), at=now - timedelta(minutes=n)) for n in range(80)), now=now, first=True)
    assert len(news(database)) == MOST_AT_FIRST


def test_undated_entries_of_a_new_feed_are_not_all_recent(database: Database, now: datetime) -> None:
    store(database, *(entry(str(n)) for n in range(30)), now=now, first=True)
    assert news(database) == {str(n) for n in range(NEWEST)}


@pytest.mark.parametrize("first", [True, False])
def test_what_is_dated_a_week_back_is_never_news(database: Database, now: datetime, first: bool) -> None:
    week = timedelta(days=7)
    entries = entry("old", at=now - week - timedelta(seconds=1)), entry("fresh", at=now - week)
    store(database, *entries, now=now, first=first)
    assert news(database) == {"fresh"}


def test_a_new_route_brings_the_back_catalogue_as_a_new_feed_does(database: Database, now: datetime) -> None:
    entries = [entry(f"{n:02}", at=now - timedelta(days=3, minutes=n)) for n in range(30)]
    store(database, *entries, now=now)
    with database.transaction() as session:
        add_feed(session, url=HARBOUR, topics=["world"], now=now)
    store(database, *entries, now=now + timedelta(hours=1))
    with database.reading() as session:
        fresh = {title for (title, slug), is_news in places(session).items() if is_news and slug == "world"}
    assert fresh == {f"{n:02}" for n in range(NEWEST)}


def test_the_same_story_in_two_feeds_is_one_item(database: Database, now: datetime) -> None:
    store(database, entry("a", at=now, url="https://wire.example/story/1"), now=now)
    later = now + timedelta(hours=2)
    again = entry("guid-9", at=now, url="http://WIRE.example/story/1/?utm_source=coast#top", title="Otherwise")
    assert store(database, again, now=later, url=COAST) == 0
    with database.reading() as session:
        assert places(session) == {("a", "sea"): True, ("a", "world"): True}
        seen = dict(
            session.exec(select(Topic.slug, ItemTopic.seen_at).join(Topic, col(Topic.id) == ItemTopic.topic_id)).all()
        )
        assert seen == {"sea": now, "world": later}
    assert store(database, again, now=later + timedelta(hours=1), url=COAST) == 0
    with database.reading() as session:
        assert titles(session) == ["a"]  # the feed that was added first has the word


@pytest.mark.parametrize("url", ["https://wire.example/", "https://wire.example/?page=1", ""])
def test_a_front_page_makes_no_two_entries_one_story(database: Database, now: datetime, url: str) -> None:
    store(database, entry("a", at=now, url=url), now=now)
    assert store(database, entry("b", at=now, url=url), now=now, url=COAST) == 1


def test_a_link_that_stands_twice_makes_no_two_entries_one_story(database: Database, now: datetime) -> None:
    live = "https://wire.example/live"
    store(database, entry("a", at=now, url=live), now=now)
    assert store(database, entry("b", at=now, url=live), entry("c", at=now, url=live), now=now, url=COAST) == 2
    assert store(database, entry("d", at=now + timedelta(hours=1), url=live), now=now) == 1


def test_a_feed_may_have_another_story_each_day_at_one_link(database: Database, now: datetime) -> None:
    store(database, entry("monday", at=now, url="https://wire.example/weather"), now=now)
    tuesday = now + timedelta(days=1)
    assert store(database, entry("tuesday", at=tuesday, url="https://wire.example/weather"), now=tuesday) == 1


def test_no_item_is_seen_before_a_cutoff_that_is_frozen(database: Database, now: datetime) -> None:
    cutoff = now + timedelta(days=2)
    with database.transaction() as session:
        for cutoff_at in (cutoff, now):
            edition = Edition(kind=Kind.DIGEST, since_at=now, slot_at=cutoff_at, cutoff_at=cutoff_at, content="{}")
            session.add(edition)
    store(database, entry("a", at=now), entry("b"), now=now)
    with database.reading() as session:
        floor = cutoff + timedelta(microseconds=1)
        assert set(session.exec(select(Item.seen_at))) == {floor}
        assert set(session.exec(select(ItemTopic.seen_at))) == {floor}
        assert dict(session.exec(select(Item.title, Item.published_at)).all()) == {"a": now, "b": floor}


def test_years_that_are_long_past_can_be_stored(database: Database, now: datetime) -> None:
    assert store(database, entry("a", at=datetime(1, 1, 1, tzinfo=UTC)), now=now) == 1
    assert news(database) == set()


def test_an_entry_with_nothing_to_show_is_no_item(database: Database, now: datetime) -> None:
    empty = replace(entry("empty", at=now), title="")
    with database.transaction() as session:
        hold_back_news(session.connection())
        feed = session.exec(select(Feed).where(Feed.url == HARBOUR)).one()
        document = ParsedFeed(title="", entries=(empty, entry("ferry", at=now)))
        assert store_entries(session, feed, document, now=now).new == 1
        assert session.exec(select(Item.title)).all() == ["ferry"]
