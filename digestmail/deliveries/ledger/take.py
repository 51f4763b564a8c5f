"""Taking deliveries under a claim: the most urgent that are due, and those apart that a worker may have died of."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import CTE, Connection, Integer, bindparam, literal_column
from sqlmodel import and_, col, func, or_, select, update

from digestmail.deliveries.copies import originals
from digestmail.deliveries.hidden import hidden_announcements
from digestmail.deliveries.ledger.claims import THE_CLAIM, renew
from digestmail.deliveries.readers import readers
from digestmail.store.columns import NOW
from digestmail.store.database import aside
from digestmail.store.models import WAITING, Delivery
from digestmail.store.statements import Statement
from digestmail.store.states import Kind, MailFormat, State


class Claimed(NamedTuple):
    """A delivery that a claim holds, with what is needed to compose it. `unwanted` says why it must not be sent."""

    id: int
    kind: Kind
    subscriber_id: int
    email: str
    slot_at: datetime
    day: date
    """A digest's scheduled day, of a copy that of what it repeats, else the slot's in UTC."""
    edition_id: int | None
    attempts: int
    topics: frozenset[int]
    unwanted: str
    locale: str = "en"
    hidden: frozenset[int] = frozenset()
    """The ids of the announcements that it does not show."""
    mail_format: str = MailFormat.HTML


_SUSPECT = and_(col(Delivery.crashes) > literal_column("0"), WAITING)


def _due(*, at_level: bool) -> Any:
    order = (col(Delivery.priority), col(Delivery.due_at), col(Delivery.id))
    return (
        select(Delivery.id)
        .where(
            WAITING,
            col(Delivery.priority) >= 0,  # as all are: so that the index is used whatever SQLite's statistics say
            Delivery.due_at <= NOW,
            or_(Delivery.kind != Kind.WELCOME, col(Delivery.edition_id).is_not(None)),
            (_SUSPECT & (col(Delivery.crashes) == bindparam("level", type_=Integer)))
            if at_level
            else aside(Delivery.crashes, 0) == 0,
        )
        .order_by(*order)
        .limit(bindparam("at_most", type_=Integer))
        .with_for_update(skip_locked=True)
    )


def _claim(due: CTE) -> Statement:
    return Statement(
        update(Delivery)
        .where(col(Delivery.id).in_(select(due.c.id)))
        .values(state=State.CLAIMED, claim_id=THE_CLAIM, attempts=Delivery.attempts + 1)
        .returning(
            col(Delivery.priority),
            col(Delivery.due_at),
            col(Delivery.id),
            col(Delivery.kind),
            col(Delivery.subscriber_id),
            col(Delivery.slot_at),
            col(Delivery.scheduled_day),
            col(Delivery.edition_id),
            col(Delivery.attempts),
        )
    )


_CLAIM = _claim(_due(at_level=False).cte("due"))
_CLAIM_SUSPECTS = _claim(_due(at_level=True).cte("due"))
_LEVEL = Statement(select(func.min(Delivery.crashes)).where(_SUSPECT, Delivery.due_at <= NOW))
_HAS_SUSPECTS = Statement(
    select(Delivery.id).where(Delivery.claim_id == THE_CLAIM, aside(Delivery.crashes, 0) > 0).limit(1)
)
_SUSPECTS_AT_ONCE = {1: 16, 2: 4}
"""By the crashes so far; from three on each goes alone, so nobody is held for the sake of another."""


_URGENCY = itemgetter(0, 1, 2)
_KINDS = {str(kind): kind for kind in Kind}
_NONE: frozenset[int] = frozenset()


def claim(connection: Connection, claim_id: int, *, now: datetime, limit: int) -> list[Claimed]:
    """Take up to `limit` due deliveries under a claim, whose lease is renewed; the most urgent first.

    Nothing where the claim was reaped meanwhile. The row of the claim stays locked until the commit, so that a reaper
    sees either none of these deliveries or the new lease.
    """
    if not renew(connection, claim_id):
        return []
    return _taken(connection, _CLAIM.rows(connection, {"the_claim": claim_id, "now": now, "at_most": limit}))


def claim_suspects(connection: Connection, claim_id: int, *, now: datetime) -> list[Claimed] | None:
    """Take a few of those that were in the hand of a worker that died, once the claim has ended the last few.

    Each of them may be what its worker died of. The fewer workers died, the more are taken together, and from the third
    crash on each goes alone. None where there are some and it is too early.
    """
    values = {"the_claim": claim_id, "now": now}
    level = _LEVEL.rows(connection, values)[0][0]
    if level is None or not renew(connection, claim_id):
        return []
    if _HAS_SUSPECTS.rows(connection, values):
        return None
    values |= {"level": level, "at_most": _SUSPECTS_AT_ONCE.get(level, 1)}
    return _taken(connection, _CLAIM_SUSPECTS.rows(connection, values))


def _taken(connection: Connection, taken: list[Sequence[Any]]) -> list[Claimed]:
    taken.sort(key=_URGENCY)
    known = readers(connection, [row[4] for row in taken])
    repeated = originals(connection, [row[2] for row in taken if row[3] == Kind.COPY])
    shown = [
        (repeated[row[2]].id, row[4], repeated[row[2]].slot_at) if row[2] in repeated else (row[2], row[4], row[5])
        for row in taken
        if row[7] is not None
    ]
    hidden = hidden_announcements(connection, shown)
    claimed: list[Claimed] = []
    for _, _, number, name, subscriber_id, slot_at, day, edition_id, attempts in taken:
        reader, kind = known[subscriber_id], _KINDS[name]
        original = repeated.get(number)
        claimed.append(
            Claimed(
                number,
                kind,
                subscriber_id,
                reader.email,
                slot_at,
                day or (original.day if original else slot_at.astimezone(UTC).date()),
                edition_id,
                attempts,
                reader.topics,
                reader.unwanted(kind),
                reader.locale,
                hidden.get(original.id if original else number, _NONE),
                reader.mail_format,
            )
        )
    return claimed
