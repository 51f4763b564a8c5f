"""Leaving acts at once and can be undone; preferences move the next slot."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from digestmail.store.models import ConsentEvent, Delivery, Subscriber
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind, Standing, State
from digestmail.subscribers import preferences
from digestmail.subscribers.choices import Choices, set_topics, topics_of
from digestmail.subscribers.unsubscribe import undo, unsubscribe
from tests.subscribers.conftest import FORM


@pytest.fixture
def ann(session: Session, now: datetime) -> int:
    """An active reader of climate, at seven in Berlin."""
    row = Subscriber(
        email="ann@example.org",
        email_key="ann@example.org",
        standing=Standing.ACTIVE,
        time_zone="Europe/Berlin",
        created_at=now,
        confirmed_at=now,
        next_send_at=datetime(2026, 11, 24, 6, tzinfo=UTC),
        next_day=date(2026, 11, 24),
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    set_topics(session, row.id, frozenset({1}))
    return row.id


def choices(**changes: object) -> Choices:
    values: dict[str, object] = {"topics": frozenset({1}), "hour": 7, "time_zone": "Europe/Berlin", "days": 127}
    return Choices(**(values | changes))  # type: ignore[arg-type]


def test_unsubscribing_ends_the_schedule(session: Session, ann: int, now: datetime) -> None:
    assert unsubscribe(session, ann, origin=FORM, now=now)
    row = session.get_one(Subscriber, ann)
    assert (row.standing, row.next_send_at, row.unsubscribed_at) == (Standing.UNSUBSCRIBED, None, now)


def test_unsubscribing_twice_is_recorded_once(session: Session, ann: int, now: datetime) -> None:
    unsubscribe(session, ann, origin=FORM, now=now)
    assert unsubscribe(session, ann, origin=FORM, now=now + timedelta(days=1))
    assert session.get_one(Subscriber, ann).unsubscribed_at == now
    assert len(session.exec(select(ConsentEvent)).all()) == 1


def test_undoing_brings_the_schedule_back(session: Session, ann: int, now: datetime) -> None:
    unsubscribe(session, ann, origin=FORM, now=now)
    assert undo(session, ann, origin=FORM, now=now + timedelta(days=29))
    row = session.get_one(Subscriber, ann)
    assert (row.standing, row.next_day) == (Standing.ACTIVE, date(2026, 12, 23))
    assert undo(session, ann, origin=FORM, now=now + timedelta(days=29))


def test_undoing_is_refused_after_thirty_days(session: Session, ann: int, now: datetime) -> None:
    unsubscribe(session, ann, origin=FORM, now=now)
    assert not undo(session, ann, origin=FORM, now=now + timedelta(days=30, seconds=1))
    assert session.get_one(Subscriber, ann).standing == Standing.UNSUBSCRIBED


def test_an_unknown_subscriber_is_said_to_be_unknown(session: Session, now: datetime) -> None:
    assert not unsubscribe(session, 999, origin=FORM, now=now)
    assert not undo(session, 999, origin=FORM, now=now)
    assert preferences.find(session, 999) is None
    assert preferences.change(session, 999, choices(), origin=FORM, now=now) is None


def test_new_hour_and_zone_move_the_next_slot(session: Session, ann: int, now: datetime) -> None:
    changed = preferences.change(session, ann, choices(hour=18, time_zone="America/New_York"), origin=FORM, now=now)
    assert changed is not None
    assert changed.after.next_send_at == datetime(2026, 11, 23, 23, tzinfo=UTC)


def test_a_change_right_after_a_digest_waits_twelve_hours_and_a_day(session: Session, ann: int, now: datetime) -> None:
    slot = datetime(2026, 11, 23, 6, tzinfo=UTC)
    row = new_delivery(Kind.DIGEST, ann, scheduled_day=date(2026, 11, 23), slot_at=slot, now=slot)
    session.add(Delivery(**row | {"state": State.SENT}))
    changed = preferences.change(session, ann, choices(hour=14), origin=FORM, now=now)
    assert changed is not None
    assert changed.after.next_send_at == datetime(2026, 11, 24, 13, tzinfo=UTC)


def test_new_topics_leave_the_slot_alone(session: Session, ann: int, now: datetime) -> None:
    changed = preferences.change(session, ann, choices(topics=frozenset({1, 2})), origin=FORM, now=now)
    assert changed is not None
    assert changed.after.choices.topics == topics_of(session, ann) == {1, 2}
    assert changed.after.next_send_at == datetime(2026, 11, 24, 6, tzinfo=UTC)
