"""Claims: a sender's hold on deliveries, which ends with its process whatever becomes of that.

A sender opens one claim for its whole run and renews its lease. A claim whose row is gone can take nothing more, so
whatever a claim holds is found by `reap` once its process is dead or its lease is over.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, insert, literal_column
from sqlmodel import case, col, delete, exists, func, select, update

from digestmail.deliveries.owner import is_dead
from digestmail.store.columns import BigId, Instant
from digestmail.store.database import among, present
from digestmail.store.models import Claim, Delivery, State, is_in

LEASE = timedelta(minutes=5)
"""How long a claim holds after it was opened or renewed when nobody can tell whether its process still runs."""

THE_CLAIM = bindparam("the_claim", type_=BigId)

FREE: dict[str, Any] = {"state": State.DUE, "claim_id": None}
"""The values of a delivery that anybody may claim."""


def open_claim(connection: Connection, *, owner: str) -> int:
    """Begin to hold deliveries, as the process that `this_process` names; the claim's number is never used again."""
    row = {"owner": owner, "leased_until_at": present(connection) + LEASE}
    return connection.execute(insert(Claim).values(row).returning(literal_column("id", Integer))).scalar_one()


_RENEW = update(Claim).where(col(Claim.id) == THE_CLAIM).values(leased_until_at=bindparam("until", type_=Instant))


def renew(connection: Connection, claim_id: int) -> bool:
    """Hold on for another `LEASE`. False where the claim was reaped meanwhile: it holds nothing any more."""
    until = present(connection) + LEASE
    return connection.execute(_RENEW, {"the_claim": claim_id, "until": until}).rowcount == 1


_CLOSE = delete(Claim).where(col(Claim.id) == THE_CLAIM, ~exists().where(col(Delivery.claim_id) == THE_CLAIM))


def close_claim(connection: Connection, claim_id: int) -> None:
    """End a claim that holds nothing any more. One that does is left to `reap`."""
    connection.execute(_CLOSE, {"the_claim": claim_id})


_OVER = delete(Claim).where(among(col(Claim.id)) | (col(Claim.leased_until_at) < bindparam("now", type_=Instant)))
_TAKE_BACK = (
    update(Delivery)
    .where(col(Delivery.claim_id).is_not(None), ~exists().where(col(Claim.id) == Delivery.claim_id))
    .values(
        **FREE,
        reason=case((is_in(State.DOTTED), "in doubt after a crash: sent again"), else_=col(Delivery.reason)),
    )
)


def reap(connection: Connection) -> int:
    """Take back what dead claims held: whose lease is over, or whose process is known to be gone. How many rows."""
    owners = connection.execute(select(Claim.id, Claim.owner)).all()
    dead = {owner for owner in {row.owner for row in owners} if is_dead(owner)}
    connection.execute(_OVER, {"ids": [row.id for row in owners if row.owner in dead], "now": present(connection)})
    return connection.execute(_TAKE_BACK).rowcount


def open_claims(connection: Connection) -> int:
    """How many claims hold: the senders at work."""
    living = select(func.count()).select_from(Claim).where(Claim.leased_until_at >= present(connection))
    return connection.execute(living).scalar_one()
