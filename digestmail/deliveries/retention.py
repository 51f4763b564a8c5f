"""Forgets what ended long ago: the ledger remembers for some months, and readers' links to editions last as long."""

from collections import Counter
from datetime import datetime

from sqlalchemy import Connection, Integer, bindparam
from sqlmodel import col, delete, select, update

from digestmail.store.columns import BigId, Instant
from digestmail.store.models import Delivery, Edition
from digestmail.store.states import Kind

_BEFORE = bindparam("before", type_=Instant)
_AT_MOST = bindparam("at_most", type_=Integer)
_FORGET = delete(Delivery).where(
    col(Delivery.id).in_(select(Delivery.id).order_by(col(Delivery.id)).limit(_AT_MOST)),
    col(Delivery.settled_at).is_not(None),
    col(Delivery.slot_at) < _BEFORE,
)
_COUNT_LESS = (
    update(Edition)
    .where(col(Edition.id) == bindparam("edition", type_=BigId))
    .values(planned=Edition.planned - bindparam("fewer", type_=Integer))
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
    forgotten = Counter(connection.execute(_FORGET.returning(col(Delivery.edition_id)), values).scalars())
    for edition, fewer in forgotten.items():
        connection.execute(_COUNT_LESS, {"edition": edition, "fewer": fewer})
    return forgotten.total() + connection.execute(_FORGET_EDITIONS, values).rowcount
