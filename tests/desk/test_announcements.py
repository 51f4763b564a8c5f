"""An announcement is checked when it is written, listed, and can be taken back."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from digestmail.desk.announcements import (
    add_announcement,
    change_announcement,
    list_announcements,
    read_size,
    remove_announcement,
)
from digestmail.errors import InputError
from digestmail.feeds.manage import add_topic
from digestmail.store.database import Database

DAY = timedelta(days=1)


def test_it_is_listed_as_it_was_written(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topic(session, slug="climate", name="Climate")
        number = add_announcement(
            session,
            title=" Give ",
            text="Please.",
            link_url="https://example.org/give",
            starts_at=now,
            ends_at=now + DAY,
            topics=["climate"],
        )
        [row] = list_announcements(session)
        assert (row.id, row.title, row.link_label, row.topics) == (number, "Give", "Read more", ("climate",))
        remove_announcement(session, number)
        assert list_announcements(session) == []
        with pytest.raises(InputError, match="no announcement"):
            remove_announcement(session, number)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": " "}, "needs a title"),
        ({"days": -1}, "ends before it starts"),
        ({"link_url": "javascript:alert(1)"}, "is no link"),
        ({"link_url": "https://example.org/a b"}, "is no link"),
        ({"topics": ["sports"]}, "no topic “sports”"),
        ({"image_url": "ftp://example.org/x.jpg", "image_alt": "X"}, "no address of a picture"),
        ({"image_url": "https://example.org/x.jpg", "image_alt": " "}, "needs a text that says the same"),
        ({"image_alt": "X"}, "but no picture"),
        ({"image_size": (600, 200)}, "but no picture"),
        ({"most_times": 0}, "from 1 to 1000"),
        ({"most_times": 1001}, "from 1 to 1000"),
        ({"season": "x" * 41}, "a short name"),
        ({"season": "a\nb"}, "a short name"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    database: Database, now: datetime, wrong: dict[str, object], words: str
) -> None:
    values: dict[str, object] = {"title": "Give", "link_url": "", "topics": [], "days": 1} | wrong
    days = values.pop("days")
    assert isinstance(days, int)
    with database.transaction() as session, pytest.raises(InputError, match=words):
        add_announcement(session, starts_at=now, ends_at=now + days * DAY, **values)  # type: ignore[arg-type]


PICTURE = {"image_url": "https://example.org/x.jpg", "image_alt": "A lamp", "image_size": (600, 200)}


@pytest.fixture
def one(database: Database, now: datetime) -> Database:
    """A database with an announcement, 1, that has a picture."""
    with database.transaction() as session:
        add_announcement(session, title="Give", starts_at=now, ends_at=now + DAY, **PICTURE)  # type: ignore[arg-type]
    return database


def test_what_is_given_is_changed_and_nothing_else(one: Database, now: datetime) -> None:
    with one.transaction() as session:
        [before] = list_announcements(session)
        change_announcement(session, 1, ends_at=now + 3 * DAY, season=" year-end ", most_times=4)
        [after] = list_announcements(session)
        assert after == replace(before, ends_at=now + 3 * DAY, season="year-end", most_times=4)
        change_announcement(session, 1, most_times=None, season="")
        assert list_announcements(session) == [replace(before, ends_at=now + 3 * DAY)]


def test_another_picture_has_a_size_of_its_own_and_none_has_no_text(one: Database) -> None:
    with one.transaction() as session:
        change_announcement(session, 1, image_url="https://example.org/y.jpg")
        [row] = list_announcements(session)
        assert (row.image_alt, row.image_width, row.image_height) == ("A lamp", None, None)
        change_announcement(session, 1, image_size=(60, 20), image_alt="A bell")
        change_announcement(session, 1, image_url="")
        [row] = list_announcements(session)
        assert (row.image_url, row.image_alt, row.image_width, row.image_height) == ("", "", None, None)


def test_a_change_that_cannot_be_shown_is_refused(one: Database, now: datetime) -> None:
    with one.reading() as session:
        before = list_announcements(session)
    with pytest.raises(InputError, match="ends before it starts"), one.transaction() as session:
        change_announcement(session, 1, ends_at=now)
    with pytest.raises(InputError, match="no announcement 2"), one.transaction() as session:
        change_announcement(session, 2, title="X")
    with one.reading() as session:
        assert list_announcements(session) == before


@pytest.mark.parametrize(("text", "size"), [("600x200", (600, 200)), (" 1 X 2 ", (1, 2)), ("99999×1", (99999, 1))])
def test_a_size_is_read(text: str, size: tuple[int, int]) -> None:
    assert read_size(text) == size


@pytest.mark.parametrize("text", ["", "600", "600x", "0x200", "600x0", "-6x2", "6.5x2", "100000x1", "6x2x1"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no size"):
        read_size(text)
