"""A flood is held back until the operator decides, and what comes after it is not."""

from datetime import datetime, timedelta

import pytest

from digestmail.editions.assemble import digest_edition, newest, news
from digestmail.feeds.document import Entry
from digestmail.feeds.items import Stored
from digestmail.feeds.quarantine import let_through, mark_as_seen, quarantined
from digestmail.store.database import Database, hold_back_news
from tests.feeds.polling import add_publication, entry, poll

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def publication(database: Database, now: datetime) -> None:
    """Two feeds that send all to one topic."""
    add_publication(database, now=now)


def entries(kind: str, count: int, *, at: datetime) -> list[Entry]:
    return [entry(f"{kind} {n}", at=at - timedelta(minutes=n)) for n in range(count)]


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
