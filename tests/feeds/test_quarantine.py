"""A flood is held back until the operator decides, and what comes after it is not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from digestmail.editions.assemble import digest_edition, newest, news
from digestmail.feeds.document import Entry, ParsedFeed
from digestmail.feeds.items import Stored, store_entries
from digestmail.feeds.manage import add_feed, add_topic
from digestmail.feeds.quarantine import let_through, mark_as_seen, quarantined
from digestmail.store.database import Database, hold_back_news
from digestmail.store.models import Feed

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def feed(database: Database, now: datetime) -> None:
    """A feed that sends all to one topic."""
    with database.transaction() as session:
        add_topic(session, slug="sea", name="Sea")
        add_feed(session, url="https://harbour.example/feed", topics=["sea"], now=now)


def entries(kind: str, count: int, *, at: datetime) -> list[Entry]:
    return [
        Entry(
            identity=f"{kind}-{n}",
            url=f"https://harbour.example/{kind}/{n}",
            title=f"{kind} {n}",
            excerpt="",
            author="",
            image_url="",
            published_at=at - timedelta(minutes=n),
            categories=(),
        )
        for n in range(count)
    ]


def poll(database: Database, listed: Sequence[Entry], *, at: datetime) -> Stored:
    with database.transaction() as session:
        hold_back_news(session.connection())
        feed = session.exec(select(Feed)).one()
        stored = store_entries(session, feed, ParsedFeed(title="", entries=tuple(listed)), now=at)
        feed.first_success_at = feed.last_success_at = at
        return stored


def shown(database: Database, *, since: datetime, until: datetime) -> set[str]:
    with database.reading() as session:
        found = news(session, since_at=since, cutoff_at=until, now=until)
        return {story.title.rpartition(" ")[0] for story in found.stories}


def waiting(database: Database) -> list[int]:
    with database.reading() as session:
        return list(quarantined(session).values())


@pytest.fixture
def flooded(database: Database, now: datetime) -> datetime:
    """The instant of a flood of 1,000 items, after some usual ones; the window of the usual ones is frozen."""
    poll(database, entries("usual", 10, at=now), at=now)
    with database.transaction() as session:
        digest_edition(session, since_at=now - HOUR, slot_at=now, now=now)
    flooded_at = now + HOUR
    assert poll(database, entries("flood", 1000, at=flooded_at), at=flooded_at) == Stored(1000, 1000)
    return flooded_at


def test_nobody_sees_a_flood_until_it_is_let_through(database: Database, now: datetime, flooded: datetime) -> None:
    assert waiting(database) == [1000]
    assert shown(database, since=now, until=flooded + HOUR) == set()
    with database.reading() as session:
        assert {story.title.split()[0] for story in newest(session, now=flooded).stories} == {"usual"}
    with database.transaction() as session:
        digest_edition(session, since_at=now, slot_at=flooded + HOUR, now=flooded + HOUR)
        hold_back_news(session.connection())
        assert let_through(session, 1, now=flooded) == 1000
    assert shown(database, since=flooded + HOUR, until=flooded + 2 * HOUR) == {"flood", "and 950 more"} - {
        "and 950 more"
    }
    assert waiting(database) == []


def test_what_is_marked_as_seen_is_never_shown(database: Database, now: datetime, flooded: datetime) -> None:
    with database.transaction() as session:
        assert mark_as_seen(session, 1) == 1000
        assert mark_as_seen(session, 1) == 0
    poll(database, entries("flood", 1000, at=flooded), at=flooded + HOUR)
    assert shown(database, since=now, until=flooded + 9 * HOUR) == set()
    assert waiting(database) == []


def test_what_comes_after_a_flood_is_news(database: Database, now: datetime, flooded: datetime) -> None:
    after = [*entries("after", 3, at=flooded + HOUR), *entries("flood", 997, at=flooded)]
    assert poll(database, after, at=flooded + HOUR) == Stored(3, 0)
    assert shown(database, since=now, until=flooded + 2 * HOUR) == {"after"}
    assert waiting(database) == [1000]


def test_a_feed_whose_every_item_is_new_is_held_back(database: Database, now: datetime) -> None:
    poll(database, entries("usual", 10, at=now), at=now)
    assert poll(database, entries("other", 10, at=now), at=now + HOUR) == Stored(10, 10)


def test_after_a_days_outage_all_is_news(database: Database, now: datetime) -> None:
    poll(database, entries("usual", 10, at=now), at=now)
    later = now + 24 * HOUR
    assert poll(database, entries("other", 10, at=later), at=later) == Stored(10, 0)


def test_a_feed_that_began_empty_is_new_when_it_fills(database: Database, now: datetime) -> None:
    poll(database, [], at=now)
    assert poll(database, entries("first", 10, at=now), at=now + HOUR) == Stored(10, 0)
