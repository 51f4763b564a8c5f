"""What is held is listed, and the operator releases or drops it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from digestmail.deliveries import ledger
from digestmail.deliveries.accounts import listed
from digestmail.deliveries.outcome import Outcome, Result
from digestmail.deliveries.owner import this_process
from digestmail.settings import CATCH_UP
from digestmail.store.database import Database
from digestmail.store.models import Delivery
from digestmail.store.states import State
from tests.deliveries.conftest import SLOT

Due = Callable[[int], list[int]]


@pytest.fixture
def held(database: Database, due: Due) -> int:
    [number] = due(1)
    with database.writing() as connection:
        ours = ledger.open_claim(connection, owner=this_process())
        ledger.claim(connection, ours, now=SLOT, limit=1)
        ledger.settle(connection, [ledger.Ended(ours, number, Outcome(Result.HELD, "in doubt"))], now=SLOT)
    return number


def test_it_is_listed_with_its_reason(database: Database, held: int) -> None:
    with database.reading() as session:
        [row] = listed(session.connection(), [State.HELD], limit=10)
    assert (row.id, row.reader, row.reason, row.attempts) == (held, "r0@example.org", "in doubt", 1)


def test_released_it_goes_out_however_old_it_is(database: Database, held: int) -> None:
    week = SLOT + timedelta(days=7)
    with database.writing() as connection:
        assert ledger.release(connection, held, now=week)
        assert not ledger.release(connection, held, now=week)
        assert ledger.expire(connection, now=week, catch_up=CATCH_UP) == 0
        ours = ledger.open_claim(connection, owner=this_process())
        [row] = ledger.claim(connection, ours, now=week, limit=1)
    assert (row.id, row.attempts) == (held, 1)


def test_dropped_it_has_ended(database: Database, held: int) -> None:
    with database.writing() as connection:
        assert ledger.drop(connection, held, now=SLOT)
        assert not ledger.drop(connection, held, now=SLOT)
        assert not ledger.release(connection, held, now=SLOT)
    with database.reading() as session:
        row = session.get_one(Delivery, held)
        assert (row.state, row.reason, row.settled_at) == (State.SKIPPED, "dropped by hand", SLOT)
