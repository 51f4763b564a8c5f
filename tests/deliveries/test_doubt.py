"""A delivery in doubt is settled by what the mail server tells, and by the policy only where it cannot tell."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest
from sqlmodel import select, update

from digestmail.clock import standing_still
from digestmail.deliveries import ledger
from digestmail.deliveries.accounts import accounts, listed
from digestmail.deliveries.asking import Answer, Ask, Question, Verdict
from digestmail.deliveries.doubt import Doubts, Policy
from digestmail.deliveries.outcome import Reply, Result, in_doubt
from digestmail.deliveries.owner import this_process
from digestmail.store.database import Database, present
from digestmail.store.models import Delivery, Suppression
from digestmail.store.states import State
from tests.deliveries.conftest import SLOT

Due = Callable[[int], list[int]]


@pytest.fixture
def doubtful(database: Database, due: Due) -> list[int]:
    """Three deliveries that were dotted and got no answer."""
    ids = due(3)
    with database.writing() as connection:
        ours = ledger.open_claim(connection, owner=this_process())
        ledger.claim(connection, ours, now=SLOT, limit=3)
        ledger.mark(connection, ours, ids, now=SLOT)
        ledger.settle(
            connection, [ledger.Ended(ours, number, in_doubt(attempts=1, now=SLOT)) for number in ids], now=SLOT
        )
    return ids


def resolve(database: Database, *, ask: Ask | None, policy: Policy = "resend") -> Mapping[Result, int]:
    identify = lambda doubt: f"<{doubt.id}>"  # noqa: E731
    return Doubts(database, standing_still(SLOT), identify=identify, ask=ask, policy=policy).resolve()


def always(verdict: Verdict, bounce: Reply | None = None) -> Ask:
    return lambda questions: {question.message_id: Answer(verdict, bounce) for question in questions}


def outcomes(database: Database) -> set[tuple[str, str | None]]:
    with database.reading() as session:
        return set(session.exec(select(Delivery.state, Delivery.reason)).all())


def age(database: Database, by: timedelta) -> None:
    with database.writing() as connection:
        connection.execute(update(Delivery).values(set_aside_at=present(connection) - by))


def test_what_the_server_has_is_sent(database: Database, doubtful: list[int]) -> None:
    assert resolve(database, ask=always(Verdict.TAKEN)) == {Result.SENT: len(doubtful)}
    assert outcomes(database) == {(State.SENT, "in doubt, and the mail server's log has it")}
    assert resolve(database, ask=always(Verdict.TAKEN)) == {}


def test_what_the_server_did_not_take_goes_again(database: Database, doubtful: list[int]) -> None:
    assert resolve(database, ask=always(Verdict.NOT_TAKEN)) == {Result.LATER: len(doubtful)}
    with database.writing() as connection:
        ours = ledger.open_claim(connection, owner=this_process())
        assert ledger.claim(connection, ours, now=SLOT, limit=9) == []
        again = ledger.claim(connection, ours, now=SLOT + timedelta(seconds=30), limit=9)
    assert [row.attempts for row in again] == [2, 2, 2]


def test_what_bounced_since_has_failed_and_is_suppressed(database: Database, doubtful: list[int]) -> None:
    bounce = Reply(554, "5.1.1 no such user")
    assert resolve(database, ask=always(Verdict.TAKEN, bounce)) == {Result.FAILED: len(doubtful)}
    assert outcomes(database) == {(State.FAILED, "554 5.1.1 no such user")}
    with database.reading() as session:
        assert len(session.exec(select(Suppression)).all()) == len(doubtful)


@pytest.mark.parametrize(
    ("verdict", "waits", "decides"),
    [
        (Verdict.UNKNOWN, timedelta(minutes=4), timedelta(minutes=6)),
        (Verdict.PENDING, timedelta(minutes=59), timedelta(hours=2)),
    ],
)
@pytest.mark.parametrize(("policy", "state"), [("resend", State.DUE), ("hold", State.HELD)])
def test_the_policy_decides_when_the_server_could_not_tell_for_long_enough(
    database: Database,
    doubtful: list[int],
    verdict: Verdict,
    waits: timedelta,
    decides: timedelta,
    policy: Policy,
    state: State,
) -> None:
    age(database, waits)
    assert resolve(database, ask=always(verdict), policy=policy) == {}
    age(database, decides)
    assert sum(resolve(database, ask=always(verdict), policy=policy).values()) == len(doubtful)
    assert {found for found, _ in outcomes(database)} == {state}


@pytest.mark.parametrize(("policy", "state"), [("resend", State.DUE), ("hold", State.HELD)])
def test_where_nobody_can_be_asked_the_policy_decides_at_once(
    database: Database, doubtful: list[int], policy: Policy, state: State
) -> None:
    assert sum(resolve(database, ask=None, policy=policy).values()) == len(doubtful)
    assert {found for found, _ in outcomes(database)} == {state}


def test_a_log_that_cannot_be_read_leaves_the_doubt_for_a_while(database: Database, doubtful: list[int]) -> None:
    def ask(_: Sequence[Question]) -> Mapping[str, Answer]:
        raise PermissionError(13, "Permission denied", "/var/log/mail.log")

    assert resolve(database, ask=ask) == {}
    age(database, timedelta(minutes=6))
    assert resolve(database, ask=ask) == {Result.LATER: len(doubtful)}


def test_the_question_names_the_time_between_the_mark_and_the_end(database: Database, doubtful: list[int]) -> None:
    asked: list[Question] = []

    def ask(questions: Sequence[Question]) -> Mapping[str, Answer]:
        asked.extend(questions)
        return {}

    resolve(database, ask=ask)
    with database.writing() as connection:
        now = present(connection)
    assert [question.message_id for question in asked] == [f"<{number}>" for number in doubtful]
    for question in asked:
        assert now - timedelta(minutes=1) < question.since_at <= question.until_at <= now


def test_what_was_in_doubt_stays_listed_when_it_is_settled(database: Database, doubtful: list[int]) -> None:
    resolve(database, ask=always(Verdict.TAKEN))
    with database.reading() as session:
        rows = listed(session.connection(), list(State), limit=10, doubted=True)
        assert [(row.id, row.state, row.doubts) for row in rows] == [(number, State.SENT, 1) for number in doubtful]
        [account] = accounts(session.connection()).values()
    assert account.doubted == len(doubtful)
