"""The ledger forgets what ended long ago, in small bites, and nothing that is open."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import col, select, update

from digestmail.deliveries import ledger, retention
from digestmail.deliveries.outcome import Outcome, Result
from digestmail.deliveries.owner import this_process
from digestmail.store.database import Database
from digestmail.store.models import Bounce, Delivery, Edition, Subscriber
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, State
from tests.deliveries.conftest import SLOT

Due = Callable[[int], list[int]]

LATER = SLOT + timedelta(microseconds=1)


def prune(database: Database, limit: int = 1000) -> int:
    with database.transaction() as session:
        return retention.prune(session.connection(), before=LATER, limit=limit)


def left(database: Database) -> tuple[list[int | None], int]:
    """The ids of the deliveries, and the number of editions."""
    with database.reading() as session:
        return list(session.exec(select(Delivery.id).order_by(col(Delivery.id)))), len(
            session.exec(select(Edition)).all()
        )


def send(database: Database, ids: list[int]) -> None:
    with database.transaction() as session:
        ours = ledger.open_claim(session.connection(), owner=this_process())
        ledger.claim(session.connection(), ours, now=SLOT, limit=len(ids))
        ledger.settle(
            session.connection(), [ledger.Ended(ours, number, Outcome(Result.SENT)) for number in ids], now=SLOT
        )


def test_what_ended_goes_and_then_its_edition(database: Database, due: Due) -> None:
    send(database, due(3))
    assert prune(database) == 4
    assert left(database) == ([], 0)
    assert prune(database) == 0


def test_what_came_back_is_remembered_a_month_longer(database: Database, due: Due) -> None:
    due(1)
    with database.transaction() as session:
        reader = session.exec(select(Subscriber.id)).one()
        for days in (32, 31, 30):
            at = LATER - timedelta(days=days, microseconds=1)
            session.add(Bounce(fingerprint=str(days), subscriber_id=reader, kind="soft", source="dsn", at=at))
    assert prune(database, limit=1) == prune(database, limit=1) == 1
    assert prune(database) == 0
    with database.reading() as session:
        assert session.exec(select(Bounce.fingerprint)).all() == ["30"]


@pytest.mark.parametrize("state", [State.SENT, State.SKIPPED, State.EXPIRED, State.FAILED])
def test_every_end_is_forgotten(database: Database, due: Due, state: State) -> None:
    send(database, due(1))
    with database.transaction() as session:
        session.connection().execute(update(Delivery).values(state=state))
    assert prune(database) == 2


@pytest.mark.parametrize("state", ledger.OPEN)
def test_nothing_that_is_open_is_forgotten_nor_its_edition(database: Database, due: Due, state: State) -> None:
    ids = due(2)
    if state != State.DUE:
        with database.transaction() as session:
            ours = ledger.open_claim(session.connection(), owner=this_process())
            ledger.claim(session.connection(), ours, now=SLOT, limit=2)
            if state == State.DOTTED:
                ledger.mark(session.connection(), ours, ids, now=SLOT)
    assert prune(database) == 0
    assert left(database) == (ids, 1)


def test_what_is_young_stays(database: Database, due: Due) -> None:
    ids = due(2)
    send(database, ids)
    with database.transaction() as session:
        session.get_one(Delivery, ids[1]).slot_at = LATER
    assert prune(database) == 1
    assert left(database) == (ids[1:], 1)


def test_each_bite_takes_the_oldest(database: Database, due: Due) -> None:
    ids = due(5)
    send(database, ids)
    assert prune(database, limit=2) == 2
    assert left(database) == (ids[2:], 1)
    assert prune(database, limit=2) == 2
    assert prune(database, limit=2) == 2  # the last one and the edition
    assert left(database) == ([], 0)


def test_an_edition_that_nobody_got_goes_too_when_its_time_comes(database: Database) -> None:
    with database.transaction() as session:
        for kind, slot_at in ((Kind.DIGEST, SLOT), (Kind.WELCOME, SLOT), (Kind.DIGEST, LATER)):
            session.add(Edition(kind=kind, since_at=SLOT, slot_at=slot_at, cutoff_at=slot_at, content="{}"))
    assert prune(database) == 2
    with database.reading() as session:
        assert session.exec(select(Edition.slot_at)).all() == [LATER]


def test_letters_are_forgotten_too(database: Database) -> None:
    with database.transaction() as session:
        session.add(Subscriber(email="ann@example.org", email_key="ann@example.org", created_at=SLOT))
        session.flush()
        ask_for(session, Kind.CONFIRMATION, 1, now=SLOT)
    send(database, [1])
    assert prune(database) == 1
    assert left(database) == ([], 0)
