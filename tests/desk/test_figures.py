"""The figures of an installation."""

from datetime import date, datetime, timedelta

from digestmail.desk.figures import figures
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Subscriber, Topic
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, Standing, State


def subscriber(name: str, standing: Standing, *, now: datetime, next_send_at: datetime | None = None) -> Subscriber:
    return Subscriber(
        email=name, email_key=name, standing=standing, created_at=now, next_send_at=next_send_at, time_zone="UTC"
    )


def test_an_empty_installation_counts_nothing(database: Database, now: datetime) -> None:
    with database.reading() as session:
        found = figures(session, now=now, time_zone="UTC")
    assert (found.topics, found.items, found.feeds, found.notices) == (0, 0, (), ())
    assert set(found.subscribers) == set(Standing) - {Standing.ERASED}
    assert set(found.today) == set(found.total) == set(State)
    assert sum(found.total.values()) == 0
    assert found.next_slot_at is None


def test_subscribers_are_counted_by_standing_and_the_next_slot_by_its_readers(
    database: Database, now: datetime
) -> None:
    soon, late = now + timedelta(hours=1), now + timedelta(hours=2)
    with database.transaction() as session:
        session.add(Topic(slug="climate", name="Climate"))
        for name, at in (("a", late), ("b", soon), ("c", soon)):
            session.add(subscriber(name, Standing.ACTIVE, now=now, next_send_at=at))
        session.add(subscriber("d", Standing.PENDING, now=now))
    with database.reading() as session:
        found = figures(session, now=now, time_zone="UTC")
    assert found.topics == 1
    assert found.subscribers == {Standing.PENDING: 1, Standing.ACTIVE: 3, Standing.UNSUBSCRIBED: 0}
    assert (found.next_slot_at, found.next_slot_subscribers) == (soon, 2)


def test_today_is_a_day_of_the_publication(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        reader = subscriber("a", Standing.ACTIVE, now=now)
        session.add(reader)
        session.flush()
        for day, state in ((23, State.SENT), (24, State.DUE)):
            session.add(
                Delivery(
                    kind=Kind.DIGEST,
                    subscriber_id=reader.id or 0,
                    scheduled_day=date(2026, 11, day),
                    slot_at=now,
                    priority=2,
                    state=state,
                    due_at=now,
                    created_at=now,
                )
            )
    with database.reading() as session:
        here = figures(session, now=now, time_zone="UTC")
        there = figures(session, now=now, time_zone="Pacific/Kiritimati")
    assert (here.today[State.SENT], here.today[State.DUE]) == (1, 0)
    assert (there.today[State.SENT], there.today[State.DUE]) == (0, 1)
    assert (here.total[State.SENT], here.total[State.DUE]) == (1, 1)


def test_today_counts_digests_and_no_letters(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        session.add(subscriber("a", Standing.ACTIVE, now=now))
        session.flush()
        ask_for(session, Kind.WELCOME, 1, now=now)
    with database.reading() as session:
        found = figures(session, now=now, time_zone="UTC")
    assert (found.today[State.DUE], found.total[State.DUE]) == (0, 1)
