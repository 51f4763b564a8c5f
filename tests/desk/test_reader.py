"""What the operator sees of one subscriber."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session

from digestmail.desk.reader import find_reader
from digestmail.errors import InputError
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Gift, Subscriber
from digestmail.store.outbox import ask_for, new_delivery
from digestmail.store.states import Kind, Standing

SLOT = datetime(2026, 11, 23, 18, tzinfo=UTC)


def add_reader(session: Session) -> None:
    session.add(
        Subscriber(
            email="Ann@example.org",
            email_key="ann@example.org",
            standing=Standing.ACTIVE,
            time_zone="Pacific/Kiritimati",
            created_at=SLOT,
        )
    )
    session.flush()


def test_deliveries_have_the_day_of_the_reader_and_letters_that_of_their_slot(database: Database) -> None:
    with database.transaction() as session:
        add_reader(session)
        ask_for(session, Kind.WELCOME, 1, now=SLOT)
        row = new_delivery(Kind.DIGEST, 1, scheduled_day=date(2026, 11, 24), slot_at=SLOT, now=SLOT)
        session.flush()
        session.add(Delivery(**row))
    with database.reading() as session:
        found = find_reader(session, "ann@example.org")
    assert [(row.kind, row.day) for row in found.deliveries] == [
        (Kind.DIGEST, date(2026, 11, 24)),
        (Kind.WELCOME, date(2026, 11, 23)),
    ]


def test_the_seasons_in_which_a_reader_gave_are_named_the_latest_first(database: Database) -> None:
    with database.transaction() as session:
        add_reader(session)
        for day, season in ((1, "roof"), (2, "year-end")):
            session.add(Gift(subscriber_id=1, season=season, at=SLOT + timedelta(days=day)))
    with database.reading() as session:
        assert find_reader(session, "ann@example.org").gave == ("year-end", "roof")


def test_an_unknown_address_is_said_to_be_unknown(database: Database) -> None:
    with database.reading() as session, pytest.raises(InputError, match="no subscriber"):
        find_reader(session, "nobody@example.org")
