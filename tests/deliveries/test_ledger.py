"""Each delivery has one owner at a time, and what is not surely sent comes back."""

import threading
from collections.abc import Callable, Sequence
from datetime import date, timedelta

import pytest
from sqlmodel import col, delete, insert, select, update

from digestmail.deliveries import ledger
from digestmail.deliveries.accounts import summary
from digestmail.deliveries.outcome import GIVE_UP_AFTER, Outcome, Result
from digestmail.deliveries.owner import this_process
from digestmail.settings import CATCH_UP
from digestmail.store.database import Database, present
from digestmail.store.models import Claim, Delivery, Edition, Subscriber, Subscription, Suppression
from digestmail.store.outbox import ask_for, new_delivery
from digestmail.store.states import Kind, MailFormat, Standing, State
from tests.deliveries.conftest import SLOT, statements

Due = Callable[[int], list[int]]


def open_claim(database: Database, owner: str = "") -> int:
    with database.transaction() as session:
        return ledger.open_claim(session.connection(), owner=owner or this_process())


def claim(database: Database, claim_id: int, limit: int = 100) -> list[ledger.Claimed]:
    with database.transaction() as session:
        return ledger.claim(session.connection(), claim_id, now=SLOT, limit=limit)


def mark(database: Database, claim_id: int, ids: Sequence[int]) -> set[int]:
    with database.transaction() as session:
        return ledger.mark(session.connection(), claim_id, ids, now=SLOT)


def settle(database: Database, claim_id: int, *outcomes: tuple[int, Outcome]) -> None:
    with database.transaction() as session:
        ledger.settle(session.connection(), [ledger.Ended(claim_id, *each) for each in outcomes], now=SLOT)


def end_lease(database: Database) -> None:
    with database.transaction() as session:
        over = present(session.connection()) - timedelta(seconds=1)
        session.connection().execute(update(Claim).values(leased_until_at=over))


def reap(database: Database) -> dict[State, int]:
    with database.transaction() as session:
        return ledger.reap(session.connection())


def states(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.exec(select(Delivery.state).order_by(col(Delivery.id))))


def test_two_claims_share_nothing(database: Database, due: Due) -> None:
    ids = due(5)
    first, second = claim(database, open_claim(database), 3), claim(database, open_claim(database), 3)
    assert sorted(row.id for row in first + second) == ids
    assert claim(database, open_claim(database)) == []
    assert {row.topics for row in first} == {frozenset({1})}


def test_claims_at_once_share_nothing(database: Database, due: Due) -> None:
    ids = due(60)
    taken: list[int] = []

    def take() -> None:
        ours = open_claim(database)
        while rows := claim(database, ours, 7):
            taken.extend(row.id for row in rows)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ids


def test_a_claim_tells_what_is_needed_to_compose(database: Database, due: Due) -> None:
    [number] = due(1)
    with database.writing() as connection:
        connection.execute(update(Subscriber).values(locale="es", mail_format=MailFormat.TEXT))
    [row] = claim(database, open_claim(database))
    assert row == ledger.Claimed(
        id=number,
        kind=Kind.DIGEST,
        subscriber_id=1,
        email="r0@example.org",
        slot_at=SLOT,
        day=date(2026, 11, 23),
        edition_id=1,
        attempts=1,
        topics=frozenset({1}),
        unwanted="",
        locale="es",
        mail_format=MailFormat.TEXT,
    )


def test_a_letter_has_the_day_of_its_slot(database: Database, due: Due) -> None:
    due(1)
    with database.transaction() as session:
        session.connection().execute(delete(Delivery))
        session.connection().execute(delete(Subscription))
        ask_for(session, Kind.REMINDER, 1, now=SLOT)
    [row] = claim(database, open_claim(database))
    assert (row.kind, row.day, row.topics) == (Kind.REMINDER, date(2026, 11, 23), frozenset())


@pytest.mark.parametrize(
    ("kind", "standing", "suppressed", "unwanted"),
    [
        (Kind.DIGEST, Standing.ACTIVE, False, ""),
        (Kind.DIGEST, Standing.UNSUBSCRIBED, False, "unsubscribed"),
        (Kind.DIGEST, Standing.ACTIVE, True, "the address is suppressed"),
        (Kind.CONFIRMATION, Standing.PENDING, False, ""),
        (Kind.CONFIRMATION, Standing.ACTIVE, False, "confirmed already"),
        (Kind.CONFIRMATION, Standing.UNSUBSCRIBED, False, "unsubscribed"),
        (Kind.ACCESS, Standing.ACTIVE, False, ""),
        (Kind.ACCESS, Standing.PENDING, False, ""),
        (Kind.ACCESS, Standing.UNSUBSCRIBED, False, ""),
        (Kind.ACCESS, Standing.ERASED, False, "erased"),
        (Kind.ACCESS, Standing.UNSUBSCRIBED, True, "the address is suppressed"),
        (Kind.MOVE, Standing.PENDING, False, ""),
        (Kind.MOVE, Standing.ACTIVE, False, "confirmed already"),
        (Kind.MOVING, Standing.ACTIVE, False, ""),
        (Kind.MOVING, Standing.UNSUBSCRIBED, False, "unsubscribed"),
        (Kind.DIGEST, Standing.ERASED, False, "erased"),
    ],
)
def test_what_is_unwanted_is_said_at_the_claim_and_never_marked(
    database: Database, due: Due, kind: Kind, standing: Standing, suppressed: bool, unwanted: str
) -> None:
    [number] = due(1)
    with database.transaction() as session:
        session.get_one(Delivery, number).kind = kind
        session.get_one(Subscriber, 1).standing = standing
        if suppressed:
            session.add(Suppression(email_key="r0@example.org", reason="complaint", created_at=SLOT))
    ours = open_claim(database)
    [row] = claim(database, ours)
    assert row.unwanted == unwanted
    assert mark(database, ours, [number]) == (set() if unwanted else {number})


def test_what_is_not_due_yet_stays(database: Database, due: Due) -> None:
    due(1)
    ours = open_claim(database)
    with database.transaction() as session:
        assert ledger.claim(session.connection(), ours, now=SLOT - timedelta(seconds=1), limit=9) == []


def test_the_most_urgent_go_first(database: Database, due: Due) -> None:
    due(4)
    with database.transaction() as session:
        session.get_one(Delivery, 4).priority = 0
        session.get_one(Delivery, 1).due_at = SLOT - timedelta(seconds=1)
        session.get_one(Delivery, 3).due_at = SLOT - timedelta(seconds=2)
    ours = open_claim(database)
    assert [row.id for row in claim(database, ours, 3)] == [4, 3, 1]
    assert [row.id for row in claim(database, ours, 3)] == [2]


def test_a_mark_is_won_by_the_claim_that_holds_the_row(database: Database, due: Due) -> None:
    ids = due(2)
    ours = open_claim(database)
    claim(database, ours)
    assert mark(database, open_claim(database), ids) == set()
    assert mark(database, ours, ids) == set(ids)
    assert mark(database, ours, ids) == set()


def test_an_unsubscribe_wins_until_the_mark(database: Database, due: Due) -> None:
    ids = due(3)
    ours = open_claim(database)
    claim(database, ours)
    with database.transaction() as session:
        session.get_one(Subscriber, 1).standing = Standing.UNSUBSCRIBED
        session.add(Suppression(email_key="r1@example.org", reason="complaint", created_at=SLOT))
    assert mark(database, ours, ids) == {ids[2]}


def test_settling_writes_ends_and_reasons(database: Database, due: Due) -> None:
    ids = due(4)
    ours = open_claim(database)
    claim(database, ours)
    later = SLOT + timedelta(minutes=5)
    settle(
        database,
        ours,
        (ids[0], Outcome(Result.SENT)),
        (ids[1], Outcome(Result.LATER, "450 later", due_at=later)),
        (ids[2], Outcome(Result.FAILED, "550 5.1.1 no such user", dead_address=True)),
        (ids[3], Outcome(Result.SKIPPED, "nothing new")),
    )
    assert states(database) == [State.SENT, State.DEFERRED, State.FAILED, State.SKIPPED]
    with database.reading() as session:
        rows = session.exec(select(Delivery).order_by(col(Delivery.id))).all()
        assert [row.claim_id for row in rows] == [None] * 4
        assert [row.settled_at for row in rows] == [SLOT, None, SLOT, SLOT]
        assert rows[1].due_at == later
        assert rows[2].reason == "550 5.1.1 no such user"
        assert session.exec(select(Suppression.email_key)).all() == ["r2@example.org"]
        assert summary(session.connection()) == {
            Kind.DIGEST: {State.SENT: 1, State.DEFERRED: 1, State.FAILED: 1, State.SKIPPED: 1}
        }


def test_all_that_was_sent_is_settled_by_one_statement(database: Database, due: Due) -> None:
    ids = due(50)
    ours = open_claim(database)
    claim(database, ours)
    ends = [ledger.Ended(ours, number, Outcome(Result.SENT)) for number in ids]
    with database.transaction() as session, statements(database) as caught:
        ledger.settle(session.connection(), ends, now=SLOT)
    assert len(caught) == 1
    assert set(states(database)) == {State.SENT}


def test_a_claim_that_lost_its_row_settles_nothing(database: Database, due: Due) -> None:
    [number] = due(1)
    claim(database, open_claim(database))
    stranger = open_claim(database)
    for outcome in (
        Outcome(Result.SENT),
        Outcome(Result.LATER, "450", due_at=SLOT),
        Outcome(Result.EXPIRED, "450"),
        Outcome(Result.FAILED, "550 5.1.1", dead_address=True),
    ):
        settle(database, stranger, (number, outcome))
    assert states(database) == [State.CLAIMED]
    with database.reading() as session:
        assert session.exec(select(Suppression)).all() == []


def test_a_digest_that_expired_gives_its_window_back(database: Database, due: Due) -> None:
    ids = due(4)
    with database.transaction() as session:
        session.get_one(Edition, 1).since_at = SLOT - timedelta(days=1)
        session.get_one(Subscriber, 4).window_start_at = SLOT + timedelta(minutes=1)
    ours = open_claim(database)
    claim(database, ours)
    refused = (ids[1], Outcome(Result.FAILED, "554 5.7.1 policy"))
    expired = [(number, Outcome(Result.EXPIRED, "450 later")) for number in ids[2:]]
    settle(database, ours, (ids[0], Outcome(Result.SENT)), refused, *expired)
    with database.reading() as session:
        starts = session.exec(select(Subscriber.window_start_at).order_by(col(Subscriber.id))).all()
    assert starts == [SLOT, SLOT, SLOT - timedelta(days=1), SLOT + timedelta(minutes=1)]


@pytest.mark.parametrize(
    ("tried", "limit", "reason"),
    [(False, CATCH_UP, "later than the catch-up limit of 6 h"), (True, GIVE_UP_AFTER[Kind.DIGEST], "450 later")],
)
def test_what_was_due_for_too_long_expires(
    database: Database, due: Due, tried: bool, limit: timedelta, reason: str
) -> None:
    ids = due(2)
    ours = open_claim(database)
    if tried:
        claim(database, ours)
        settle(database, ours, (ids[1], Outcome(Result.LATER, "450 later", due_at=SLOT)))
    else:
        claim(database, ours, 1)
    with database.transaction() as session:
        session.get_one(Edition, 1).since_at = SLOT - timedelta(days=1)
        session.flush()
        assert ledger.expire(session.connection(), now=SLOT + limit, catch_up=CATCH_UP) == 0
        late = SLOT + limit + timedelta(seconds=1)
        assert ledger.expire(session.connection(), now=late, catch_up=CATCH_UP) == 1
    assert states(database) == [State.CLAIMED, State.EXPIRED]
    with database.reading() as session:
        assert session.get_one(Delivery, 2).reason == reason
        assert session.get_one(Subscriber, 2).window_start_at == SLOT - timedelta(days=1)


def test_after_an_outage_everybody_gets_the_window_back(database: Database) -> None:
    before = SLOT - timedelta(days=1)
    with database.transaction() as session:
        session.add(Edition(kind=Kind.DIGEST, since_at=before, slot_at=SLOT, cutoff_at=SLOT, content="{}"))
        session.flush()
        connection = session.connection()
        numbers = range(1, 4102)
        readers = [
            {
                "id": number,
                "email": f"r{number}",
                "email_key": f"r{number}",
                "created_at": SLOT,
                "window_start_at": SLOT,
            }
            | {"standing": Standing.ACTIVE, "time_zone": "UTC", "hour": 7, "days": 127, "locale": "en", "source": ""}
            for number in numbers
        ]
        connection.execute(insert(Subscriber), readers)
        days = {"scheduled_day": date(2026, 11, 23), "slot_at": SLOT, "now": SLOT, "edition_id": 1}
        connection.execute(insert(Delivery), [new_delivery(Kind.DIGEST, number, **days) for number in numbers])
        assert ledger.expire(session.connection(), now=SLOT + timedelta(days=2), catch_up=CATCH_UP) == len(numbers)
    with database.reading() as session:
        assert set(session.exec(select(Subscriber.window_start_at))) == {before}


def test_giving_back_does_not_count_as_a_try(database: Database, due: Due) -> None:
    ids = due(2)
    ours = open_claim(database)
    claim(database, ours)
    mark(database, ours, ids[:1])
    with database.transaction() as session:
        assert ledger.give_back(session.connection(), ours) == 1
    assert states(database) == [State.DOTTED, State.DUE]
    assert [row.attempts for row in claim(database, open_claim(database))] == [1]


def test_what_is_given_back_can_be_put_off(database: Database, due: Due) -> None:
    due(1)
    ours = open_claim(database)
    claim(database, ours)
    with database.transaction() as session:
        ledger.give_back(session.connection(), ours, due_at=SLOT + timedelta(seconds=30))
    assert claim(database, ours) == []


@pytest.mark.parametrize("owner", ["dead", "unknown"])
def test_what_a_dead_worker_held_comes_back(database: Database, due: Due, owner: str) -> None:
    ids = due(2)
    dead = this_process().rpartition("|")[0] + "|0"
    theirs = open_claim(database, dead if owner == "dead" else "elsewhere |boot|space|1|2")
    claim(database, theirs)
    mark(database, theirs, ids[:1])
    if owner == "unknown":
        assert reap(database) == {}
        end_lease(database)
    assert reap(database) == {State.DOUBT: 1, State.DUE: 1}
    with database.reading() as session:
        rows = session.exec(select(Delivery).order_by(col(Delivery.id))).all()
        assert [row.reason for row in rows] == ["its worker died between the mark and the answer", None]
        assert [row.crashes for row in rows] == [1, 1]
        assert rows[0].dotted_at
        assert rows[0].set_aside_at
        assert rows[0].dotted_at <= rows[0].set_aside_at


def test_what_a_living_worker_holds_stays(database: Database, due: Due) -> None:
    due(1)
    claim(database, open_claim(database))
    end_lease(database)
    assert reap(database) == {}, "its process can be seen to run"


def test_a_claim_that_was_reaped_holds_and_takes_nothing_more(database: Database, due: Due) -> None:
    ids = due(3)
    frozen = open_claim(database, "elsewhere |boot|space|1|2")
    claim(database, frozen, 2)
    end_lease(database)
    assert reap(database) == {State.DUE: 2}
    assert claim(database, frozen) == []
    assert mark(database, frozen, ids) == set()
    settle(database, frozen, (ids[0], Outcome(Result.SENT)))
    with database.transaction() as session:
        assert not ledger.renew(session.connection(), frozen)
        assert ledger.give_back(session.connection(), frozen) == 0
    assert states(database) == [State.DUE] * 3


@pytest.mark.parametrize("by", ["renewing", "claiming"])
def test_a_lease_lasts_from_the_last_sign_of_life(database: Database, due: Due, by: str) -> None:
    due(1)
    ours = open_claim(database, "elsewhere |boot|space|1|2")
    claim(database, ours)
    end_lease(database)
    with database.transaction() as session:
        if by == "renewing":
            assert ledger.renew(session.connection(), ours)
        else:
            ledger.claim(session.connection(), ours, now=SLOT, limit=1)
    assert reap(database) == {}


def test_claims_are_counted_while_their_leases_last(database: Database) -> None:
    open_claim(database)
    end_lease(database)
    second = open_claim(database)
    with database.transaction() as session:
        assert ledger.open_claims(session.connection()) == 1
        ledger.close_claim(session.connection(), second)
        assert ledger.open_claims(session.connection()) == 0


def test_what_a_claim_still_holds_at_its_end_is_found_by_the_reaper(database: Database, due: Due) -> None:
    due(1)
    ours = open_claim(database)
    claim(database, ours)
    with database.transaction() as session:
        ledger.close_claim(session.connection(), ours)
    assert reap(database) == {State.DUE: 1}


def test_the_number_of_a_claim_is_never_used_again(database: Database) -> None:
    first = open_claim(database)
    with database.transaction() as session:
        ledger.close_claim(session.connection(), first)
    assert open_claim(database) > first


def test_a_mark_settles_on_its_way_what_has_ended(database: Database, due: Due) -> None:
    ids = due(4)
    ours = open_claim(database)
    claim(database, ours)
    mark(database, ours, ids[:3])
    outcomes = (Outcome(Result.SENT), Outcome(Result.LATER, "450", due_at=SLOT), Outcome(Result.FAILED, "550"))
    ended = [ledger.Ended(ours, *each) for each in zip(ids, outcomes, strict=False)]
    with database.transaction() as session:
        assert ledger.mark(session.connection(), ours, ids[3:], ended=ended, now=SLOT) == {ids[3]}
    assert states(database) == [State.SENT, State.DEFERRED, State.FAILED, State.DOTTED]


def test_a_failing_commit_leaves_nothing_half_done(database: Database, due: Due) -> None:
    ids = due(2)
    ours = open_claim(database)
    claim(database, ours)

    def fail() -> None:
        with database.transaction() as session:
            ended = [ledger.Ended(ours, ids[0], Outcome(Result.SENT))]
            assert ledger.mark(session.connection(), ours, ids[1:], ended=ended, now=SLOT) == set(ids[1:])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert states(database) == [State.CLAIMED, State.CLAIMED]
    assert mark(database, ours, ids) == set(ids)
