"""What goes out next: planned, claimed and composed a little ahead of the mail server, and no more than that.

A batch is as large as goes out in about a second. So a confirmation that is asked for in the middle of a run is among
the next messages, however slow the mail server is, and a worker that dies holds little.
"""

import time
from collections import deque
from collections.abc import Callable

import structlog

from digestmail.clock import Clock
from digestmail.deliveries import ledger
from digestmail.deliveries.ledger import Claimed
from digestmail.deliveries.outcome import Outcome, Reply, Result, in_doubt, not_composed, outcome_of, put_off
from digestmail.deliveries.pauses import Pauses
from digestmail.deliveries.report import SendReport
from digestmail.messages.message import Message
from digestmail.store.database import Database

log = structlog.get_logger(__name__)

NOTHING_NEW = "nothing new in the reader's topics"
PAUSED = "the domain refuses our mail and is left alone for a while"

_SMALLEST_BATCH, _LARGEST_BATCH = 16, 200
_BATCH_SECONDS = 1.0
_LOOK_SECONDS = 5.0
"""How often a long run looks whether more has become due."""
_SUSPECTS_SECONDS = 0.1
"""The same while deliveries wait that worker after worker may have died of: only some of them go at a time."""

Compose = Callable[[Claimed], Message | None]
End = Callable[[Claimed, Outcome], None]


class Supply:
    """The messages of one claim, in the order of their urgency."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        claim_id: int,
        plan: Callable[[], int],
        compose: Compose,
        end: End,
        report: SendReport,
        pauses: Pauses,
    ) -> None:
        """`plan` plans some of what is due and says how many; `end` is told of what is not to be sent, and why."""
        self._database = database
        self._clock = clock
        self._claim_id = claim_id
        self._plan = plan
        self._compose = compose
        self._end = end
        self._report = report
        self._pauses = pauses
        self._claimed: deque[Claimed] = deque()
        self._composed: deque[tuple[Claimed, Message]] = deque()
        self._batch = _SMALLEST_BATCH
        self._all_is_claimed = True  # for all that is known
        self._suspects_wait = False
        self._claimed_at = self._look_at = self._plan_at = 0.0

    def __len__(self) -> int:
        """How many deliveries are in hand."""
        return len(self._claimed) + len(self._composed)

    @property
    def exhausted(self) -> bool:
        """Whether nothing is in hand and nothing more was due, nor to be planned, at the last look."""
        return self._all_is_claimed and not self._suspects_wait and not self and not self.may_plan

    @property
    def may_plan(self) -> bool:
        """Whether planning may find something to do."""
        return time.monotonic() >= self._plan_at

    def refill(self) -> None:
        """Claim the next batch before the last one is used up; where all is claimed, plan some more before."""
        now = time.monotonic()
        if 4 * len(self._claimed) > self._batch:
            return
        if self._all_is_claimed:
            if self.may_plan:
                self.plan_some()
            elif now < self._look_at:
                return
        if now - self._claimed_at < _BATCH_SECONDS / 2:
            self._batch = min(2 * self._batch, _LARGEST_BATCH)
        elif now - self._claimed_at > _BATCH_SECONDS:
            self._batch = max(self._batch // 2, _SMALLEST_BATCH)
        self._claimed_at, self._look_at = now, now + _LOOK_SECONDS
        with self._report.measured("ledger"), self._database.writing() as connection:
            claimed = ledger.claim(connection, self._claim_id, now=self._clock(), limit=self._batch)
            suspects = ledger.claim_suspects(connection, self._claim_id, now=self._clock())
        self._claimed.extend(claimed)
        self._claimed.extend(suspects or ())
        self._all_is_claimed = len(claimed) < self._batch
        self._suspects_wait = suspects != []
        if self._suspects_wait:
            self._look_at = now + _SUSPECTS_SECONDS

    def plan_some(self) -> int:
        """Plan some of what is due; how many. A failure keeps nobody from being sent what is planned already."""
        planned = 0
        try:
            with self._report.measured("plan"):
                planned = self._plan()
        except Exception:
            log.exception("planning failed; what is planned already goes out all the same")
        self._report.planned += planned
        self._plan_at = 0.0 if planned else time.monotonic() + _LOOK_SECONDS
        self._all_is_claimed = self._all_is_claimed and not planned
        return planned

    def take(self, count: int) -> list[tuple[Claimed, Message]]:
        """At most `count` messages, composed now. One more is made ready, so that it is known whether there is any."""
        with self._report.measured("compose"):
            while self._claimed and len(self._composed) <= count:
                row = self._claimed.popleft()
                if (message := self._message(row)) is not None:
                    self._composed.append((row, message))
        return [self._composed.popleft() for _ in range(min(count, len(self._composed)))]

    def put_back(self, row: Claimed) -> None:
        """A delivery that is to be offered once more, after those in hand: it may be what the server stumbles at."""
        self._claimed.append(row)

    def judge_dot(self, row: Claimed, reply: Reply | None) -> Outcome:
        """What the answer to the dot means for a delivery of ours, and what no answer means."""
        return self.judge(row, reply) if reply else in_doubt(attempts=row.attempts, now=self._clock())

    def judge(self, row: Claimed, reply: Reply) -> Outcome:
        """What a reply means for a delivery of ours, and for the others of its domain."""
        now = self._clock()
        if (until_at := self._pauses.hear(row.email, reply, now=now)) is not None:
            return put_off(str(reply), kind=row.kind, slot_at=row.slot_at, due_at=until_at)
        return outcome_of(reply, kind=row.kind, slot_at=row.slot_at, attempts=row.attempts, now=now)

    def _message(self, row: Claimed) -> Message | None:
        if row.unwanted:
            self._end(row, Outcome(Result.SKIPPED, row.unwanted))
            return None
        if self._pauses and (until_at := self._pauses.until(row.email, now=self._clock())):
            self._end(row, put_off(PAUSED, kind=row.kind, slot_at=row.slot_at, due_at=until_at))
            return None
        try:
            message = self._compose(row)
        except Exception as error:
            log.exception("a message could not be composed", delivery=row.id)
            self._end(row, not_composed(error, attempts=row.attempts, now=self._clock()))
            return None
        if message is None:
            self._end(row, Outcome(Result.SKIPPED, NOTHING_NEW))
        return message
