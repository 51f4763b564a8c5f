"""A try of a claim: the mark before the dot, and its end."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam
from sqlmodel import and_, case, col, func, update

from digestmail.deliveries.ledger.claims import THE_CLAIM
from digestmail.deliveries.outcome import Outcome, Result
from digestmail.deliveries.readers import MAY_BE_WRITTEN_TO, suppress
from digestmail.deliveries.windows import ENDED, give_windows_back
from digestmail.store.columns import NOW, instant_parameter
from digestmail.store.database import PRESENT, among, aside
from digestmail.store.models import Delivery, is_in
from digestmail.store.statements import Call, Statement, run_together
from digestmail.store.states import State


class Ended(NamedTuple):
    """A try that ended, under the claim that made it."""

    claim_id: int
    delivery_id: int
    outcome: Outcome


_OURS = and_(among(col(Delivery.id)), aside(Delivery.claim_id, 0) == THE_CLAIM)


_MARK = Statement(
    update(Delivery)
    .where(_OURS, is_in(State.CLAIMED), MAY_BE_WRITTEN_TO)
    .values(state=State.DOTTED, dotted_at=PRESENT)
    .returning(col(Delivery.id))
)
_END = (
    update(Delivery)
    .where(_OURS)
    .values(state=bindparam("result"), reason=bindparam("why"), settled_at=NOW, claim_id=None)
)
_END_ALL = Statement(_END)
_END_AND_TELL = _END.returning(col(Delivery.id), *ENDED)
_SET_ASIDE = (
    update(Delivery)
    .where(_OURS)
    .values(
        state=bindparam("result"),
        reason=bindparam("why"),
        due_at=func.coalesce(instant_parameter("again"), Delivery.due_at),
        doubts=Delivery.doubts + case((bindparam("result") == State.DOUBT, 1), else_=0),
        set_aside_at=PRESENT,
        claim_id=None,
        crashes=0,
    )
)
_SET_ASIDE_AS = {Result.LATER: State.DEFERRED, Result.DOUBT: State.DOUBT, Result.HELD: State.HELD}


def mark(
    connection: Connection, claim_id: int, ids: Sequence[int], *, ended: Iterable[Ended] = (), now: datetime
) -> set[int]:
    """Write down, before their dots, that these deliveries are being sent; which of them may be.

    Not those that another claim took since, nor those whose subscriber left or was suppressed meanwhile. What has
    `ended` is settled on the way.
    """
    marking = (_MARK, {"the_claim": claim_id, "ids": ids})
    return {number for (number,) in run_together(connection, [*_settle_all_but_sent(connection, ended, now), marking])}


def settle(connection: Connection, ended: Iterable[Ended], *, now: datetime) -> None:
    """Write the ends of tries down, where their claims still hold the deliveries. A second time changes nothing.

    One statement for all that a claim sent, and one for each other outcome.
    """
    run_together(connection, _settle_all_but_sent(connection, ended, now))


def _settle_all_but_sent(connection: Connection, ended: Iterable[Ended], now: datetime) -> list[Call]:
    """Settle what ended in any other way than sent. The calls that are left settle what was sent."""
    sent: dict[int, list[int]] = {}
    others: dict[tuple[int, Outcome], list[int]] = {}
    for claim_id, delivery_id, outcome in ended:
        if outcome.result is Result.SENT:
            sent.setdefault(claim_id, []).append(delivery_id)
        else:
            others.setdefault((claim_id, outcome), []).append(delivery_id)
    for (claim_id, outcome), ids in others.items():
        values = {"the_claim": claim_id, "ids": ids, "why": outcome.reason or None}
        if (state := _SET_ASIDE_AS.get(outcome.result)) is not None:
            connection.execute(_SET_ASIDE, values | {"result": state, "again": outcome.due_at})
            continue
        values |= {"result": State(outcome.result), "now": now}
        if outcome.result == Result.EXPIRED or outcome.dead_address:
            rows = connection.execute(_END_AND_TELL, values).all()
            if outcome.result == Result.EXPIRED:
                give_windows_back(connection, [row[1:] for row in rows])
            if outcome.dead_address:
                suppress(connection, [row.subscriber_id for row in rows], outcome.reason, now=now)
        else:
            connection.execute(_END, values)
    values = {"result": State.SENT, "why": None, "now": now}
    return [(_END_ALL, values | {"the_claim": claim_id, "ids": ids}) for claim_id, ids in sent.items()]


_GIVE_BACK = (
    update(Delivery)
    .where(col(Delivery.claim_id) == THE_CLAIM, is_in(State.CLAIMED))
    .values(
        state=State.DUE,
        claim_id=None,
        attempts=Delivery.attempts - 1,
        due_at=func.coalesce(instant_parameter("again"), Delivery.due_at),
    )
)


def give_back(connection: Connection, claim_id: int, *, due_at: datetime | None = None) -> int:
    """Return what a claim holds and has not dotted; the try does not count. How many there were."""
    return connection.execute(_GIVE_BACK, {"the_claim": claim_id, "again": due_at}).rowcount
