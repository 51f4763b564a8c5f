"""Who left lately and why, as the operator sees it: figures and lines, without addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from digestmail.store.models import ConsentEvent
from digestmail.subscribers.consent import Event
from digestmail.subscribers.departure import BETWEEN, Reason, word_and_line

_LATELY = timedelta(days=90)
_LINES = 10


@dataclass(frozen=True, slots=True)
class Line:
    """What one reader wrote."""

    at: datetime
    word: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Departures:
    """The unsubscribing of the last `days`."""

    days: int
    left: int
    reasons: Mapping[Reason, int]
    """How many gave each reason, of those that were given."""
    lines: tuple[Line, ...]
    """The newest few."""


def departures(session: Session, *, now: datetime) -> Departures:
    """Count who left in the days before `now`."""
    reason = col(ConsentEvent.reason)
    lately = (ConsentEvent.event == Event.UNSUBSCRIBED, col(ConsentEvent.at) > now - _LATELY)
    counts = [func.count().filter(reason.startswith(word)) for word in Reason]
    left, *numbers = session.execute(select(func.count(), *counts).where(*lately)).one()
    lines = session.exec(
        select(ConsentEvent.at, ConsentEvent.reason)
        .where(*lately, reason.contains(BETWEEN))
        .order_by(col(ConsentEvent.id).desc())
        .limit(_LINES)
    )
    return Departures(
        days=_LATELY.days,
        left=left,
        reasons={word: number for word, number in zip(Reason, numbers, strict=True) if number},
        lines=tuple(Line(at, *word_and_line(kept)) for at, kept in lines),
    )
