"""The accounts of the ledger: whatever was planned is somewhere, and what is held waits in a list."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from sqlmodel import col, func, select

from digestmail.deliveries.ledger import OPEN
from digestmail.store.models import Delivery, Edition, Subscriber
from digestmail.store.states import Kind, State


@dataclass(frozen=True, slots=True)
class Account:
    """The deliveries of one kind: planned = sent + skipped + expired + failed + held + open, or some are missing."""

    planned: int
    """Counted when they were planned, where they have an edition; the others have no count but their rows."""
    states: Mapping[State, int]
    """A number for every state."""
    doubted: int
    """How many were in doubt at some time, however they ended."""

    @property
    def open(self) -> int:
        """How many go on by themselves."""
        return sum(self.states[state] for state in OPEN)

    @property
    def missing(self) -> int:
        """How many were planned and are nowhere; below 0 where rows came from nowhere."""
        return self.planned - sum(self.states.values())


def summary(connection: Connection) -> dict[Kind, dict[State, int]]:
    """How many deliveries of each kind are in each state."""
    counts: dict[Kind, dict[State, int]] = {}
    grouped = select(Delivery.kind, Delivery.state, func.count()).group_by(Delivery.kind, Delivery.state)
    for kind, state, count in connection.execute(grouped):
        counts.setdefault(Kind(kind), {})[State(state)] = count
    return counts


def accounts(connection: Connection) -> dict[Kind, Account]:
    """The account of each kind of which something was planned. A copy that went missing shows with the digests.

    Its queries must see the same moment: use a session of `Database.reading(at_one_moment=True)`.
    """
    counted = select(Edition.kind, func.sum(Edition.planned)).group_by(Edition.kind)
    without = select(Delivery.kind, func.count()).where(col(Delivery.edition_id).is_(None)).group_by(Delivery.kind)
    copies = (
        select(Edition.kind, func.count())
        .join(Delivery, col(Delivery.edition_id) == Edition.id)
        .where(Delivery.kind == Kind.COPY)
        .group_by(Edition.kind)
    )
    planned: Counter[str] = Counter()
    for kind, count in [*connection.execute(counted), *connection.execute(without)]:
        planned[kind] += count
    for kind, count in connection.execute(copies):  # counted with the digests or welcomes that they repeat
        planned[kind] -= count
        planned[Kind.COPY] += count
    found = summary(connection)
    doubts = select(Delivery.kind, func.count()).where(Delivery.doubts > 0).group_by(Delivery.kind)
    doubted: dict[str, int] = dict(connection.execute(doubts).all())
    return {
        kind: Account(
            planned[kind],
            {state: found.get(kind, {}).get(state, 0) for state in State},
            doubted.get(kind, 0),
        )
        for kind in Kind
        if planned[kind] or kind in found
    }


def editions_that_differ(connection: Connection) -> Sequence[tuple[int, int, int]]:
    """The editions whose deliveries are not those that were planned: the edition, how many were, how many there are."""
    there = (
        select(Delivery.edition_id, func.count().label("count"))
        .where(col(Delivery.edition_id).is_not(None))
        .group_by(col(Delivery.edition_id))
        .subquery()
    )
    count = func.coalesce(there.c.count, 0)
    found = (
        select(Edition.id, Edition.planned, count)
        .outerjoin(there, there.c.edition_id == Edition.id)
        .where(col(Edition.planned) != count)
        .order_by(col(Edition.id))
    )
    return [(number, planned, existing) for number, planned, existing in connection.execute(found)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One delivery as the operator sees it."""

    id: int
    kind: str
    reader: str
    slot_at: datetime
    state: str
    attempts: int
    doubts: int
    """How often nobody knew whether the mail server had it."""
    reason: str | None


def listed(connection: Connection, states: Sequence[State], *, limit: int, doubted: bool = False) -> list[Listed]:
    """The deliveries in some states, the oldest first; if `doubted`, only those that were in doubt at some time."""
    columns: list[Any] = [
        Delivery.id,
        Delivery.kind,
        col(Subscriber.email).label("reader"),
        Delivery.slot_at,
        Delivery.state,
        Delivery.attempts,
        Delivery.doubts,
        Delivery.reason,
    ]
    rows = connection.execute(
        select(*columns)
        .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
        .where(col(Delivery.state).in_(states), col(Delivery.doubts) >= int(doubted))
        .order_by(col(Delivery.id))
        .limit(limit)
    )
    return [Listed(**row) for row in rows.mappings()]
