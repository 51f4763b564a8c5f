"""Workers show that they live: a row each, by the database's clock, for the operator and for whoever must know."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlmodel import col, delete, or_, select, update

from digestmail.deliveries.owner import Life, look
from digestmail.store.columns import NOW
from digestmail.store.database import PRESENT, insert_new, present
from digestmail.store.models import WAITING, Delivery, Subscriber, Worker

SEEN_LATELY = timedelta(minutes=1)
_FORGOTTEN_AFTER = timedelta(days=1)

_BEAT = update(Worker).where(col(Worker.owner) == bindparam("the_owner")).values(seen_at=PRESENT, looks=bindparam("n"))
_WORK: Any = select(
    or_(
        select(Delivery.id).where(WAITING, Delivery.due_at <= NOW).limit(1).exists(),
        select(Subscriber.id).where(col(Subscriber.next_send_at) <= NOW).limit(1).exists(),
    )
)


def beat(connection: Connection, owner: str, *, looks: int) -> None:
    """Note that a worker lives and how often it has looked; workers that are long gone are forgotten."""
    if connection.execute(_BEAT, {"the_owner": owner, "n": looks}).rowcount:
        return
    now = present(connection)
    connection.execute(delete(Worker).where(col(Worker.seen_at) < now - _FORGOTTEN_AFTER))
    insert_new(connection, Worker, [{"owner": owner, "started_at": now, "seen_at": now, "looks": looks}])


def leave(connection: Connection, owner: str) -> None:
    """Forget a worker that ends."""
    connection.execute(delete(Worker).where(col(Worker.owner) == owner))


def living(connection: Connection) -> Sequence[Worker]:
    """The workers that were seen lately and are not known to have ended since, the eldest first."""
    lately = present(connection) - SEEN_LATELY
    columns: Any = Worker.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it
    rows = connection.execute(select(*columns).where(col(Worker.seen_at) >= lately).order_by(col(Worker.started_at)))
    return [Worker(**row) for row in rows.mappings() if look(row["owner"]) is not Life.GONE]


def work_is_due(connection: Connection, *, now: datetime) -> bool:
    """Whether there is something to plan or to send."""
    return bool(connection.execute(_WORK, {"now": now}).scalar_one())
