"""The loop: take from the supply, offer to the wire, mark before the dots, settle.

When about half of the messages under way have their bodies out, these make a wave: one transaction settles the tries
that have ended since the wave before and marks this one as dotted, and then its dots go out, each with the next
message's envelope behind it. Planning, claiming and composing happen while the mail server is busy. Nothing composes
and transmits in one place: a message is a value before it meets the wire.
"""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from digestmail.clock import Clock
from digestmail.deliveries import ledger
from digestmail.deliveries.events import Answered, Event, Ready, Refused, Returned
from digestmail.deliveries.ledger import Claimed, Ended
from digestmail.deliveries.outcome import NO_REPLY, Outcome, Result
from digestmail.deliveries.owner import this_process
from digestmail.deliveries.pauses import Pauses
from digestmail.deliveries.rate import Rate, Unlimited
from digestmail.deliveries.report import SendReport
from digestmail.deliveries.supply import Compose, Supply
from digestmail.deliveries.wire import Wire
from digestmail.errors import RelayError
from digestmail.settings import CATCH_UP
from digestmail.store.database import Database

log = structlog.get_logger(__name__)

NOT_WANTED = "unsubscribed or suppressed while it was on its way"
NOT_MARKED = "the database failed before the dot"
STOOD_STILL = "the worker stood still before the dot"

_WAIT_FOR_RELAY = timedelta(seconds=30)
_UPKEEP_SECONDS = 15.0
_GATHER_SECONDS = 0.005
"""How long a body waits at most for others to make a wave."""
_IDLE_SECONDS = 0.02
"""How long the mail server must be silent before there is time to plan more."""
_SETTLE_SECONDS = 1.0
_SETTLE_COUNT = 1000
_DRAIN_SECONDS = 10.0
_STALE_SECONDS = 60.0
"""A mark that took longer gets no dot: where the worker was stopped meanwhile, others may have sent the message."""
_OFFERS = 5
"""How often a message is offered in one run before it waits like one that was refused."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a failing database kept from being written in one run: the next begins with it.

    It belongs to the process, since a reply that was received must not be forgotten, and nobody takes from a claim
    while its process runs.
    """

    ends: list[Ended] = field(default_factory=list)
    claims: list[int] = field(default_factory=list)


class Sender:
    """Plans and sends what is due until nothing is, or `stopping` says so."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        compose: Compose,
        open_wire: Callable[[], Wire],
        *,
        unfinished: Unfinished,
        plan: Callable[[], int] = lambda: 0,
        resolve_doubts: Callable[[], object] = lambda: None,
        catch_up: timedelta = CATCH_UP,
        rate: Rate | None = None,
        pauses: Pauses | None = None,
        stopping: Callable[[], bool] = lambda: False,
        on_progress: Callable[[SendReport], None] = lambda _: None,
        on_loop: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._compose = compose
        self._open_wire = open_wire
        self._plan = plan
        self._resolve_doubts = resolve_doubts
        self._catch_up = catch_up
        self._rate: Rate = rate or Unlimited()
        self._pauses = Pauses() if pauses is None else pauses
        self._stopping = stopping
        self._on_progress = on_progress
        self._on_loop = on_loop
        self._report = SendReport()
        self._ended = unfinished.ends
        self._claims = unfinished.claims
        self._offered: dict[int, Claimed] = {}
        self._ready: list[int] = []
        self._dotted: dict[int, Claimed] = {}
        self._returns: Counter[int] = Counter()
        self._ready_at = self._settled_at = 0.0

    def run(self) -> SendReport:
        """Send everything that is due. A relay that cannot be reached ends the run; its error is in the report."""
        report = self._report
        self._finish()
        self._clean_up()
        with self._database.writing() as connection:
            self._claim_id = ledger.open_claim(connection, owner=this_process())
        self._claims.append(self._claim_id)
        self._supply = Supply(
            self._database,
            self._clock,
            claim_id=self._claim_id,
            plan=self._plan,
            compose=self._compose,
            end=self._end,
            report=report,
            pauses=self._pauses,
        )
        due_at = None
        self._wire = self._open_wire()
        self._upkeep_at = time.monotonic() + _UPKEEP_SECONDS
        try:
            self._send()
        except RelayError as error:
            log.warning("the mail server does not take mail", error=str(error))
            report.relay_error = str(error)
            due_at = self._clock() + _WAIT_FOR_RELAY
        finally:
            self._drain()
            self._wire.close()
            self._finish(due_at=due_at)
        while report.relay_error and not self._stopping() and self._supply.plan_some():
            pass  # what is due stands in the ledger also while nobody takes mail
        return report

    def _send(self) -> None:
        while not self._stopping():
            self._on_loop()
            self._supply.refill()
            self._offer()
            if not (self._offered or self._dotted or self._supply):
                if self._supply.exhausted:
                    return
                self._settle()
                continue
            with self._report.measured("wire"):
                events = self._wire.wait(self._patience(), wanted=len(self._supply))
            for event in events:
                self._take(event)
            self._close_wave()
            if time.monotonic() >= self._upkeep_at and not self._keep_claim():
                return
            if not events and self._supply.may_plan:
                self._supply.plan_some()

    def _offer(self) -> None:
        room = self._wire.room
        taken = self._supply.take(self._rate.grant(min(room, len(self._supply))) if room else 0)
        with self._report.measured("wire"):
            for row, message in taken:
                self._offered[row.id] = row
                self._wire.offer(row.id, message)

    def _patience(self) -> float:
        """Seconds to wait for the mail server when there is nothing else to do."""
        if self._ready:
            return _GATHER_SECONDS
        if self._supply.may_plan:
            return _IDLE_SECONDS
        return min(self._rate.patience or _SETTLE_SECONDS, _SETTLE_SECONDS)

    def _take(self, event: Event) -> None:
        tag = event.tag
        if isinstance(event, Ready):
            if not self._ready:
                self._ready_at = time.monotonic()
            self._ready.append(tag)
        elif isinstance(event, Answered):
            row = self._dotted.pop(tag)
            self._end(row, self._supply.judge_dot(row, event.reply))
        elif isinstance(event, Refused):
            row = self._offered.pop(tag)
            self._end(row, self._supply.judge(row, event.reply))
        else:
            self._offer_again(event)

    def _offer_again(self, event: Returned) -> None:
        row = self._offered.pop(event.tag)
        if event.tag in self._ready:
            self._ready.remove(event.tag)
        self._returns[event.tag] += 1
        if self._returns[event.tag] < _OFFERS:
            self._supply.put_back(row)
        else:
            self._end(row, self._supply.judge(row, event.reply or NO_REPLY))

    def _close_wave(self) -> None:
        """Mark and dot what is ready once it is about half of what is under way, or has waited for long enough."""
        now = time.monotonic()
        if self._ready and (2 * len(self._ready) >= len(self._offered) or now - self._ready_at >= _GATHER_SECONDS):
            won, otherwise = self._mark(), Outcome(Result.SKIPPED, NOT_WANTED)
            if time.monotonic() - now > _STALE_SECONDS:
                won, otherwise = set(), Outcome(Result.LATER, STOOD_STILL, due_at=self._clock())
            with self._report.measured("wire"):
                for tag in self._ready:
                    row = self._offered.pop(tag)
                    if tag in won:
                        self._dotted[tag] = row
                        self._wire.dot(tag)
                    else:
                        self._wire.drop(tag)
                        self._end(row, otherwise)
            self._ready.clear()
        elif len(self._ended) >= _SETTLE_COUNT or (self._ended and now - self._settled_at > _SETTLE_SECONDS):
            self._settle()

    def _mark(self) -> set[int]:
        """Settle what has ended and mark the wave, in one transaction; which of it may have their dots."""
        try:
            with self._report.measured("ledger"), self._database.writing() as connection:
                won = ledger.mark(connection, self._claim_id, self._ready, ended=self._ended, now=self._clock())
        except BaseException:
            later = Outcome(Result.LATER, NOT_MARKED, due_at=self._clock())
            for tag in self._ready:  # whether marked or not: they got no dot, so they are in no doubt
                self._end(self._offered[tag], later)
            raise
        self._note_settled()
        return won

    def _drain(self) -> None:
        """Take back what has no dot, and wait for the answers to the dots that are out."""
        for tag in self._offered:
            self._wire.drop(tag)
        self._offered.clear()
        self._ready.clear()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._dotted and (left := deadline - time.monotonic()) > 0:
            with suppress(RelayError):
                for event in self._wire.wait(left):
                    self._take(event)
        for row in self._dotted.values():
            self._end(row, self._supply.judge_dot(row, None))
        self._dotted.clear()

    def _end(self, row: Claimed, outcome: Outcome) -> None:
        self._ended.append(Ended(self._claim_id, row.id, outcome))

    def _settle(self) -> None:
        if self._ended:
            with self._report.measured("ledger"), self._database.writing() as connection:
                ledger.settle(connection, self._ended, now=self._clock())
        self._note_settled()

    def _finish(self, *, due_at: datetime | None = None) -> None:
        """Settle what has ended, and give back the rest of what our claims hold."""
        self._settle()
        if self._claims:
            with self._database.writing() as connection:
                for claim_id in self._claims:
                    ledger.give_back(connection, claim_id, due_at=due_at)
                    ledger.close_claim(connection, claim_id)
        self._claims.clear()

    def _note_settled(self) -> None:
        """After a commit: only now may the ends be forgotten."""
        self._report.results.update(ended.outcome.result for ended in self._ended)
        self._ended.clear()
        self._settled_at = time.monotonic()
        self._on_progress(self._report)

    def _clean_up(self) -> None:
        """Take back what dead workers held, end what is too old, and resolve what is in doubt."""
        with self._report.measured("ledger"), self._database.writing() as connection:
            reaped = ledger.reap(connection)
            expired = ledger.expire(connection, now=self._clock(), catch_up=self._catch_up)
        self._report.results.update({Result.EXPIRED: expired} if expired else {})
        if reaped:
            counts = {str(state): count for state, count in reaped.items()}
            log.warning("took back deliveries of workers that died", **counts)
        try:
            self._resolve_doubts()
        except Exception:
            log.exception("the doubts could not be resolved; the next look tries again")

    def _keep_claim(self) -> bool:
        """Show that we live, and look after those that do not; False where we were taken for dead."""
        self._upkeep_at = time.monotonic() + _UPKEEP_SECONDS
        with self._database.writing() as connection:
            held = ledger.renew(connection, self._claim_id)
        if not held:
            log.warning("this worker was taken for dead and lost its claim; the next look begins anew")
        self._clean_up()
        return held
