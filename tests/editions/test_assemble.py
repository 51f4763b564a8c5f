"""Windows meet without a gap or an overlap, and an edition once frozen stays as it is."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from digestmail.editions.assemble import MOST_OF_A_FEED, NEWEST_OF_A_TOPIC, Frozen, digest_edition, welcome_edition
from digestmail.editions.content import Content
from digestmail.editions.content import Topic as FrozenTopic
from digestmail.store.database import Database
from digestmail.store.models import Announcement, AnnouncementTopic, Edition, Feed, Item, ItemSource, ItemTopic, Topic

SLOT = datetime(2026, 11, 23, 7, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def topics(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([Topic(slug=f"t{number}", name=f"T{number}", position=number) for number in (1, 2)])


def item(
    session: Session, title: str, seen: dict[int, datetime], *, news: bool = True, published: datetime = SLOT
) -> None:
    first = min(seen.values())
    row = Item(url="https://example.org/", link_key="k", title=title, published_at=published, seen_at=first)
    session.add(row)
    session.flush()
    assert row.id is not None
    session.add_all(ItemTopic(item_id=row.id, topic_id=topic, seen_at=at, news=news) for topic, at in seen.items())
    session.flush()


def content(session: Session, edition: Frozen) -> Content:
    return Content.from_json(session.get_one(Edition, edition.id).content)


def titles(session: Session, edition: Frozen) -> list[str]:
    return [story.title for story in content(session, edition).stories]


@pytest.mark.usefixtures("topics")
def test_a_window_leaves_its_start_out_and_takes_its_end_in(database: Database) -> None:
    with database.transaction() as session:
        for title, at in {
            "before": -DAY,
            "first": -DAY + MICROSECOND,
            "last": timedelta(),
            "after": MICROSECOND,
        }.items():
            item(session, title, {1: SLOT + at}, published=SLOT + at)
        edition = digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)
        assert titles(session, edition) == ["last", "first"]
        following = digest_edition(session, since_at=edition.cutoff_at, slot_at=SLOT + DAY, now=SLOT + DAY)
        assert titles(session, following) == ["after"]


@pytest.mark.usefixtures("topics")
def test_an_edition_is_frozen_once_for_all_of_its_slot(database: Database) -> None:
    with database.transaction() as session:
        item(session, "early", {1: SLOT - MICROSECOND})
        first = digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)
        item(session, "late", {1: SLOT + MICROSECOND})
        again = digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT + DAY / 24)
        assert (again.id, titles(session, again)) == (first.id, ["early"])
        other = digest_edition(session, since_at=SLOT - 3 * DAY, slot_at=SLOT, now=SLOT)
        assert other.id != first.id


@pytest.mark.usefixtures("topics")
def test_the_back_catalogue_is_no_news(database: Database) -> None:
    with database.transaction() as session:
        item(session, "old", {1: SLOT}, news=False)
        assert titles(session, digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)) == []
        assert titles(session, welcome_edition(session, now=SLOT)) == ["old"]


@pytest.mark.usefixtures("topics")
def test_a_topic_that_had_the_story_before_is_told_apart(database: Database) -> None:
    with database.transaction() as session:
        item(session, "story", {1: SLOT - 2 * DAY, 2: SLOT})
        [story] = content(session, digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)).stories
        assert (story.topics, story.earlier) == ((2,), (1,))


@pytest.mark.usefixtures("topics")
def test_a_window_never_runs_backwards(database: Database) -> None:
    with database.transaction() as session:
        edition = digest_edition(session, since_at=SLOT + DAY, slot_at=SLOT, now=SLOT)
        assert edition.cutoff_at == SLOT + DAY


@pytest.mark.usefixtures("topics")
def test_only_what_is_announced_now_stands_in_it(database: Database) -> None:
    with database.transaction() as session:
        for title, start, end in (("past", -2, -1), ("now", -1, 1), ("starts", 0, 1), ("ended", -1, 0), ("next", 1, 2)):
            session.add(Announcement(title=title, starts_at=SLOT + start * DAY, ends_at=SLOT + end * DAY))
        session.flush()
        session.add(AnnouncementTopic(announcement_id=2, topic_id=1))
        session.flush()
        frozen = content(session, digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)).announcements
        assert {(row.title, row.topics) for row in frozen} == {("now", (1,)), ("starts", ())}


def test_an_announcement_is_frozen_with_its_picture_and_season(database: Database) -> None:
    picture = {"image_url": "https://example.org/x.jpg", "image_alt": "X", "image_width": 600, "image_height": 200}
    with database.transaction() as session:
        session.add(Announcement(title="Give", season="year-end", starts_at=SLOT, ends_at=SLOT + DAY, **picture))
        session.flush()
        [frozen] = content(session, digest_edition(session, since_at=SLOT, slot_at=SLOT, now=SLOT)).announcements
    assert (frozen.season, frozen.topics) == ("year-end", ())
    assert {name: getattr(frozen, name) for name in picture} == picture


@pytest.mark.usefixtures("topics")
def test_a_welcome_shows_the_newest_few_of_each_topic(database: Database) -> None:
    with database.transaction() as session:
        for number in range(NEWEST_OF_A_TOPIC + 4):
            item(session, f"a{number}", {1: SLOT}, published=SLOT - number * DAY)
        item(session, "both", {1: SLOT, 2: SLOT}, published=SLOT - 30 * DAY)
        edition = welcome_edition(session, now=SLOT)
        assert titles(session, edition) == [*(f"a{number}" for number in range(NEWEST_OF_A_TOPIC)), "both"]
        assert content(session, edition).stories[-1].topics == (2,)


@pytest.mark.usefixtures("topics")
@pytest.mark.parametrize("ago", [1, 10, 400])
def test_the_newest_were_published_last_whenever_they_came(database: Database, ago: int) -> None:
    with database.transaction() as session:
        for number in range(NEWEST_OF_A_TOPIC):
            item(session, f"story {number}", {1: SLOT - ago * DAY}, published=SLOT - ago * DAY)
            item(session, f"back catalogue {number}", {1: SLOT}, news=False, published=SLOT - (ago + 1) * DAY)
        item(session, "long ago", {2: SLOT - 900 * DAY}, published=SLOT - 900 * DAY)
        shown = titles(session, welcome_edition(session, now=SLOT))
    assert sorted(shown) == ["long ago", *(f"story {number}" for number in range(NEWEST_OF_A_TOPIC))]


@pytest.mark.usefixtures("topics")
def test_a_welcome_is_shared_until_something_new_comes(database: Database) -> None:
    with database.transaction() as session:
        item(session, "one", {1: SLOT})
        first = welcome_edition(session, now=SLOT)
        assert welcome_edition(session, now=SLOT + timedelta(minutes=30)).id == first.id
        item(session, "two", {1: SLOT + timedelta(minutes=40)})
        second = welcome_edition(session, now=SLOT + timedelta(minutes=41))
        assert second.id != first.id
        assert welcome_edition(session, now=SLOT + timedelta(minutes=50)).id == second.id
        assert len(session.exec(select(Edition)).all()) == 2


def test_without_items_an_edition_is_empty(database: Database) -> None:
    with database.transaction() as session:
        assert titles(session, digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)) == []
        assert titles(session, welcome_edition(session, now=SLOT)) == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("damage", ["title = CAST(x'80' AS TEXT)", "published_at = 'yesterday'"])
@pytest.mark.usefixtures("topics")
def test_an_item_whose_row_cannot_be_read_is_left_out(database: Database, damage: str) -> None:
    with database.transaction() as session:
        for title in ("first", "second", "third"):
            item(session, title, {1: SLOT})
        session.connection().execute(text(f"UPDATE items SET {damage} WHERE id = 2"))
    with database.transaction() as session:
        edition = digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)
        assert sorted(titles(session, edition)) == ["first", "third"]
        assert session.exec(select(Item.id).where(col(Item.broken).is_not(None))).all() == [2]


@pytest.mark.usefixtures("topics")
def test_a_broken_item_is_in_no_later_edition(database: Database) -> None:
    with database.transaction() as session:
        for title in ("first", "second"):
            item(session, title, {1: SLOT})
        session.get_one(Item, 1).broken = "it cannot be rendered"
        edition = digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)
        assert titles(session, edition) == ["second"]


def test_half_a_surrogate_pair_is_kept_as_an_escape() -> None:
    strange = Content(topics=(FrozenTopic(id=1, slug="x", name="a \ud800 b"),), stories=())
    document = strange.to_json()
    document.encode("utf-8")
    assert Content.from_json(document) == strange


@pytest.mark.usefixtures("topics")
def test_of_one_feed_fifty_stories_of_a_topic_are_shown_and_the_others_counted(database: Database) -> None:
    with database.transaction() as session:
        session.add(Feed(id=1, url="u", site_url="https://harbour.example/", next_poll_at=SLOT))
        for number in range(MOST_OF_A_FEED + 7):
            item(session, f"a{number}", {1: SLOT}, published=SLOT - timedelta(minutes=number))
        item(session, "both", {1: SLOT, 2: SLOT}, published=SLOT - DAY)
        item(session, "other topic", {2: SLOT}, published=SLOT - DAY)
        for row in session.exec(select(Item)).all():
            session.add(ItemSource(feed_id=1, identity=row.title, item_id=row.id))
        item(session, "other feed", {1: SLOT}, published=SLOT - DAY)
        session.flush()
        stories = content(session, digest_edition(session, since_at=SLOT - DAY, slot_at=SLOT, now=SLOT)).stories
    newest = [f"a{number}" for number in range(MOST_OF_A_FEED)]
    assert [story.title for story in stories if not story.more] == [*newest, "other feed", "other topic"]
    (line,) = (story for story in stories if story.more)
    assert stories[-1] == line
    assert (line.more, line.topics, line.url, line.excerpt) == (8, (1,), "https://harbour.example/", "")
