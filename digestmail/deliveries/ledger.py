"""The ledger: every change of a delivery's state, and nothing else.

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
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, and_, case, col, exists, func, or_, select, update

from digestmail.deliveries.outcome import GIVE_UP_AFTER, Outcome, Result
from digestmail.deliveries.owner import is_dead
from digestmail.store.database import insert_new, present
from digestmail.store.models import Delivery, Edition, Kind, Standing, State, Subscriber, Subscription, Suppression

LEASE = timedelta(minutes=5)
"""How long a claim holds when nobody can tell whether its process still runs."""

DOTTED_LEASE = timedelta(minutes=15)
"""The same after the dot: a server may take ten minutes to answer it (RFC 5321 section 4.5.3.2.6)."""

OPEN = (State.DUE, State.CLAIMED, State.DOTTED)

_STANDING_FOR = {
    Kind.DIGEST: Standing.ACTIVE,
    Kind.WELCOME: Standing.ACTIVE,
    Kind.REMINDER: Standing.ACTIVE,
    Kind.CONFIRMATION: Standing.PENDING,
}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that one claim holds, with what is needed to compose it. `unwanted` says why it must not be sent."""

    id: int
    kind: Kind
    subscriber_id: int
    email: str
    slot_at: datetime
    scheduled_day: date
    edition_id: int | None
    attempts: int
    topics: frozenset[int]
    unwanted: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A try that ended, under the claim that made it."""

    claim: str
    delivery_id: int
    outcome: Outcome


def claim(session: Session, *, name: str, owner: str, now: datetime, limit: int) -> list[Claimed]:
    """Take up to `limit` due deliveries under the claim `name`; the most urgent first."""
    ids = (
        select(col(Delivery.id))
        .where(
            col(Delivery.state) == State.DUE,
            Delivery.due_at <= now,
            or_(Delivery.kind != Kind.WELCOME, col(Delivery.edition_id).is_not(None)),
        )
        .order_by(col(Delivery.priority), col(Delivery.due_at), col(Delivery.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = (
        session.connection()
        .execute(
            update(Delivery)
            .where(col(Delivery.id).in_(ids))
            .values(
                state=State.CLAIMED,
                claim=name,
                owner=owner,
                leased_until_at=present(session) + LEASE,
                attempts=Delivery.attempts + 1,
            )
            .returning(
                *map(
                    col,
                    (
                        Delivery.id,
                        Delivery.kind,
                        Delivery.subscriber_id,
                        Delivery.slot_at,
                        Delivery.scheduled_day,
                        Delivery.edition_id,
                        Delivery.attempts,
                        Delivery.priority,
                    ),
                )
            )
        )
        .all()
    )
    readers = _readers(session, {row.subscriber_id for row in taken})
    return [
        Claimed(
            id=row.id,
            kind=Kind(row.kind),
            subscriber_id=row.subscriber_id,
            email=(reader := readers[row.subscriber_id]).email,
            slot_at=row.slot_at,
            scheduled_day=row.scheduled_day,
            edition_id=row.edition_id,
            attempts=row.attempts,
            topics=reader.topics,
            unwanted=reader.unwanted(Kind(row.kind)),
        )
        for row in sorted(taken, key=lambda row: (row.priority, row.id))
    ]


def mark(session: Session, name: str, ids: Sequence[int]) -> set[int]:
    """Write down, before their dots, that these deliveries are being sent; which of them may be.

    Not those that another claim took since, nor those whose subscriber left or was suppressed meanwhile.
    """
    allowed = exists().where(
        col(Subscriber.id) == Delivery.subscriber_id,
        or_(
            *(
                and_(col(Delivery.kind) == kind, Subscriber.standing == standing)
                for kind, standing in _STANDING_FOR.items()
            )
        ),
        ~exists().where(col(Suppression.email_key) == Subscriber.email_key),
    )
    won = session.connection().execute(
        update(Delivery)
        .where(col(Delivery.id).in_(ids), col(Delivery.claim) == name, col(Delivery.state) == State.CLAIMED, allowed)
        .values(state=State.DOTTED, leased_until_at=present(session) + DOTTED_LEASE)
        .returning(col(Delivery.id))
    )
    return {row.id for row in won}


def settle(session: Session, ends: Iterable[Ended], *, now: datetime) -> None:
    """Write the ends of tries down, where their claims still hold the deliveries. A second time changes nothing."""
    for ended in ends:
        outcome = ended.outcome
        values: dict[str, object] = {"reason": outcome.reason or None, "claim": None, "owner": None}
        if outcome.result == Result.LATER:
            values |= {"state": State.DUE, "due_at": outcome.due_at}
        else:
            values |= {"state": State(outcome.result), "settled_at": now}
        held = session.connection().execute(
            update(Delivery)
            .where(col(Delivery.id) == ended.delivery_id, col(Delivery.claim) == ended.claim)
            .values(leased_until_at=None, **values)
        )
        if held.rowcount and outcome.result == Result.EXPIRED:
            _give_windows_back(session, [ended.delivery_id])
        if held.rowcount and outcome.dead_address:
            _suppress(session, ended.delivery_id, outcome.reason, now=now)


def give_back(session: Session, name: str, *, due_at: datetime | None = None) -> int:
    """Return what the claim `name` holds and has not dotted; the try does not count. How many there were."""
    held = update(Delivery).where(col(Delivery.claim) == name, col(Delivery.state) == State.CLAIMED)
    given = session.connection().execute(
        held.values(
            state=State.DUE,
            claim=None,
            owner=None,
            leased_until_at=None,
            attempts=Delivery.attempts - 1,
            due_at=due_at or Delivery.due_at,
        )
    )
    return given.rowcount


def reap(session: Session) -> int:
    """Take back what dead processes held: whose lease is over, or whose process is known to be gone. How many."""
    owners = session.exec(
        select(Delivery.owner).where(col(Delivery.state).in_((State.CLAIMED, State.DOTTED))).distinct()
    ).all()
    dead = [owner for owner in owners if owner and is_dead(owner)]
    taken = session.connection().execute(
        update(Delivery)
        .where(
            col(Delivery.state).in_((State.CLAIMED, State.DOTTED)),
            or_(col(Delivery.owner).in_(dead), col(Delivery.leased_until_at) < present(session)),
        )
        .values(
            state=State.DUE,
            claim=None,
            owner=None,
            leased_until_at=None,
            reason=case(
                (col(Delivery.state) == State.DOTTED, "in doubt after a crash: sent again"), else_=Delivery.reason
            ),
        )
    )
    return taken.rowcount


def expire(session: Session, *, now: datetime) -> int:
    """End what has been due for too long, such as while the mail server was away; how many deliveries."""
    too_old = (
        and_(col(Delivery.kind) == kind, Delivery.slot_at < now - limit) for kind, limit in GIVE_UP_AFTER.items()
    )
    ended = session.connection().execute(
        update(Delivery)
        .where(col(Delivery.state) == State.DUE, or_(*too_old))
        .values(state=State.EXPIRED, settled_at=now, reason=func.coalesce(Delivery.reason, "not sent in time"))
        .returning(col(Delivery.id))
    )
    ids = [row.id for row in ended]
    _give_windows_back(session, ids)
    return len(ids)


def summary(session: Session) -> dict[Kind, dict[State, int]]:
    """How many deliveries of each kind are in each state."""
    counts: dict[Kind, dict[State, int]] = {}
    grouped = select(Delivery.kind, Delivery.state, func.count()).group_by(Delivery.kind, Delivery.state)
    for kind, state, count in session.exec(grouped):
        counts.setdefault(Kind(kind), {})[State(state)] = count
    return counts


@dataclass(frozen=True, slots=True)
class _Reader:
    email: str
    standing: str
    suppressed: bool
    topics: frozenset[int]

    def unwanted(self, kind: Kind) -> str:
        if self.suppressed:
            return "the address is suppressed"
        if self.standing == _STANDING_FOR[kind]:
            return ""
        return "confirmed already" if kind == Kind.CONFIRMATION and self.standing == Standing.ACTIVE else self.standing


def _readers(session: Session, ids: set[int]) -> dict[int, _Reader]:
    topics: dict[int, set[int]] = {}
    chosen = select(Subscription.subscriber_id, Subscription.topic_id)
    for subscriber_id, topic_id in session.exec(chosen.where(col(Subscription.subscriber_id).in_(ids))):
        topics.setdefault(subscriber_id, set()).add(topic_id)
    rows = session.exec(
        select(Subscriber.id, Subscriber.email, Subscriber.standing, Suppression.email_key)
        .join(Suppression, col(Suppression.email_key) == Subscriber.email_key, isouter=True)
        .where(col(Subscriber.id).in_(ids))
    )
    return {
        number: _Reader(email, standing, suppressed is not None, frozenset(topics.get(number, ())))
        for number, email, standing, suppressed in rows
        if number is not None
    }


def _give_windows_back(session: Session, ids: Sequence[int]) -> None:
    """A digest that expired gives its window back, so that the next one shows its items."""
    windows = session.exec(
        select(Delivery.subscriber_id, Edition.since_at, Edition.cutoff_at)
        .join(Edition, col(Edition.id) == Delivery.edition_id)
        .where(col(Delivery.id).in_(ids), Delivery.kind == Kind.DIGEST)
    ).all()
    for subscriber_id, since_at, cutoff_at in windows:
        session.connection().execute(
            update(Subscriber)
            .where(col(Subscriber.id) == subscriber_id, col(Subscriber.window_start_at) == cutoff_at)
            .values(window_start_at=since_at)
        )


def _suppress(session: Session, delivery_id: int, reason: str, *, now: datetime) -> None:
    key = session.exec(
        select(Subscriber.email_key)
        .join(Delivery, col(Delivery.subscriber_id) == Subscriber.id)
        .where(Delivery.id == delivery_id)
    ).one()
    insert_new(session, Suppression, [{"email_key": key, "reason": reason, "created_at": now}])
