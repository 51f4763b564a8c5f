"""Asking for one message: the only place that makes rows of the ledger one at a time.

A room that wants a mail sent adds its row here, in its own transaction; the workers find it.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, update
from sqlmodel import Session, col

from digestmail.store.columns import BigId
from digestmail.store.models import Delivery, Edition
from digestmail.store.states import Kind, State

PRIORITY = {
    Kind.CONFIRMATION: 0,
    Kind.REMINDER: 0,
    Kind.ACCESS: 0,
    Kind.MOVE: 0,
    Kind.MOVING: 0,
    Kind.WELCOME: 1,
    Kind.COPY: 1,
    Kind.DIGEST: 2,
}
"""Smaller goes first: somebody is waiting for a letter."""

_COUNT = (
    update(Edition)
    .where(col(Edition.id) == bindparam("edition", type_=BigId))
    .values(planned=Edition.planned + bindparam("more", type_=Integer))
)


def ask_for(session: Session, kind: Kind, subscriber_id: int, *, now: datetime, edition_id: int | None = None) -> None:
    """Add a delivery of a letter, a welcome or a copy, which is due at once; a copy is that of an edition."""
    session.add(Delivery(**new_delivery(kind, subscriber_id, slot_at=now, now=now, edition_id=edition_id)))
    if edition_id is not None:
        count_planned(session.connection(), edition_id, 1)


def count_planned(connection: Connection, edition_id: int, more: int) -> None:
    """Write down that so many more deliveries of an edition were planned, in the transaction that adds them."""
    connection.execute(_COUNT, {"edition": edition_id, "more": more})


def new_delivery(
    kind: Kind,
    subscriber_id: int,
    *,
    slot_at: datetime,
    now: datetime,
    scheduled_day: date | None = None,
    edition_id: int | None = None,
) -> dict[str, Any]:
    """The columns of a delivery that is due at its slot. Digests, and they alone, have a scheduled day: one each."""
    return {
        "kind": kind,
        "subscriber_id": subscriber_id,
        "scheduled_day": scheduled_day,
        "slot_at": slot_at,
        "edition_id": edition_id,
        "priority": PRIORITY[kind],
        "state": State.DUE,
        "due_at": slot_at,
        "attempts": 0,
        "created_at": now,
    }
