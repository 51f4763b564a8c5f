"""The loop: claim a batch, send it in waves over a few connections, settle every one.

A wave offers one message on each connection, up to but without its dot. Then one transaction settles the wave before
and marks this one as dotted; then the dots of the marked ones go out together, and the connections of the others are
dropped. Nothing composes and transmits in one place: a message is a value before it meets a connection.
"""

import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, islice

import structlog

from digestmail.clock import Clock
from digestmail.deliveries import ledger
from digestmail.deliveries.ledger import Claimed, Ended
from digestmail.deliveries.outcome import NO_REPLY, Outcome, Reply, Result, outcome_of
from digestmail.deliveries.owner import this_process
from digestmail.deliveries.smtp import Connect, Connection, dot_replies
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from digestmail.store.database import Database

log = structlog.get_logger(__name__)

CONNECTIONS = 8

NOTHING_NEW = "nothing new in the reader's topics"
NOT_COMPOSED = Reply(451, "the message could not be composed; see the worker's log")

_CLAIMED_AT_ONCE = 200
_WAIT_FOR_RELAY = timedelta(seconds=30)

_SETTLE_WITHIN_SECONDS = 30

Compose = Callable[[Claimed], Message | None]


@dataclass(slots=True)
class SendReport:
    """How many tries ended how, and what kept the rest from being tried."""

    results: Counter[Result] = field(default_factory=Counter)
    relay_error: str = ""


class Sender:
    """Sends what is due until nothing is, or `stopping` says so.

    `unsettled` belongs to the process: ends that a failing database kept from being settled in one run are settled
    first in the next, since a reply that was received must not be forgotten.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        compose: Compose,
        connect: Connect,
        *,
        unsettled: list[Ended],
        stopping: Callable[[], bool] = lambda: False,
        on_progress: Callable[[SendReport], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._compose = compose
        self._connect = connect
        self._ended = unsettled
        self._stopping = stopping
        self._on_progress = on_progress
        self._owner = this_process()
        self._connections: list[Connection] = []
        self._width = CONNECTIONS
        self._report = SendReport()
        self._settled_at = time.monotonic()

    def run(self) -> SendReport:
        """Send everything that is due. A relay that cannot be reached ends the run; its error is in the report."""
        self._settle()
        with self._database.transaction() as session:
            reaped = ledger.reap(session)
            expired = ledger.expire(session, now=self._clock())
        self._report.results.update({Result.EXPIRED: expired} if expired else {})
        if reaped:
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
            messages = self._messages(name, claimed)
            while not self._stopping() and (wave := list(islice(messages, self._width))):
                messages = chain(self._send_wave(name, wave), messages)
        except RelayError as error:
            log.warning("the mail server does not take mail", error=str(error))
            self._report.relay_error = str(error)
            due_at = self._clock() + _WAIT_FOR_RELAY
        finally:
            self._settle()
            with self._database.transaction() as session:
                ledger.give_back(session, name, due_at=due_at)
        return bool(claimed)

    def _messages(self, name: str, claimed: list[Claimed]) -> Iterator[tuple[Claimed, Message]]:
        for row in claimed:
            if row.unwanted:
                self._end(name, row, Outcome(Result.SKIPPED, row.unwanted))
                continue
            try:
                message = self._compose(row)
            except Exception:
                log.exception("a message could not be composed", delivery=row.id)
                self._end(name, row, self._judge(row, NOT_COMPOSED))
                continue
            if message is None:
                self._end(name, row, Outcome(Result.SKIPPED, NOTHING_NEW))
            else:
                yield row, message

    def _send_wave(self, name: str, wave: list[tuple[Claimed, Message]]) -> list[tuple[Claimed, Message]]:
        """Send a wave; what found no connection comes back."""
        left = deque(wave)
        offered: dict[Connection, Claimed] = {}
        try:
            while left and (found := self._offer(left[0][1], busy=offered)):
                row, _ = left.popleft()
                connection, refusal = found
                if refusal is None:
                    offered[connection] = row
                else:
                    self._end(name, row, self._judge(row, refusal))
                if time.monotonic() - self._settled_at > _SETTLE_WITHIN_SECONDS:
                    self._settle()  # a slow server must not keep the wave before past its lease
            with self._database.transaction() as session:
                ledger.settle(session, self._ended, now=self._clock())
                won = ledger.mark(session, name, [row.id for row in offered.values()])
            self._note_settled()
        except BaseException:
            for connection in offered:
                connection.drop()
            raise
        for connection, row in offered.items():
            if row.id in won:
                connection.send_dot()
            else:
                connection.drop()
        for connection, reply in dot_replies([each for each, row in offered.items() if row.id in won]):
            row = offered[connection]
            self._end(name, row, self._judge(row, reply or NO_REPLY))
        return list(left)

    def _offer(self, message: Message, *, busy: Container[Connection]) -> tuple[Connection, Reply | None] | None:
        """Offer a message on a connection that is not busy; once more on another if the server hung up on us."""
        if (connection := self._free_connection(busy)) is None:
            return None
        refusal = connection.offer(message)
        if refusal is not None and not connection.alive:
            if (connection := self._free_connection(busy)) is None:
                return None
            refusal = connection.offer(message)
        return connection, refusal

    def _free_connection(self, busy: Container[Connection]) -> Connection | None:
        """A connection for the next message. None where the server takes no more of them: the wave is narrower then."""
        self._connections = [connection for connection in self._connections if connection.alive]
        for connection in self._connections:
            if connection not in busy:
                return connection
        try:
            self._connections.append(self._connect())
        except RelayError:
            if not self._connections:
                raise
            self._width = len(self._connections)
            return None
        return self._connections[-1]

    def _judge(self, row: Claimed, reply: Reply) -> Outcome:
        return outcome_of(reply, kind=row.kind, slot_at=row.slot_at, attempts=row.attempts, now=self._clock())

    def _end(self, name: str, row: Claimed, outcome: Outcome) -> None:
        self._ended.append(Ended(name, row.id, outcome))

    def _settle(self) -> None:
        if self._ended:
            with self._database.transaction() as session:
                ledger.settle(session, self._ended, now=self._clock())
        self._note_settled()

    def _note_settled(self) -> None:
        """After a commit: only now may the ends be forgotten."""
        self._report.results.update(ended.outcome.result for ended in self._ended)
        self._ended.clear()
        self._settled_at = time.monotonic()
        self._on_progress(self._report)
