"""What happens to deliveries that nobody is at: dead claims are reaped, what is too old or overtaken expires."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, bindparam
from sqlmodel import and_, case, col, exists, func, or_, update

from digestmail.deliveries.ledger.claims import end_claims_of_the_dead
from digestmail.deliveries.ledger.resolve import RELEASED
from digestmail.deliveries.outcome import CRASHES, GIVE_UP_AFTER, too_late
from digestmail.deliveries.windows import ENDED, give_windows_back
from digestmail.store.columns import NOW, instant_parameter
from digestmail.store.database import PRESENT, among, aside, hold_back_news
from digestmail.store.models import WAITING, Claim, Delivery, is_in
from digestmail.store.states import Kind, State


def _of(kind: Kind) -> ColumnElement[bool]:
    return col(Delivery.kind) == kind


_NEVER_TRIED = col(Delivery.attempts) == 0
_IS_DIGEST = _of(Kind.DIGEST)
_TOO_LATE: Any = (_NEVER_TRIED & _IS_DIGEST, bindparam("too_late"))
_EXPIRE = (
    update(Delivery)
    .where(
        WAITING,
        func.coalesce(Delivery.reason, "") != RELEASED,
        or_(
            and_(_IS_DIGEST, _NEVER_TRIED, col(Delivery.slot_at) < instant_parameter("late")),
            *(
                and_(col(Delivery.kind) == kind, col(Delivery.slot_at) < instant_parameter(f"oldest_{kind}"))
                for kind in Kind
            ),
        ),
    )
    .values(
        state=State.EXPIRED,
        settled_at=NOW,
        reason=case(_TOO_LATE, else_=func.coalesce(Delivery.reason, "not sent in time")),
    )
    .returning(*ENDED)
)


def expire(connection: Connection, *, now: datetime, catch_up: timedelta) -> int:
    """End what has been due for too long, such as while the mail server was away; how many deliveries.

    A digest that no try was made of within `catch_up` of its slot, and whatever was tried for `GIVE_UP_AFTER` in vain.
    """
    hold_back_news(connection)  # a planner locks the same rows the other way round: first readers, then deliveries
    oldest = {f"oldest_{kind}": now - limit for kind, limit in GIVE_UP_AFTER.items()}
    ended = connection.execute(
        _EXPIRE, {"now": now, "late": now - catch_up, "too_late": too_late(catch_up), **oldest}
    ).all()
    give_windows_back(connection, ended)
    return len(ended)


_REPLACE = (
    update(Delivery)
    .where(
        among(col(Delivery.subscriber_id)),
        col(Delivery.scheduled_day) >= bindparam("since_day", type_=Date),
        aside(Delivery.state, "").in_((State.DUE, State.DEFERRED)),
    )
    .values(state=State.EXPIRED, settled_at=NOW, reason="the next digest took its place")
    .returning(*ENDED)
)


def replace(connection: Connection, subscriber_ids: Sequence[int] | str, *, since_day: date, now: datetime) -> int:
    """End digests that still wait when the next is planned, which starts where they did; how many."""
    values = {"ids": subscriber_ids, "since_day": since_day, "now": now}
    ended = connection.execute(_REPLACE, values).all()
    return give_windows_back(connection, ended, whatever_came_since=True)


_DIED = Delivery.crashes + 1
_REAP = (
    update(Delivery)
    .where(col(Delivery.claim_id).is_not(None), ~exists().where(col(Claim.id) == Delivery.claim_id))
    .values(
        claim_id=None,
        crashes=_DIED,
        state=case((_DIED >= CRASHES, State.HELD), (is_in(State.DOTTED), State.DOUBT), else_=State.DUE),
        doubts=Delivery.doubts + case((is_in(State.DOTTED), 1), else_=0),
        set_aside_at=PRESENT,
        reason=case(
            (_DIED >= CRASHES, f"quarantined: {CRASHES} workers died with it in hand"),
            (is_in(State.DOTTED), "its worker died between the mark and the answer"),
            else_=col(Delivery.reason),
        ),
    )
    .returning(col(Delivery.state))
)


def reap(connection: Connection) -> Counter[State]:
    """Take back what dead claims held: whose process is gone, or whose lease is over. In which states it is now."""
    end_claims_of_the_dead(connection)
    return Counter(map(State, connection.execute(_REAP).scalars()))
