"""Addresses that must not be written to: listed, and suppressed or lifted by hand with a reason that is kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from digestmail.address import parse_address
from digestmail.errors import InputError
from digestmail.store.database import insert_new
from digestmail.store.models import LiftedSuppression, Subscriber, Suppression

BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """One suppressed address."""

    address: str
    reason: str
    since: datetime


def suppressions(session: Session, *, limit: int) -> list[SuppressionRow]:
    """The suppressed addresses, the newest first."""
    rows = (
        select(Suppression, Subscriber.email)
        .outerjoin(Subscriber, col(Subscriber.email_key) == Suppression.email_key)
        .order_by(col(Suppression.created_at).desc(), col(Suppression.email_key))
        .limit(limit)
    )
    return [SuppressionRow(email or row.email_key, row.reason, row.created_at) for row, email in session.exec(rows)]


def suppress_by_hand(session: Session, email: str, *, reason: str, now: datetime) -> None:
    """Suppress an address, a subscriber's or not. Raises InputError where it is suppressed or the reason is missing."""
    key = parse_address(email).key
    row = {"email_key": key, "reason": f"{BY_HAND}: {_given(reason)}", "created_at": now}
    if not insert_new(session.connection(), Suppression, [row]):
        raise InputError(f"{email} is suppressed already. `digestmail suppressions` says why.", field="email")


def lift(session: Session, email: str, *, reason: str, now: datetime) -> str:
    """Let an address be written to again, as far as its owner wants that; why it had been suppressed.

    Soft bounces are counted anew from here. Raises InputError where it is not suppressed or the reason is missing.
    """
    given = _given(reason)
    suppression = session.get(Suppression, parse_address(email).key, with_for_update=True)
    if suppression is None:
        raise InputError(f"{email} is not suppressed. `digestmail suppressions` lists who is.", field="email")
    session.add(
        LiftedSuppression(
            email_key=suppression.email_key,
            reason=suppression.reason,
            created_at=suppression.created_at,
            lifted_at=now,
            lifted_for=given,
        )
    )
    session.delete(suppression)
    return suppression.reason


def _given(reason: str) -> str:
    """A reason in one line."""
    if not (words := " ".join(reason.split())):
        raise InputError("Say why, with --reason “…”: it is kept beside the address.", field="reason")
    return words[:300]
