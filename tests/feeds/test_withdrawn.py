"""What a feed takes back before an edition is frozen is not mailed; what slides off its end is."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from digestmail.editions.assemble import digest_edition, news
from digestmail.feeds.document import Entry
from digestmail.feeds.withdrawn import Missing, taken_back
from digestmail.store.database import Database
from tests.feeds.polling import COAST, add_publication, entry, poll

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def publication(database: Database, now: datetime) -> None:
    """Two feeds that send all to one topic."""
    add_publication(database, now=now)


def stories(session: Session, *, since: datetime, until: datetime) -> set[str]:
    return {story.title for story in news(session, since_at=since, cutoff_at=until, now=until).stories}


def shown(database: Database, now: datetime) -> set[str]:
    with database.reading() as session:
        return stories(session, since=now - HOUR, until=now + 9 * HOUR)


def hourly(now: datetime, names: str) -> list[Entry]:
    return [entry(name, at=now - n * HOUR) for n, name in enumerate(names)]


@pytest.mark.parametrize("gone", "abcd")
def test_what_was_taken_back_is_not_shown(database: Database, now: datetime, gone: str) -> None:
    poll(database, hourly(now, "abcd"), at=now)
    poll(database, [each for each in hourly(now, "abcd") if each.identity != gone], at=now + HOUR)
    assert shown(database, now) == set("abcd") - {gone}


def test_undated_entries_can_be_taken_back(database: Database, now: datetime) -> None:
    poll(database, [entry(name, at=None) for name in "abcd"], at=now)
    poll(database, [entry(name, at=None) for name in "acd"], at=now + HOUR)
    assert shown(database, now) == set("acd")


def test_what_slid_off_the_end_is_shown(database: Database, now: datetime) -> None:
    old = [entry(name, at=now - n * HOUR) for n, name in enumerate("bcdef", start=1)]
    poll(database, old, at=now)
    poll(database, [entry("a", at=now), *old[:-1]], at=now + HOUR)
    poll(database, [entry("z", at=now + HOUR), entry("a", at=now)], at=now + 2 * HOUR)
    assert shown(database, now) == set("zabcdef")


def test_an_empty_document_takes_nothing_back(database: Database, now: datetime) -> None:
    poll(database, hourly(now, "ab"), at=now)
    poll(database, [], at=now + HOUR)
    assert shown(database, now) == set("ab")


def test_a_ranking_takes_nothing_back(database: Database, now: datetime) -> None:
    ranked = [entry(name, at=now - hours * HOUR) for name, hours in zip("abcdef", (5, 1, 4, 0, 3, 2), strict=True)]
    poll(database, ranked, at=now)
    poll(database, [entry("x", at=now), *ranked[:3], *ranked[4:]], at=now + HOUR)
    assert shown(database, now) == set("abcdefx")


def test_what_another_feed_lists_stays(database: Database, now: datetime) -> None:
    poll(database, hourly(now, "abcd"), at=now)
    poll(database, hourly(now, "abcd"), at=now, url=COAST)
    poll(database, [each for each in hourly(now, "abcd") if each.identity != "b"], at=now + HOUR)
    assert shown(database, now) == set("abcd")
    poll(database, [each for each in hourly(now, "abcd") if each.identity != "b"], at=now + 2 * HOUR, url=COAST)
    assert shown(database, now) == set("acd")


def test_what_comes_back_is_news_for_those_who_missed_it_and_for_nobody_else(database: Database, now: datetime) -> None:
    everything, without = hourly(now, "abcd"), [each for each in hourly(now, "abcd") if each.identity != "b"]
    poll(database, everything, at=now)
    poll(database, without, at=now + HOUR)
    with database.transaction() as session:
        digest_edition(session, since_at=now - HOUR, slot_at=now + 2 * HOUR, now=now + 2 * HOUR)
    poll(database, everything, at=now + 3 * HOUR)
    with database.transaction() as session:
        assert stories(session, since=now + 2 * HOUR, until=now + 4 * HOUR) == {"b"}
        digest_edition(session, since_at=now + 2 * HOUR, slot_at=now + 4 * HOUR, now=now + 4 * HOUR)
    poll(database, without, at=now + 5 * HOUR)
    poll(database, everything, at=now + 6 * HOUR)
    with database.reading() as session:
        assert stories(session, since=now + 4 * HOUR, until=now + 7 * HOUR) == set()


def test_nothing_is_taken_back_where_nothing_is_listed_in_the_order_of_time(now: datetime) -> None:
    missing = [Missing(1, now)]
    in_order, shuffled = [now - n * HOUR for n in range(6)], [now - n * HOUR for n in (3, 0, 5, 1, 4, 2)]
    for listed in (in_order, in_order[::-1]):
        assert taken_back(missing, listed=listed, oldest_known=now - HOUR, shorter=False, now=now) == [1]
    assert taken_back(missing, listed=shuffled, oldest_known=now - HOUR, shorter=False, now=now) == []
    assert taken_back(missing, listed=in_order, oldest_known=now, shorter=False, now=now) == []


def test_a_feed_of_one_day_lets_go_of_what_is_older_than_that(now: datetime) -> None:
    for age, expected in ((24, []), (1, [1])):
        missing = [Missing(1, now - age * HOUR)]
        assert taken_back(missing, listed=[now], oldest_known=None, shorter=True, now=now) == expected


def test_what_is_taken_back_after_the_edition_changes_nothing_there(database: Database, now: datetime) -> None:
    poll(database, hourly(now, "abc"), at=now)
    with database.transaction() as session:
        frozen = digest_edition(session, since_at=now - HOUR, slot_at=now + HOUR, now=now + HOUR)
    poll(database, hourly(now, "abc")[1:], at=now + 2 * HOUR)
    with database.transaction() as session:
        assert digest_edition(session, since_at=now - HOUR, slot_at=now + HOUR, now=now + 3 * HOUR) == frozen
