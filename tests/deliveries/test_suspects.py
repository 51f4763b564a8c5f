"""What a worker may have died of goes apart from the rest, in ever smaller groups, and is held in the end."""

from collections.abc import Callable

from sqlmodel import col, select, update

from digestmail.deliveries import ledger
from digestmail.deliveries.outcome import CRASHES, Outcome, Result
from digestmail.deliveries.owner import this_process
from digestmail.store.database import Database
from digestmail.store.models import Delivery
from digestmail.store.states import State
from tests.deliveries.conftest import SLOT

Due = Callable[[int], list[int]]

DEAD = this_process().rpartition("|")[0] + "|0"


def claim_and_die(database: Database, poison: int) -> list[int]:
    """A worker takes what it may, up to the poison, and dies of it; what it held."""
    with database.writing() as connection:
        ours = ledger.open_claim(connection, owner=DEAD)
        rows = ledger.claim(connection, ours, now=SLOT, limit=100)
        held = [row.id for row in rows + (ledger.claim_suspects(connection, ours, now=SLOT) or [])]
        if poison not in held:
            ledger.settle(connection, [ledger.Ended(ours, each, Outcome(Result.SENT)) for each in held], now=SLOT)
    with database.writing() as connection:
        ledger.reap(connection)
    return held


def states(database: Database) -> dict[int | None, str]:
    with database.reading() as session:
        return dict(session.exec(select(Delivery.id, Delivery.state)).all())


def test_what_kills_its_worker_is_held_and_nobody_else(database: Database, due: Due) -> None:
    ids = due(100)
    poison = ids[40]
    deaths = 0
    groups = []
    while states(database)[poison] != State.HELD:
        group = claim_and_die(database, poison)
        deaths += poison in group
        groups.append(len(group))
    assert deaths == CRASHES
    assert groups[0] == 100
    assert set(groups[1:]) <= {16, 4, 1}
    while State.DUE in states(database).values():
        claim_and_die(database, poison)
    assert {number for number, state in states(database).items() if state == State.SENT} == {*ids} - {poison}
    with database.reading() as session:
        assert session.get_one(Delivery, poison).reason == f"quarantined: {CRASHES} workers died with it in hand"


def test_a_claim_takes_no_more_suspects_before_it_has_ended_the_last(database: Database, due: Due) -> None:
    ids = due(20)
    with database.writing() as connection:
        connection.execute(update(Delivery).values(crashes=1))
        ours = ledger.open_claim(connection, owner=this_process())
        assert ledger.claim(connection, ours, now=SLOT, limit=100) == []
        first = ledger.claim_suspects(connection, ours, now=SLOT) or []
        assert len(first) == 16
        assert ledger.claim_suspects(connection, ours, now=SLOT) is None
        ledger.settle(connection, [ledger.Ended(ours, row.id, Outcome(Result.SENT)) for row in first], now=SLOT)
        second = ledger.claim_suspects(connection, ours, now=SLOT) or []
        assert sorted(row.id for row in first + second) == ids
        ledger.settle(connection, [ledger.Ended(ours, row.id, Outcome(Result.SENT)) for row in second], now=SLOT)
        assert ledger.claim_suspects(connection, ours, now=SLOT) == []


def test_a_server_that_answered_clears_of_suspicion(database: Database, due: Due) -> None:
    due(1)
    with database.writing() as connection:
        connection.execute(update(Delivery).values(crashes=3))
        ours = ledger.open_claim(connection, owner=this_process())
        [row] = ledger.claim_suspects(connection, ours, now=SLOT) or []
        later = Outcome(Result.LATER, "450 later", due_at=SLOT)
        ledger.settle(connection, [ledger.Ended(ours, row.id, later)], now=SLOT)
        assert connection.execute(select(col(Delivery.crashes))).scalar_one() == 0
