"""Whatever a feed does to its guids, links and dates, a story comes once, and another story comes too."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from digestmail.feeds.document import Entry
from digestmail.feeds.known import text_key
from digestmail.store.database import Database
from digestmail.store.models import Item, ItemSource, ItemTopic
from tests.feeds.polling import add_publication, entry, poll

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def publication(database: Database, now: datetime) -> None:
    """Two feeds that send all to one topic."""
    add_publication(database, now=now)


def story(name: str, *, at: datetime | None, guid: str | None = None, link: str | None = None) -> Entry:
    return entry(f"The {name}", at=at, guid=guid, link=link, excerpt=f"All about the {name}.")


def new_of(database: Database, entries: Sequence[Entry], *, at: datetime) -> int:
    """How many items of a document are new."""
    return poll(database, entries, at=at).new


def news(session: Session) -> list[str]:
    rows = session.exec(
        select(Item.title).join(ItemTopic, col(ItemTopic.item_id) == Item.id).where(col(ItemTopic.news))
    )
    return sorted(rows)


def boats(now: datetime, *, dated: bool = True) -> list[Entry]:
    return [story(f"boat {n}", at=now - n * HOUR if dated else None) for n in range(12)]


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("what", ["guids", "links", "guids and links", "guids and dates"])
def test_when_all_change_at_once_nothing_is_new(database: Database, now: datetime, dated: bool, what: str) -> None:
    before = boats(now, dated=dated)
    assert new_of(database, before, at=now) == 12
    after = [
        replace(
            entry,
            identity=f"{entry.identity}-2" if "guids" in what else entry.identity,
            url=f"https://harbour.example/new/{n}" if "links" in what else entry.url,
            published_at=now if "dates" in what and dated else entry.published_at,
        )
        for n, entry in enumerate(before)
    ]
    extra = story("ferry", at=now + HOUR if dated else None)
    assert new_of(database, [extra, *after], at=now + HOUR) == 1
    assert new_of(database, [extra, *after], at=now + 2 * HOUR) == 0
    assert new_of(database, [extra, *before], at=now + 3 * HOUR) == 0  # and back again
    with database.reading() as session:
        assert "The ferry" in news(session)
        assert len(session.exec(select(Item.id)).all()) == 13


def test_guids_that_are_new_at_each_poll_are_no_news(database: Database, now: datetime) -> None:
    for turn in range(4):
        entries = [
            story(
                f"boat {n}", at=None, guid=f"https://harbour.example/{n}?r={turn}{n}", link="https://harbour.example/"
            )
            for n in range(6)
        ]
        assert new_of(database, entries, at=now + turn * HOUR) == (6 if turn == 0 else 0)


def test_one_guid_on_every_item_hides_none(database: Database, now: datetime) -> None:
    first, second, third = (story(name, at=now + n * HOUR, guid="0") for n, name in enumerate(("a", "b", "c")))
    assert new_of(database, [first], at=now) == 1
    assert new_of(database, [second, first], at=now + HOUR) == 1
    assert new_of(database, [third, second, first], at=now + 2 * HOUR) == 1
    assert new_of(database, [third], at=now + 3 * HOUR) == 0


def test_one_guid_on_one_item_at_a_time_hides_none(database: Database, now: datetime) -> None:
    for n in range(4):
        entries = [story(f"boat {n}", at=now + n * HOUR, guid="latest")]
        assert new_of(database, entries, at=now + n * HOUR) == 1
        assert new_of(database, entries, at=now + n * HOUR) == 0
    with database.reading() as session:
        assert len(news(session)) == 4


def test_a_correction_of_title_and_text_is_the_same_story(database: Database, now: datetime) -> None:
    poll(database, [story("boat", at=now)], at=now)
    mended = replace(story("boat", at=now), title="The ship", excerpt="It was a ship.")
    assert new_of(database, [mended], at=now + HOUR) == 0
    assert new_of(database, [replace(mended, identity="other")], at=now + 2 * HOUR) == 0
    with database.reading() as session:
        assert session.exec(select(Item.title)).all() == ["The ship"]


def test_two_stories_with_equal_titles_on_one_day_are_two(database: Database, now: datetime) -> None:
    post = replace(story("job", at=now), title="We are hiring", excerpt="")
    assert new_of(database, [post], at=now) == 1
    other = replace(post, identity="job-2", url="https://harbour.example/job-2", published_at=now + HOUR)
    assert new_of(database, [other, post], at=now + HOUR) == 1


def test_what_an_item_leaves_behind_keeps_it_from_coming_back(database: Database, now: datetime) -> None:
    poll(database, boats(now), at=now)
    with database.transaction() as session:
        for item in session.exec(select(Item)):
            session.delete(item)
    changed = [replace(entry, identity=f"{entry.identity}-2") for entry in boats(now)]
    for entries in (boats(now), changed, boats(now)):
        assert new_of(database, entries, at=now + HOUR) == 0
    with database.reading() as session:
        assert session.exec(select(Item.id)).all() == []
        assert set(session.exec(select(ItemSource.item_id))) == {None}


def test_the_key_of_a_text_is_pinned() -> None:
    assert text_key(story("boat", at=None)) == "a9f1c031b32a8263158aa440"
    assert text_key(replace(story("boat", at=None), title="the BOAT!")) == "a9f1c031b32a8263158aa440"
