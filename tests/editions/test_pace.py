"""How often a topic has stories is said in words that promise no more than is known."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from digestmail.editions.pace import COUNTED_FOR, KNOWN_AFTER, NEW, Pace, paces, rounded
from digestmail.language import english, languages
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item, ItemTopic, Topic

NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("stories", "days", "words"),
    [
        (168, 28, "about 6 stories a day"),
        (28, 28, "about one story a day"),
        (27, 28, "about one story a day"),
        (25, 28, "about 6 stories a week"),
        (8, 28, "about 2 stories a week"),
        (3, 28, "about one story a week"),
        (2, 28, "a story now and then"),
        (0, 28, "quiet lately"),
        (650, 28, "about 25 stories a day"),
        (28 * 1234, 28, "about 1,230 stories a day"),
        (12, 2, "about 6 stories a day"),
        (1, 2, "about 4 stories a week"),
        (500, 1.99, "a new topic"),
        (0, 0, "a new topic"),
    ],
)
def test_a_pace_is_said_sensibly_for_small_numbers_and_large_ones(stories: int, days: float, words: str) -> None:
    assert Pace(stories=stories, within=days * DAY).in_words(english()) == words


@pytest.mark.parametrize(
    ("code", "a_day", "words"),
    [
        ("es", 1, "más o menos una noticia al día"),
        ("es", 6, "unas 6 noticias al día"),
        ("ar", 1, "نحو خبر واحد في اليوم"),
        ("ar", 2, "نحو خبرين في اليوم"),
        ("ar", 6, "نحو 6 أخبار في اليوم"),
        ("ar", 11, "نحو 11 خبرًا في اليوم"),
        ("ar", 100, "نحو 100 خبر في اليوم"),
    ],
)
def test_each_language_has_its_own_form_for_a_number(code: str, a_day: int, words: str) -> None:
    assert Pace(stories=28 * a_day, within=COUNTED_FOR).in_words(languages()[code]) == words


def test_a_topic_without_items_is_new() -> None:
    assert not NEW.is_known
    assert Pace(stories=0, within=KNOWN_AFTER).is_known


@given(st.floats(0, 1e6))
def test_a_rounded_number_is_near_and_never_none_where_there_is_one(number: float) -> None:
    assert abs(rounded(number) - number) <= max(0.5, number / 8)
    assert rounded(rounded(number)) == rounded(number)


@given(st.integers(1, 10**6), st.floats(KNOWN_AFTER / DAY, COUNTED_FOR / DAY), st.sampled_from(sorted(languages())))
def test_every_pace_has_words(stories: int, days: float, code: str) -> None:
    words = Pace(stories=stories, within=days * DAY).in_words(languages()[code])
    assert words
    assert "%" not in words


def place(session: Session, topic: int, ago: timedelta, *, withdrawn: bool = False, broken: bool = False) -> ItemTopic:
    """An item in a topic that was seen so long ago."""
    item = Item(
        url="",
        link_key="k",
        title="T",
        published_at=NOW,
        seen_at=NOW - ago,
        withdrawn_at=NOW if withdrawn else None,
        broken="so" if broken else None,
    )
    session.add(item)
    session.flush()
    row = ItemTopic(item_id=item.id or 0, topic_id=topic, seen_at=NOW - ago)
    session.add(row)
    session.flush()
    return row


def test_what_readers_got_in_the_last_weeks_is_counted(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([Topic(slug=slug, name=slug) for slug in ("old", "young", "empty")])
        session.add(Feed(url="https://courier.example/feed", next_poll_at=NOW))
        session.flush()
        place(session, 1, 40 * DAY)
        for days in (1, 2, 27):
            place(session, 1, days * DAY)
        place(session, 1, DAY, withdrawn=True)
        place(session, 1, DAY, broken=True)
        place(session, 1, DAY).news = False
        place(session, 1, DAY).quarantined_by = 1
        place(session, 2, 5 * DAY).news = False
        place(session, 2, 3 * DAY)
        session.flush()
        assert paces(session, now=NOW) == {
            1: Pace(stories=3, within=COUNTED_FOR),
            2: Pace(stories=1, within=5 * DAY),
        }
