"""Each delivery has one owner at a time, and what is not surely sent comes back."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlmodel import col, select, update

from digestmail.deliveries import ledger
from digestmail.deliveries.outcome import GIVE_UP_AFTER, Outcome, Result
from digestmail.deliveries.owner import this_process
from digestmail.store.database import Database, present
from digestmail.store.models import Delivery, Edition, Kind, Standing, State, Subscriber, Suppression
from tests.deliveries.conftest import SLOT

Due = Callable[[int], list[int]]


def claim(database: Database, name: str, limit: int = 100, owner: str = "") -> list[ledger.Claimed]:
    with database.transaction() as session:
        return ledger.claim(session, name=name, owner=owner or this_process(), now=SLOT, limit=limit)


def mark(database: Database, name: str, ids: Sequence[int]) -> set[int]:
    with database.transaction() as session:
        return ledger.mark(session, name, ids)


def settle(database: Database, name: str, *outcomes: tuple[int, Outcome]) -> None:
    with database.transaction() as session:
        ledger.settle(session, [ledger.Ended(name, *each) for each in outcomes], now=SLOT)


def states(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Delivery.state).order_by(col(Delivery.id))))


def test_two_claims_share_nothing(database: Database, due: Due) -> None:
    ids = due(5)
    first, second = claim(database, "one", 3), claim(database, "two", 3)
    assert sorted(row.id for row in first + second) == ids
    assert claim(database, "three") == []
    assert {row.topics for row in first} == {frozenset({1})}


def test_what_is_not_due_yet_stays(database: Database, due: Due) -> None:
    due(1)
    with database.transaction() as session:
        assert ledger.claim(session, name="early", owner="x", now=SLOT - timedelta(seconds=1), limit=9) == []


def test_confirmations_go_first(database: Database, due: Due) -> None:
    due(3)
    with database.transaction() as session:
        session.connection().execute(update(Delivery).where(col(Delivery.id) == 3).values(priority=0))
    assert [row.id for row in claim(database, "one")] == [3, 1, 2]


def test_a_mark_is_won_by_the_claim_that_holds_the_row(database: Database, due: Due) -> None:
    ids = due(2)
    claim(database, "one")
    assert mark(database, "two", ids) == set()
    assert mark(database, "one", ids) == set(ids)
    assert mark(database, "one", ids) == set()


def test_an_unsubscribe_wins_until_the_mark(database: Database, due: Due) -> None:
    ids = due(3)
    claim(database, "one")
    with database.transaction() as session:
        session.get_one(Subscriber, 1).standing = Standing.UNSUBSCRIBED
        session.add(Suppression(email_key="r1@example.org", reason="complaint", created_at=SLOT))
    assert mark(database, "one", ids) == {ids[2]}


def test_settling_writes_ends_and_reasons(database: Database, due: Due) -> None:
    ids = due(4)
    claim(database, "one")
    later = SLOT + timedelta(minutes=5)
    settle(
        database,
        "one",
        (ids[0], Outcome(Result.SENT)),
        (ids[1], Outcome(Result.LATER, "450 later", due_at=later)),
        (ids[2], Outcome(Result.FAILED, "550 5.1.1 no such user", dead_address=True)),
        (ids[3], Outcome(Result.SKIPPED, "nothing new")),
    )
    assert states(database) == [State.SENT, State.DUE, State.FAILED, State.SKIPPED]
    with database.reading() as session:
        assert session.get_one(Delivery, ids[1]).due_at == later
        assert session.get_one(Delivery, ids[2]).reason == "550 5.1.1 no such user"
        assert session.exec(select(Suppression.email_key)).all() == ["r2@example.org"]
        assert ledger.summary(session) == {
            Kind.DIGEST: {State.SENT: 1, State.DUE: 1, State.FAILED: 1, State.SKIPPED: 1}
        }


def test_a_claim_that_lost_its_row_settles_nothing(database: Database, due: Due) -> None:
    [number] = due(1)
    claim(database, "one")
    settle(database, "stranger", (number, Outcome(Result.SENT)))
    assert states(database) == [State.CLAIMED]


def test_a_digest_that_expired_gives_its_window_back(database: Database, due: Due) -> None:
    ids = due(3)
    with database.transaction() as session:
        session.get_one(Edition, 1).since_at = SLOT - timedelta(days=1)
    claim(database, "one")
    refused = (ids[1], Outcome(Result.FAILED, "554 5.7.1 policy"))
    settle(database, "one", (ids[0], Outcome(Result.SENT)), refused, (ids[2], Outcome(Result.EXPIRED, "450 later")))
    with database.reading() as session:
        starts = session.exec(select(Subscriber.window_start_at).order_by(col(Subscriber.id))).all()
    assert starts == [SLOT, SLOT, SLOT - timedelta(days=1)]


def test_what_was_due_for_too_long_expires(database: Database, due: Due) -> None:
    due(2)
    claim(database, "one", 1)
    with database.transaction() as session:
        session.get_one(Edition, 1).since_at = SLOT - timedelta(days=1)
        assert ledger.expire(session, now=SLOT + GIVE_UP_AFTER[Kind.DIGEST]) == 0
        assert ledger.expire(session, now=SLOT + GIVE_UP_AFTER[Kind.DIGEST] + timedelta(seconds=1)) == 1
    assert states(database) == [State.CLAIMED, State.EXPIRED]
    with database.reading() as session:
        assert session.get_one(Delivery, 2).reason == "not sent in time"
        assert session.get_one(Subscriber, 2).window_start_at == SLOT - timedelta(days=1)


def test_giving_back_does_not_count_as_a_try(database: Database, due: Due) -> None:
    ids = due(2)
    claim(database, "one")
    mark(database, "one", ids[:1])
    with database.transaction() as session:
        assert ledger.give_back(session, "one") == 1
    assert states(database) == [State.DOTTED, State.DUE]
    assert [row.attempts for row in claim(database, "two")] == [1]


@pytest.mark.parametrize("owner", ["dead", "unknown"])
def test_what_a_dead_worker_held_comes_back(database: Database, due: Due, owner: str) -> None:
    ids = due(2)
    dead = this_process().rpartition("|")[0] + "|0"
    claim(database, "one", owner=dead if owner == "dead" else "elsewhere |boot|space|1|2")
    mark(database, "one", ids[:1])
    if owner == "unknown":
        with database.transaction() as session:
            assert ledger.reap(session) == 0
            over = present(session) - timedelta(seconds=1)
            session.connection().execute(update(Delivery).values(leased_until_at=over))
    with database.transaction() as session:
        assert ledger.reap(session) == 2
    with database.reading() as session:
        reasons = list(session.exec(select(Delivery.reason).order_by(col(Delivery.id))))
    assert reasons == ["in doubt after a crash: sent again", None]
    assert len(claim(database, "two")) == 2


def test_what_a_living_worker_holds_stays(database: Database, due: Due) -> None:
    due(1)
    claim(database, "one")
    with database.transaction() as session:
        assert ledger.reap(session) == 0
