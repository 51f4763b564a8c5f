"""The ledger: every change of a delivery's state but its planning, and nothing else.

             ┌── give_back, reap ──┐
             ▼                     │
    (plan) due ──claim──> claimed ─┴─mark──> dotted ──settle──> sent
            │▲               │                 │
            │└── reap: in doubt, sent again ───┤
            │                └───── settle ────┴──> due again later · skipped · failed · expired
            └──expire, or the next digest is planned──> expired

`dotted` is written before the final dot of a message goes out (RFC 1047: between the dot and our note of the reply
nobody knows who has the message). So a crash leaves in doubt only rows that are dotted; they are sent again under the
same Message-ID, which receivers fold. The mark is a fence: it succeeds only for the claim that holds the row, and only
while the subscriber may be written to. Every planned delivery ends in exactly one of sent, skipped, failed, expired.

The statements are built once and their text never changes, so that SQLAlchemy and PostgreSQL keep them compiled.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import Connection, Integer, bindparam
from sqlmodel import and_, col, delete, func, or_, select, update

from digestmail.deliveries.claims import FREE, THE_CLAIM, close_claim, open_claim, open_claims, reap, renew
from digestmail.deliveries.outcome import GIVE_UP_AFTER, Outcome, Result
from digestmail.deliveries.readers import MAY_BE_WRITTEN_TO, readers
from digestmail.deliveries.windows import ENDED, give_windows_back
from digestmail.store.columns import Instant
from digestmail.store.database import among, aside, hold_back_news, insert_new
from digestmail.store.models import Delivery, Edition, Kind, State, Subscriber, Suppression, is_in
from digestmail.store.statements import Statement

__all__ = (
    "OPEN", "Claimed", "Ended", "claim", "close_claim", "expire", "give_back", "mark", "open_claim", "open_claims",
    "prune", "reap", "renew", "settle", "summary",
)  # fmt: skip

OPEN = (State.DUE, State.CLAIMED, State.DOTTED)


class Claimed(NamedTuple):
    """A delivery that a claim holds, with what is needed to compose it. `unwanted` says why it must not be sent."""

    id: int
    kind: Kind
    subscriber_id: int
    email: str
    slot_at: datetime
    day: date
    """A digest's scheduled day, else the slot's in UTC."""
    edition_id: int | None
    attempts: int
    topics: frozenset[int]
    unwanted: str


class Ended(NamedTuple):
    """A try that ended, under the claim that made it."""

    claim_id: int
    delivery_id: int
    outcome: Outcome


_NOW = bindparam("now", type_=Instant)

_HELD = and_(among(col(Delivery.id)), aside(Delivery.claim_id, 0) == THE_CLAIM)


_DUE = (
    select(Delivery.id)
    .where(
        is_in(State.DUE),
        col(Delivery.priority) >= 0,  # as all are: so that the index is used whatever SQLite's statistics say
        Delivery.due_at <= _NOW,
        or_(Delivery.kind != Kind.WELCOME, col(Delivery.edition_id).is_not(None)),
    )
    .order_by(col(Delivery.priority), col(Delivery.due_at), col(Delivery.id))
    .limit(bindparam("at_most", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = Statement(
    update(Delivery)
    .where(col(Delivery.id).in_(select(_DUE.c.id)))
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


_URGENCY = itemgetter(0, 1, 2)
_KINDS = {str(kind): kind for kind in Kind}


def claim(connection: Connection, claim_id: int, *, now: datetime, limit: int) -> list[Claimed]:
    """Take up to `limit` due deliveries under a claim, whose lease is renewed; the most urgent first.

    Nothing where the claim was reaped meanwhile. The row of the claim stays locked until the commit, so that a reaper
    sees either none of these deliveries or the new lease.
    """
    if not renew(connection, claim_id):
        return []
    taken = _CLAIM.rows(connection, {"the_claim": claim_id, "now": now, "at_most": limit})
    taken.sort(key=_URGENCY)
    known = readers(connection, [row[4] for row in taken])
    claimed: list[Claimed] = []
    for _, _, number, name, subscriber_id, slot_at, day, edition_id, attempts in taken:
        reader, kind = known[subscriber_id], _KINDS[name]
        claimed.append(
            Claimed(
                number,
                kind,
                subscriber_id,
                reader.email,
                slot_at,
                day or slot_at.astimezone(UTC).date(),
                edition_id,
                attempts,
                reader.topics,
                reader.unwanted(kind),
            )
        )
    return claimed


_MARK = Statement(
    update(Delivery)
    .where(_HELD, is_in(State.CLAIMED), MAY_BE_WRITTEN_TO)
    .values(state=State.DOTTED)
    .returning(col(Delivery.id))
)


def mark(connection: Connection, claim_id: int, ids: Sequence[int]) -> set[int]:
    """Write down, before their dots, that these deliveries are being sent; which of them may be.

    Not those that another claim took since, nor those whose subscriber left or was suppressed meanwhile.
    """
    return {number for (number,) in _MARK.rows(connection, {"the_claim": claim_id, "ids": ids})}


_END = (
    update(Delivery)
    .where(_HELD)
    .values(state=bindparam("result"), reason=bindparam("why"), settled_at=_NOW, claim_id=None)
)
_END_ALL = Statement(_END)
_END_AND_TELL = _END.returning(col(Delivery.id), *ENDED)
_PUT_OFF = (
    update(Delivery).where(_HELD).values(**FREE, reason=bindparam("why"), due_at=bindparam("again", type_=Instant))
)


def settle(connection: Connection, ends: Iterable[Ended], *, now: datetime) -> None:
    """Write the ends of tries down, where their claims still hold the deliveries. A second time changes nothing.

    One statement for all that a claim sent, and one for each other outcome.
    """
    sent: dict[int, list[int]] = {}
    others: dict[tuple[int, Outcome], list[int]] = {}
    for claim_id, delivery_id, outcome in ends:
        if outcome.result is Result.SENT:
            sent.setdefault(claim_id, []).append(delivery_id)
        else:
            others.setdefault((claim_id, outcome), []).append(delivery_id)
    for claim_id, ids in sent.items():
        _END_ALL.run(connection, {"the_claim": claim_id, "ids": ids, "result": State.SENT, "why": None, "now": now})
    for (claim_id, outcome), ids in others.items():
        values = {"the_claim": claim_id, "ids": ids, "why": outcome.reason or None}
        if outcome.result == Result.LATER:
            connection.execute(_PUT_OFF, values | {"again": outcome.due_at})
            continue
        values |= {"result": State(outcome.result), "now": now}
        if outcome.result == Result.EXPIRED or outcome.dead_address:
            ended = connection.execute(_END_AND_TELL, values).all()
            if outcome.result == Result.EXPIRED:
                give_windows_back(connection, [row[1:] for row in ended])
            if outcome.dead_address:
                _suppress(connection, [row.subscriber_id for row in ended], outcome.reason, now=now)
        else:
            connection.execute(_END, values)


_GIVE_BACK = (
    update(Delivery)
    .where(col(Delivery.claim_id) == THE_CLAIM, is_in(State.CLAIMED))
    .values(
        **FREE,
        attempts=Delivery.attempts - 1,
        due_at=func.coalesce(bindparam("again", type_=Instant), Delivery.due_at),
    )
)


def give_back(connection: Connection, claim_id: int, *, due_at: datetime | None = None) -> int:
    """Return what a claim holds and has not dotted; the try does not count. How many there were."""
    return connection.execute(_GIVE_BACK, {"the_claim": claim_id, "again": due_at}).rowcount


_EXPIRE = (
    update(Delivery)
    .where(
        is_in(State.DUE),
        or_(
            *(
                and_(col(Delivery.kind) == kind, col(Delivery.slot_at) < bindparam(f"oldest_{kind}", type_=Instant))
                for kind in Kind
            )
        ),
    )
    .values(state=State.EXPIRED, settled_at=_NOW, reason=func.coalesce(Delivery.reason, "not sent in time"))
    .returning(*ENDED)
)


def expire(connection: Connection, *, now: datetime) -> int:
    """End what has been due for too long, such as while the mail server was away; how many deliveries."""
    hold_back_news(connection)  # a planner locks the same rows the other way round: first readers, then deliveries
    oldest = {f"oldest_{kind}": now - limit for kind, limit in GIVE_UP_AFTER.items()}
    ended = connection.execute(_EXPIRE, {"now": now, **oldest}).all()
    give_windows_back(connection, ended)
    return len(ended)


_BEFORE = bindparam("before", type_=Instant)
_AT_MOST = bindparam("at_most", type_=Integer)
_FORGET = delete(Delivery).where(
    col(Delivery.id).in_(select(Delivery.id).order_by(col(Delivery.id)).limit(_AT_MOST)),
    col(Delivery.settled_at).is_not(None),
    col(Delivery.slot_at) < _BEFORE,
)
_FORGET_EDITIONS = delete(Edition).where(
    col(Edition.id).in_(
        select(Edition.id)
        .where(
            col(Edition.kind).in_((Kind.DIGEST, Kind.WELCOME)),
            col(Edition.slot_at) < _BEFORE,
            select(Delivery.id).where(Delivery.edition_id == Edition.id).limit(1).scalar_subquery().is_(None),
        )
        .limit(_AT_MOST)
    )
)


def prune(connection: Connection, *, before: datetime, limit: int = 1000) -> int:
    """Forget ended deliveries of slots before an instant, and then the editions of such slots that none names.

    It looks at the `limit` oldest deliveries only, so it costs little where there is nothing to forget, and is called
    again while it forgets something. `before` must leave a week: slots to come are reckoned from the last ones.
    Returns how many rows it deleted.
    """
    values = {"before": before, "at_most": limit}
    forgotten = connection.execute(_FORGET, values).rowcount
    return forgotten + connection.execute(_FORGET_EDITIONS, values).rowcount


def summary(connection: Connection) -> dict[Kind, dict[State, int]]:
    """How many deliveries of each kind are in each state."""
    counts: dict[Kind, dict[State, int]] = {}
    grouped = select(Delivery.kind, Delivery.state, func.count()).group_by(Delivery.kind, Delivery.state)
    for kind, state, count in connection.execute(grouped):
        counts.setdefault(Kind(kind), {})[State(state)] = count
    return counts


def _suppress(connection: Connection, subscriber_ids: Sequence[int], reason: str, *, now: datetime) -> None:
    keys = connection.execute(select(Subscriber.email_key).where(among(col(Subscriber.id))), {"ids": subscriber_ids})
    insert_new(
        connection, Suppression, [{"email_key": key, "reason": reason, "created_at": now} for key in keys.scalars()]
    )
