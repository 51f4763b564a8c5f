"""The loop: claim a batch, send it in waves over a few connections, settle every one.

A wave offers one message on each connection, up to but without its dot. Then one transaction settles the wave before
and marks this one as dotted; then the dots of the marked ones go out together, and the connections of the others are
dropped. Nothing composes and transmits in one place: a message is a value before it meets a connection.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice

import structlog
from sqlmodel import Session

from digestmail.clock import Clock
from digestmail.deliveries import ledger
from digestmail.deliveries.ledger import Claimed
from digestmail.deliveries.outcome import NO_REPLY, Outcome, Reply, Result, outcome_of
from digestmail.deliveries.owner import this_process
from digestmail.deliveries.smtp import Connect, Connection
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from digestmail.store.database import Database

log = structlog.get_logger(__name__)

CONNECTIONS = 8

NOTHING_NEW = "nothing new in the reader's topics"

_CLAIMED_AT_ONCE = 200
_WAIT_FOR_RELAY = timedelta(seconds=30)

Compose = Callable[[Claimed], Message | None]


@dataclass(slots=True)
class SendReport:
    """How many tries ended how, and what kept the rest from being tried."""

    results: Counter[Result] = field(default_factory=Counter)
    relay_error: str = ""


class Sender:
    """Sends what is due until nothing is, or `stopping` says so."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        compose: Compose,
        connect: Connect,
        *,
        stopping: Callable[[], bool] = lambda: False,
        on_progress: Callable[[SendReport], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._compose = compose
        self._connect = connect
        self._stopping = stopping
        self._on_progress = on_progress
        self._owner = this_process()
        self._connections: list[Connection] = []
        self._ended: list[tuple[int, Outcome]] = []
        self._report = SendReport()

    def run(self) -> SendReport:
        """Send everything that is due. A relay that cannot be reached ends the run; its error is in the report."""
        with self._database.transaction() as session:
            if reaped := ledger.reap(session):
                log.warning("took back deliveries of workers that died", deliveries=reaped)
        try:
            while not self._stopping() and not self._report.relay_error and self._send_batch():
                pass
        finally:
            for connection in self._connections:
                connection.quit()
        return self._report

    def _send_batch(self) -> bool:
        name = uuid.uuid4().hex
        with self._database.transaction() as session:
            claimed = ledger.claim(session, name=name, owner=self._owner, now=self._clock(), limit=_CLAIMED_AT_ONCE)
        due_at = None
        try:
            messages = self._messages(claimed)
            while not self._stopping() and (wave := list(islice(messages, CONNECTIONS))):
                self._send_wave(name, wave)
        except RelayError as error:
            log.warning("the mail server does not take mail", error=str(error))
            self._report.relay_error = str(error)
            due_at = self._clock() + _WAIT_FOR_RELAY
        finally:
            with self._database.transaction() as session:
                self._settle(session, name)
                ledger.give_back(session, name, due_at=due_at)
        return bool(claimed)

    def _messages(self, claimed: list[Claimed]) -> Iterator[tuple[Claimed, Message]]:
        for row in claimed:
            if row.unwanted:
                self._end(row, Outcome(Result.SKIPPED, row.unwanted))
                continue
            try:
                message = self._compose(row)
            except Exception:
                log.exception("a message could not be composed", delivery=row.id)
                self._end(row, self._judge(row, Reply(451, "the message could not be composed; see the worker's log")))
                continue
            if message is None:
                self._end(row, Outcome(Result.SKIPPED, NOTHING_NEW))
            else:
                yield row, message

    def _send_wave(self, name: str, wave: list[tuple[Claimed, Message]]) -> None:
        offered: list[tuple[Claimed, Connection]] = []
        try:
            for number, (row, message) in enumerate(wave):
                connection, refusal = self._offer(number, message)
                if refusal is None:
                    offered.append((row, connection))
                else:
                    self._end(row, self._judge(row, refusal))
            with self._database.transaction() as session:
                self._settle(session, name)
                won = ledger.mark(session, name, [row.id for row, _ in offered])
        except BaseException:
            for _, connection in offered:
                connection.drop()
            raise
        for row, connection in offered:
            if row.id in won:
                connection.send_dot()
            else:
                connection.drop()
        for row, connection in offered:
            if row.id in won:
                self._end(row, self._judge(row, connection.dot_reply() or NO_REPLY))

    def _offer(self, number: int, message: Message) -> tuple[Connection, Reply | None]:
        """Offer a message on the connection of that number; once more on a fresh one if the server hung up on us."""
        connection = self._connection(number)
        refusal = connection.offer(message)
        if refusal is not None and not connection.alive:
            connection = self._connection(number)
            refusal = connection.offer(message)
        return connection, refusal

    def _connection(self, number: int) -> Connection:
        if number == len(self._connections):
            self._connections.append(self._connect())
        elif not self._connections[number].alive:
            self._connections[number] = self._connect()
        return self._connections[number]

    def _judge(self, row: Claimed, reply: Reply) -> Outcome:
        return outcome_of(reply, kind=row.kind, slot_at=row.slot_at, attempts=row.attempts, now=self._clock())

    def _end(self, row: Claimed, outcome: Outcome) -> None:
        self._ended.append((row.id, outcome))

    def _settle(self, session: Session, name: str) -> None:
        ledger.settle(session, name, self._ended, now=self._clock())
        self._report.results.update(outcome.result for _, outcome in self._ended)
        self._ended = []
        self._on_progress(self._report)
