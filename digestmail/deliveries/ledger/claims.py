"""Claims: a sender's hold on deliveries, which ends with its process whatever becomes of that.

A sender opens one claim for its whole run and renews its lease. A claim whose row is gone can take nothing more, so
whatever a claim holds is found by `ledger.reap` once its process is dead or its lease is over.
"""

from datetime import timedelta

from sqlalchemy import Connection, Integer, bindparam, insert, literal_column
from sqlmodel import col, delete, func, select, update

from digestmail.deliveries.owner import Life, look
from digestmail.store.columns import BigId, Instant
from digestmail.store.database import among, present
from digestmail.store.models import Claim

LEASE = timedelta(minutes=5)
"""How long a claim holds after it was opened or renewed when nobody can tell whether its process still runs."""

THE_CLAIM = bindparam("the_claim", type_=BigId)


def open_claim(connection: Connection, *, owner: str) -> int:
    """Begin to hold deliveries, as the process that `this_process` names; the claim's number is never used again."""
    row = {"owner": owner, "leased_until_at": present(connection) + LEASE}
    return connection.execute(insert(Claim).values(row).returning(literal_column("id", Integer))).scalar_one()


_RENEW = update(Claim).where(col(Claim.id) == THE_CLAIM).values(leased_until_at=bindparam("until", type_=Instant))


def renew(connection: Connection, claim_id: int) -> bool:
    """Hold on for another `LEASE`. False where the claim was reaped meanwhile: it holds nothing any more."""
    until = present(connection) + LEASE
    return connection.execute(_RENEW, {"the_claim": claim_id, "until": until}).rowcount == 1


_CLOSE = delete(Claim).where(col(Claim.id) == THE_CLAIM)


def close_claim(connection: Connection, claim_id: int) -> None:
    """End a claim. What it still holds is found by `ledger.reap`."""
    connection.execute(_CLOSE, {"the_claim": claim_id})


_CLAIMS = select(Claim.id, Claim.owner, Claim.leased_until_at)
_OVER = delete(Claim).where(among(col(Claim.id)))


def end_claims_of_the_dead(connection: Connection) -> None:
    """End the claims whose process is gone, and those whose lease is over where it cannot be seen to run.

    A process that runs on this machine is not taken for dead however its clock is set; one that hangs is ended by its
    own watchdog.
    """
    now = present(connection)
    over = [
        row.id
        for row in connection.execute(_CLAIMS)
        if (life := look(row.owner)) is Life.GONE or (life is Life.UNKNOWN and row.leased_until_at < now)
    ]
    if over:
        connection.execute(_OVER, {"ids": over})


def open_claims(connection: Connection) -> int:
    """How many claims hold: the senders at work."""
    living = select(func.count()).select_from(Claim).where(Claim.leased_until_at >= present(connection))
    return connection.execute(living).scalar_one()
