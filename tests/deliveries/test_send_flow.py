"""A run fits itself to its mail server: what that offers, what it limits, and what comes in meanwhile."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import col, delete, select, update

from digestmail.deliveries import ledger
from digestmail.deliveries.outcome import Result
from digestmail.deliveries.rate import OwnRate
from digestmail.store.database import Database
from digestmail.store.models import Claim, Delivery, Subscriber
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, Standing, State
from tests.deliveries.conftest import SLOT
from tests.deliveries.test_send import CONNECTIONS, letter, recipients, rows, send
from tests.relay import running

Due = Callable[[int], list[int]]


@pytest.mark.parametrize("pipelining", [True, False])
def test_everybody_gets_one_from_any_kind_of_server(database: Database, due: Due, pipelining: bool) -> None:
    due(60)
    with running(pipelining=pipelining, eightbit=True, enhanced=True) as server:
        assert send(database, server.relay).results == {Result.SENT: 60}
        assert server.violations == []
        assert any(server.rounds) == pipelining  # the dot and the next envelope in one flight
    assert set(recipients(server).values()) == {1}


def test_a_server_that_has_enough_after_each_ten_gets_all_the_mail(database: Database, due: Due) -> None:
    due(150)
    with running(pipelining=True, messages_per_connection=10) as server:
        assert send(database, server.relay).results == {Result.SENT: 150}
    assert set(recipients(server).values()) == {1}
    assert {row.attempts for row in rows(database)} == {1}


@pytest.mark.long
def test_a_server_that_defers_our_sender_is_asked_again_and_no_try_is_counted(database: Database, due: Due) -> None:
    due(5)
    deferrals = ["450 4.7.1 slow down"] * 2

    def behave(command: str, _: str) -> str | None:
        return deferrals.pop() if command == "MAIL" and deferrals else None

    with running(behave) as server:
        assert send(database, server.relay).results == {Result.SENT: 5}
    assert {row.attempts for row in rows(database)} == {1}


def test_a_message_at_which_the_server_always_hangs_up_holds_nobody_up(database: Database, due: Due) -> None:
    due(12)

    def behave(command: str, recipient: str) -> str | None:
        return "421 4.3.0 oh no" if command == "DATA" and recipient == "r3@example.org" else None

    with running(behave, pipelining=True) as server:
        assert send(database, server.relay).results == {Result.SENT: 11, Result.LATER: 1}
    assert rows(database)[3].reason == "421 4.3.0 oh no"


def test_what_is_planned_in_the_middle_of_a_run_goes_out_in_it(database: Database, due: Due) -> None:
    due(4)
    plans = iter([2, 1])

    def plan() -> int:
        count = next(plans, 0)
        with database.transaction() as session:
            for number in range(count):
                ask_for(session, Kind.REMINDER, number + 1, now=SLOT)
        return count

    with running() as server:
        report = send(database, server.relay, plan=plan)
    assert (report.planned, report.results) == (3, {Result.SENT: 7})


def test_what_planning_makes_ready_without_counting_it_goes_out_in_the_same_run(database: Database, due: Due) -> None:
    due(1)

    def plan() -> int:
        with database.transaction() as session:
            if session.get(Delivery, 2) is None:
                ask_for(session, Kind.REMINDER, 1, now=SLOT)  # as a welcome that gets its edition
        return 0

    with running() as server:
        assert send(database, server.relay, plan=plan).results == {Result.SENT: 2}


def test_planning_that_fails_keeps_nobody_from_the_mail(database: Database, due: Due) -> None:
    due(3)

    def plan() -> int:
        raise ValueError

    with running() as server:
        assert send(database, server.relay, plan=plan).results == {Result.SENT: 3}


def test_while_no_mail_is_taken_the_ledger_is_planned_all_the_same(database: Database, due: Due) -> None:
    due(1)
    plans = iter([1, 1, 1])
    with running(lambda command, _: "550 5.7.1 not you" if command == "MAIL" else None) as server:
        report = send(database, server.relay, plan=lambda: next(plans, 0))
    assert report.relay_error
    assert report.planned == 3


def test_a_confirmation_overtakes_the_digests(database: Database, due: Due) -> None:
    due(400)
    sign_ups = [SLOT]

    def behave(command: str, _: str) -> None:
        if command == "DOT" and len(server.caught) >= 100 and sign_ups:
            now = sign_ups.pop()
            with database.transaction() as session:
                session.add(
                    Subscriber(
                        email="new@example.org", email_key="new@example.org", standing=Standing.PENDING, created_at=now
                    )
                )
                session.flush()
                ask_for(session, Kind.CONFIRMATION, 401, now=now)

    with running(behave, latency=0.01) as server:
        assert send(database, server.relay).results == {Result.SENT: 401}
    assert "new@example.org" in [mail.recipient for mail in server.caught[100:350]]


def test_a_rate_is_kept_and_everybody_still_gets_the_mail(database: Database, due: Due) -> None:
    due(40)
    granted: list[int] = []

    class Noted(OwnRate):
        def grant(self, wanted: int) -> int:
            granted.append(super().grant(wanted))
            return granted[-1]

    with running() as server:
        assert send(database, server.relay, rate=Noted(lambda: 80.0)).results == {Result.SENT: 40}
    assert sum(granted) == 40
    assert max(granted) <= 8


def test_a_worker_that_was_taken_for_dead_sends_nothing_more(
    database: Database, due: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(200)
    monkeypatch.setattr("digestmail.deliveries.send._UPKEEP_SECONDS", 0.0)

    def behave(command: str, _: str) -> None:
        if command == "DOT" and len(server.caught) == 20:
            with database.transaction() as session:
                session.connection().execute(delete(Claim))  # as where its machine could not be reached for too long
                assert ledger.reap(session.connection())

    with running(behave, latency=0.002) as server:
        send(database, server.relay)
        caught = len(server.caught)
        assert 20 <= caught <= 20 + 2 * CONNECTIONS
        states = Counter(row.state for row in rows(database))
        assert states[State.DUE] + states[State.DOUBT] >= 200 - caught
        send(database, server.relay)
    assert {row.state for row in rows(database)} == {State.SENT}
    assert set(recipients(server)) == {f"r{number}@example.org" for number in range(200)}
    assert recipients(server).total() <= 200 + 2 * CONNECTIONS  # those whose dots were out are in doubt


def test_a_run_leaves_no_claim_behind(database: Database, due: Due) -> None:
    due(20)
    with running() as server:
        send(database, server.relay)
    with database.reading() as session:
        assert ledger.open_claims(session.connection()) == 0
        assert session.exec(select(Claim)).all() == []
        assert session.exec(select(Delivery).where(col(Delivery.claim_id).is_not(None))).all() == []


def test_urgent_deliveries_come_first_and_older_ones_before_newer(database: Database, due: Due) -> None:
    ids = due(3)
    with database.transaction() as session:
        session.connection().execute(
            update(Delivery).where(col(Delivery.id) == ids[2]).values(due_at=SLOT - timedelta(hours=1))
        )
        ask_for(session, Kind.REMINDER, 1, now=SLOT)
    order: list[int] = []
    with running(most_connections=1) as server:
        send(database, server.relay, compose=lambda row: order.append(row.id) or letter(row))  # type: ignore[func-returns-value]
    assert order == [4, ids[2], ids[0], ids[1]]
