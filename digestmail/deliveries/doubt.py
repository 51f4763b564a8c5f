"""Resolves deliveries in doubt: the next hop is asked, and where it cannot tell, the publisher's policy decides.

A message that is sent again has the same Message-ID and the same edition. Two workers may be at it at once: each
delivery is resolved once.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

import structlog
from sqlalchemy import Connection
from sqlmodel import col, func, select

from digestmail.clock import Clock
from digestmail.deliveries import ledger
from digestmail.deliveries.asking import Answer, Ask, Question, Verdict
from digestmail.deliveries.outcome import Outcome, Result, outcome_of
from digestmail.store.database import Database, present
from digestmail.store.models import Delivery, is_in
from digestmail.store.states import Kind, State

log = structlog.get_logger(__name__)

Policy = Literal["resend", "hold"]

_AT_ONCE = 1000
_PATIENCE = timedelta(minutes=5)
"""How long the next hop is asked before the policy decides, and how long where it has begun with the message."""
_PATIENCE_WHILE_PENDING = timedelta(hours=1)

_TAKEN = Outcome(Result.SENT, "in doubt, and the mail server's log has it")
_NOT_TAKEN = Outcome(Result.LATER, "in doubt, and the mail server did not take it: sent again")
_BY_POLICY = {
    "resend": Outcome(Result.LATER, "in doubt: sent again"),
    "hold": Outcome(Result.HELD, "in doubt: the mail server may have it"),
}
_UNKNOWN = Answer(Verdict.UNKNOWN)


class Doubt(NamedTuple):
    """A delivery in doubt."""

    id: int
    kind: Kind
    subscriber_id: int
    scheduled_day: date | None
    slot_at: datetime
    attempts: int
    dotted_at: datetime | None
    set_aside_at: datetime


_DOUBTS = (
    select(
        Delivery.id,
        Delivery.kind,
        Delivery.subscriber_id,
        Delivery.scheduled_day,
        Delivery.slot_at,
        Delivery.attempts,
        Delivery.dotted_at,
        func.coalesce(Delivery.set_aside_at, Delivery.dotted_at, Delivery.due_at),
    )  # type: ignore[call-overload]  # SQLModel knows selects of four columns at most
    .where(is_in(State.DOUBT))
    .order_by(col(Delivery.id))
    .limit(_AT_ONCE)
)


class Doubts:
    """Resolves what is in doubt, as far as that can be done now.

    `identify` gives the Message-ID of a doubt. Without `ask` the policy decides at once.
    """

    def __init__(
        self, database: Database, clock: Clock, *, identify: Callable[[Doubt], str], ask: Ask | None, policy: Policy
    ) -> None:
        self._database = database
        self._clock = clock
        self._identify = identify
        self._ask = ask
        self._policy = policy

    def resolve(self) -> Counter[Result]:
        """Ask, and settle what is decided; how many how. Nothing is locked while the next hop is asked."""
        with self._database.reading() as session:
            doubts = _doubts(session.connection())
            now = present(session.connection()) if doubts else self._clock()
        if not doubts:
            return Counter()
        answers = self._answers(doubts)
        decided = [
            (doubt, outcome)
            for doubt, answer in zip(doubts, answers, strict=True)
            if (outcome := self._outcome(doubt, answer, now=now)) is not None
        ]
        resolved: Counter[Result] = Counter()
        if decided:
            with self._database.writing() as connection:
                for doubt, outcome in decided:
                    if ledger.resolve(connection, doubt.id, outcome, now=self._clock()):
                        resolved[outcome.result] += 1
            log.warning("resolved deliveries in doubt", **{str(result): count for result, count in resolved.items()})
        return resolved

    def _answers(self, doubts: Sequence[Doubt]) -> list[Answer]:
        if self._ask is None:
            return [_UNKNOWN] * len(doubts)
        identities = [self._identify(doubt) for doubt in doubts]
        questions = [
            Question(identity, doubt.dotted_at or doubt.slot_at, doubt.set_aside_at)
            for identity, doubt in zip(identities, doubts, strict=True)
        ]
        try:
            found = self._ask(questions)
        except OSError as error:
            log.warning("the mail server cannot be asked; check DIGESTMAIL_ASK", error=str(error))
            return [_UNKNOWN] * len(doubts)
        return [found.get(identity, _UNKNOWN) for identity in identities]

    def _outcome(self, doubt: Doubt, answer: Answer, *, now: datetime) -> Outcome | None:
        """How a doubt ends; None while the next hop may still tell."""
        if answer.verdict is Verdict.TAKEN:
            if answer.bounce is None:
                return _TAKEN
            return outcome_of(
                answer.bounce, kind=doubt.kind, slot_at=doubt.slot_at, attempts=doubt.attempts, now=self._clock()
            )
        if answer.verdict is Verdict.NOT_TAKEN:
            return _NOT_TAKEN
        patience = _PATIENCE_WHILE_PENDING if answer.verdict is Verdict.PENDING else _PATIENCE
        if self._ask is not None and now < doubt.set_aside_at + patience:
            return None
        return _BY_POLICY[self._policy]


def _doubts(connection: Connection) -> list[Doubt]:
    return [Doubt(number, Kind(kind), *rest) for number, kind, *rest in connection.execute(_DOUBTS)]
