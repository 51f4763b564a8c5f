"""Everything due goes out once over real SMTP, and everything that goes wrong is settled or comes again."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlmodel import col, select, update

from digestmail.clock import Clock, standing_still
from digestmail.deliveries.doubt import Doubts
from digestmail.deliveries.ledger import Claimed, open_claim
from digestmail.deliveries.outcome import Result
from digestmail.deliveries.pauses import REFUSALS, Pauses
from digestmail.deliveries.rate import Rate
from digestmail.deliveries.report import SendReport
from digestmail.deliveries.send import NOT_WANTED, Sender, Unfinished
from digestmail.deliveries.supply import NOTHING_NEW
from digestmail.deliveries.wire import Wire
from digestmail.messages.message import Message
from digestmail.settings import Relay
from digestmail.store.database import Database
from digestmail.store.models import Claim, Delivery, Subscriber, Suppression
from digestmail.store.states import Standing, State
from tests.deliveries.conftest import SLOT
from tests.relay import DROP, FakeRelay, running
from tests.services import free_port

Due = Callable[[int], list[int]]

AT_SLOT = standing_still(SLOT)
CONNECTIONS = 8


def letter(row: Claimed) -> Message | None:
    data = f"Message-ID: <{row.id}@news.test>\r\nTo: {row.email}\r\n\r\n.a line that begins with a dot\r\n..\r\n"
    return Message(message_id=f"<{row.id}@news.test>", sender="b@news.test", recipient=row.email, data=data.encode())


def doubts(database: Database, clock: Clock) -> Doubts:
    return Doubts(database, clock, identify=lambda doubt: f"<{doubt.id}@news.test>", ask=None, policy="resend")


def send(
    database: Database,
    relay: Relay,
    *,
    clock: Clock = AT_SLOT,
    compose: Callable[[Claimed], Message | None] = letter,
    plan: Callable[[], int] = lambda: 0,
    rate: Rate | None = None,
    stopping: Callable[[], bool] = lambda: False,
    unfinished: Unfinished | None = None,
    pauses: Pauses | None = None,
) -> SendReport:
    return Sender(
        database,
        clock,
        compose,
        lambda: Wire(relay, connections=CONNECTIONS),
        unfinished=unfinished or Unfinished(),
        plan=plan,
        resolve_doubts=doubts(database, clock).resolve,
        rate=rate,
        pauses=pauses,
        stopping=stopping,
    ).run()


def rows(database: Database) -> list[Delivery]:
    with database.reading() as session:
        return list(session.exec(select(Delivery).order_by(col(Delivery.id))))


def recipients(server: FakeRelay) -> Counter[str]:
    return Counter(mail.recipient for mail in server.caught)


def test_everybody_gets_one_as_composed(database: Database, due: Due) -> None:
    due(50)
    with running() as server:
        report = send(database, server.relay)
        assert report.results == {Result.SENT: 50}
        assert recipients(server) == Counter(f"r{number}@example.org" for number in range(50))
        mail = server.caught[0]
        assert mail.sender == "b@news.test"
        assert mail.data.endswith(b"\r\n\r\n.a line that begins with a dot\r\n..\r\n")
        assert server.connections <= CONNECTIONS
        assert send(database, server.relay).results == {}
    assert {row.state for row in rows(database)} == {State.SENT}
    assert {row.settled_at for row in rows(database)} == {SLOT}


def test_nothing_new_is_skipped_with_its_reason(database: Database, due: Due) -> None:
    due(3)
    with running() as server:
        assert send(database, server.relay, compose=lambda _: None).results == {Result.SKIPPED: 3}
        assert server.connections == 0
    assert {(row.state, row.reason) for row in rows(database)} == {(State.SKIPPED, NOTHING_NEW)}


def test_one_message_that_cannot_be_composed_holds_nobody_up(database: Database, due: Due) -> None:
    ids = due(3)

    def compose(row: Claimed) -> Message | None:
        if row.id == ids[1]:
            raise ValueError
        return letter(row)

    with running() as server:
        assert send(database, server.relay, compose=compose).results == {Result.SENT: 2, Result.LATER: 1}
    assert [row.state for row in rows(database)] == [State.SENT, State.DEFERRED, State.SENT]


def test_a_server_that_takes_few_connections_gets_all_the_mail(database: Database, due: Due) -> None:
    due(30)
    with running(most_connections=3) as server:
        assert send(database, server.relay).results == {Result.SENT: 30}
        assert set(recipients(server).values()) == {1}


def test_a_reply_that_was_received_is_settled_though_the_database_failed(database: Database, due: Due) -> None:
    due(3 * CONNECTIONS)
    unfinished = Unfinished()
    with running() as server:
        failing = FailingDatabase(database, lambda: bool(server.caught))
        with pytest.raises(ConnectionError):
            send(failing, server.relay, unfinished=unfinished)
        first = set(recipients(server))
        assert first
        assert sum(ended.outcome.result is Result.SENT for ended in unfinished.ends) == len(first)
        assert send(database, server.relay, unfinished=unfinished).results[Result.SENT] >= len(first)
        assert set(recipients(server).values()) == {1}
    with database.reading() as session:
        sent = select(Subscriber.email).join(Delivery).where(Delivery.state == State.SENT)
        assert set(session.exec(sent)) == set(recipients(server))


class FailingDatabase(Database):
    """A database that goes away at some moment."""

    def __init__(self, database: Database, is_gone: Callable[[], bool]) -> None:
        self._database = database
        self._is_gone = is_gone

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        if self._is_gone():
            raise ConnectionError
        with self._database.writing() as connection:
            yield connection


def test_a_silent_connection_does_not_hold_the_others_replies_up(
    database: Database, due: Due, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(3)
    monkeypatch.setattr("digestmail.deliveries.connection.REPLY_SECONDS", (0.5,) * 6)

    def behave(command: str, recipient: str) -> str | None:
        if command == "DOT" and recipient == "r0@example.org":
            time.sleep(2)
        return None

    with running(behave) as server:
        assert send(database, server.relay).results == {Result.SENT: 2, Result.DOUBT: 1}
    assert [row.state for row in rows(database)] == [State.DOUBT, State.SENT, State.SENT]


def test_a_refusal_stands_though_the_server_hangs_up_after_it(database: Database, due: Due) -> None:
    due(1)
    replies = {"RCPT": "550 5.1.1 no such user", "RSET": DROP}
    with running(lambda command, _: replies.get(command)) as server:
        assert send(database, server.relay).results == {Result.FAILED: 1}
    with database.reading() as session:
        assert session.exec(select(Suppression.reason)).all() == ["550 5.1.1 no such user"]


def test_after_days_without_a_server_nothing_old_is_sent(database: Database, due: Due) -> None:
    due(3)
    with running() as server:
        late = standing_still(SLOT + timedelta(days=3))
        assert send(database, server.relay, clock=late).results == {Result.EXPIRED: 3}
        assert server.caught == []


def test_a_temporary_refusal_comes_again_later(database: Database, due: Due) -> None:
    due(3)
    refused = ["r1@example.org"]

    def behave(command: str, recipient: str) -> str | None:
        if command == "RCPT" and recipient in refused:
            refused.remove(recipient)
            return "450 4.2.0 greylisted"
        return None

    with running(behave) as server:
        assert send(database, server.relay).results == {Result.SENT: 2, Result.LATER: 1}
        assert rows(database)[1].reason == "450 4.2.0 greylisted"
        assert send(database, server.relay).results == {}
        later = standing_still(SLOT + timedelta(minutes=5))
        assert send(database, server.relay, clock=later).results == {Result.SENT: 1}
        assert max(recipients(server).values()) == 1


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "DOT"])
def test_a_refusal_ends_with_the_servers_words(database: Database, due: Due, stage: str) -> None:
    due(3)

    def behave(command: str, recipient: str) -> str | None:
        return "554 5.7.1 not\twanted" if command == stage and recipient.startswith("r1@") else None

    with running(behave) as server:
        assert send(database, server.relay).results == {Result.SENT: 2, Result.FAILED: 1}
    assert (rows(database)[1].state, rows(database)[1].reason) == (State.FAILED, "554 5.7.1 not wanted")


def test_a_connection_lost_before_the_dot_is_tried_again_at_once(database: Database, due: Due) -> None:
    due(20)
    replies = iter([None, None, DROP, None, "421 4.3.2 closing"])

    def behave(command: str, recipient: str) -> str | None:
        return next(replies, None) if command == "MAIL" else None

    with running(behave) as server:
        assert send(database, server.relay).results == {Result.SENT: 20}
        assert set(recipients(server).values()) == {1}


def test_a_reply_lost_after_the_dot_comes_again_under_the_same_message_id(database: Database, due: Due) -> None:
    due(2)
    lost = ["r1@example.org"]

    def behave(command: str, recipient: str) -> str | None:
        if command == "DOT" and recipient in lost:
            lost.remove(recipient)
            return DROP
        return None

    with running(behave) as server:
        assert send(database, server.relay).results == {Result.SENT: 1, Result.DOUBT: 1}
        assert send(database, server.relay).results == {}
        assert (
            send(database, server.relay, clock=standing_still(SLOT + timedelta(seconds=30))).results[Result.SENT] == 1
        )
        again = [mail.data for mail in server.caught if mail.recipient == "r1@example.org"]
        assert len(again) == 2
        assert again[0] == again[1]


def test_who_leaves_while_the_body_is_on_its_way_gets_nothing(database: Database, due: Due) -> None:
    due(2)

    def behave(command: str, recipient: str) -> str | None:
        if command == "DATA" and recipient == "r0@example.org":
            with database.transaction() as session:
                session.get_one(Subscriber, 1).standing = Standing.UNSUBSCRIBED
        return None

    with running(behave) as server:
        assert send(database, server.relay).results == {Result.SENT: 1, Result.SKIPPED: 1}
        assert recipients(server) == {"r1@example.org": 1}
    assert (rows(database)[0].state, rows(database)[0].reason) == (State.SKIPPED, NOT_WANTED)


def test_an_unreachable_server_leaves_everything_due(database: Database, due: Due) -> None:
    due(3)
    report = send(database, Relay("127.0.0.1", free_port(), "plain"))
    assert "cannot be reached" in report.relay_error
    assert {(row.state, row.attempts) for row in rows(database)} == {(State.DUE, 0)}


def test_a_domain_that_refuses_us_is_left_alone_and_its_readers_wait(database: Database, due: Due) -> None:
    due(60)
    pauses, asked = Pauses(), 0

    def behave(command: str, recipient: str) -> str | None:
        nonlocal asked
        asked += command == "RCPT"
        return "550 5.7.1 your address is on our list" if command == "RCPT" else None

    with running(behave) as server:
        report = send(database, server.relay, pauses=pauses)
    assert report.results == {Result.FAILED: REFUSALS, Result.LATER: 60 - REFUSALS}
    assert asked <= REFUSALS + 3 * CONNECTIONS
    assert {row.due_at for row in rows(database) if row.state == State.DEFERRED} == {SLOT + timedelta(minutes=15)}
    with running() as server:
        clock = standing_still(SLOT + timedelta(minutes=16))
        assert send(database, server.relay, pauses=pauses, clock=clock).results == {Result.SENT: 60 - REFUSALS}
    with database.reading() as session:
        assert session.exec(select(Suppression)).all() == []


def test_a_server_that_refuses_the_sender_fails_nobody(database: Database, due: Due) -> None:
    due(3)
    with running(lambda command, _: "530 5.7.0 Authentication required" if command == "MAIL" else None) as server:
        report = send(database, server.relay)
    assert "refuses mail from b@news.test" in report.relay_error
    assert {row.state for row in rows(database)} == {State.DUE}


def test_starttls_is_required_of_a_server_elsewhere(database: Database, due: Due) -> None:
    due(1)
    with running() as server:
        report = send(database, Relay(server.relay.host, server.relay.port, "starttls"))
        assert "does not offer STARTTLS" in report.relay_error
        assert server.caught == []


def test_stopping_gives_the_rest_back(database: Database, due: Due) -> None:
    due(100)
    with running() as server:
        send(database, server.relay, stopping=lambda: len(server.caught) >= 20)
        assert 20 <= len(server.caught) < 40
        assert Counter(row.state for row in rows(database)) == {
            State.SENT: len(server.caught),
            State.DUE: 100 - len(server.caught),
        }


def test_an_earlier_workers_leftovers_are_sent_first_of_all(database: Database, due: Due) -> None:
    due(2)
    with database.transaction() as session:
        claim_id = open_claim(session.connection(), owner="nowhere |x|y|1|0")
        session.connection().execute(update(Delivery).values(state=State.DOTTED, claim_id=claim_id))
        session.connection().execute(update(Claim).values(leased_until_at=SLOT - timedelta(days=1)))
    with running() as server:
        assert send(database, server.relay).results == {Result.SENT: 2}
