"""What somebody outside the conversation decides: of deliveries in doubt, and of those that are held."""

from datetime import datetime

from sqlalchemy import Connection, bindparam
from sqlmodel import col, delete, func, update

from digestmail.deliveries.outcome import Outcome, Result
from digestmail.deliveries.readers import suppress
from digestmail.store.columns import instant_parameter
from digestmail.store.database import PRESENT, among, aside
from digestmail.store.models import Claim, Delivery, is_in
from digestmail.store.states import ENDS, State

RELEASED = "released by hand"

_RESOLVE = (
    update(Delivery)
    .where(among(col(Delivery.id)), aside(Delivery.state, "") == bindparam("from_state"))
    .values(
        state=bindparam("to_state"),
        reason=bindparam("why"),
        settled_at=instant_parameter("end"),
        due_at=func.coalesce(instant_parameter("again"), Delivery.due_at),
    )
    .returning(col(Delivery.subscriber_id))
)


def resolve(connection: Connection, delivery_id: int, outcome: Outcome, *, now: datetime) -> bool:
    """Settle a delivery in doubt, as something outside the conversation tells; whether it still was in doubt.

    LATER sends it again, when `due_at` of the outcome or else of the doubt has come.
    """
    state = State.DUE if outcome.result is Result.LATER else State(outcome.result)
    return _move(connection, delivery_id, State.DOUBT, state, outcome, now=now)


def release(connection: Connection, delivery_id: int, *, now: datetime) -> bool:
    """Let a held delivery be sent after all, however old it is; whether it was held."""
    moved = _move(connection, delivery_id, State.HELD, State.DUE, Outcome(Result.LATER, RELEASED, due_at=now), now=now)
    if moved:
        connection.execute(_FORGIVE, {"ids": [delivery_id]})
    return moved


def drop(connection: Connection, delivery_id: int, *, now: datetime) -> bool:
    """End a held delivery unsent; whether it was held."""
    outcome = Outcome(Result.SKIPPED, "dropped by hand")
    return _move(connection, delivery_id, State.HELD, State.SKIPPED, outcome, now=now)


_FORGIVE = update(Delivery).where(among(col(Delivery.id))).values(attempts=0, crashes=0)


def _move(
    connection: Connection, delivery_id: int, from_state: State, to_state: State, outcome: Outcome, *, now: datetime
) -> bool:
    values = {
        "ids": [delivery_id],
        "from_state": from_state,
        "to_state": to_state,
        "why": outcome.reason,
        "end": now if to_state in ENDS else None,
        "again": outcome.due_at,
    }
    moved = list(connection.execute(_RESOLVE, values).scalars())
    if moved and outcome.dead_address:
        suppress(connection, moved, outcome.reason, now=now)
    return bool(moved)


_HAD_BEEN_OPEN = (State.DUE, State.DEFERRED, State.CLAIMED, State.DOTTED)
_DOUBT_ALL = (
    update(Delivery)
    .where(col(Delivery.state).in_(_HAD_BEEN_OPEN))
    .values(
        state=State.DOUBT,
        reason="open in a database that was put back",
        claim_id=None,
        dotted_at=func.coalesce(Delivery.dotted_at, Delivery.slot_at),
        doubts=Delivery.doubts + 1,
        set_aside_at=PRESENT,
    )
)
_HOLD_ALL = (
    update(Delivery)
    .where(is_in(State.DOUBT))
    .values(state=State.HELD, reason="in doubt: the mail server may have it", set_aside_at=PRESENT)
)


def doubt_what_is_open(connection: Connection) -> int:
    """Put in doubt whatever is open, in a database that was put back: it may have been sent since. How many rows."""
    connection.execute(delete(Claim))
    return connection.execute(_DOUBT_ALL).rowcount


def hold_doubts(connection: Connection) -> int:
    """Hold whatever is in doubt; how many rows."""
    return connection.execute(_HOLD_ALL).rowcount
