"""An announcement is checked when it is written, listed, and can be taken back."""

from datetime import datetime, timedelta

import pytest

from digestmail.desk.announcements import add_announcement, list_announcements, remove_announcement
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
        ({"topics": ["sports"]}, "no topic “sports”"),
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
