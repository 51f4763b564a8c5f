"""Forgets what ended long ago: the ledger remembers for some months, and readers' links to editions last as long."""

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import Connection, Integer, bindparam
from sqlmodel import col, delete, select, update

from digestmail.store.columns import BigId, Instant
from digestmail.store.models import Bounce, Delivery, Edition
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

_FORGET_BOUNCES = delete(Bounce).where(
    col(Bounce.id).in_(select(Bounce.id).order_by(col(Bounce.id)).limit(_AT_MOST)), col(Bounce.at) < _BEFORE
)
_BOUNCES_LONGER = timedelta(days=31)
"""Soft bounces of several weeks count together, also where the ledger remembers only one."""


def prune(connection: Connection, *, before: datetime, limit: int = 1000) -> int:
    """Forget ended deliveries of slots before an instant, and then the editions of such slots that none names; and what
    came back a month before that.

    It looks at the `limit` oldest of each only, so it costs little where there is nothing to forget, and is called
    again while it forgets something. `before` must leave a week: slots to come are reckoned from the last ones.
    Returns how many rows it deleted.
    """
    values = {"before": before, "at_most": limit}
    forgotten = Counter(connection.execute(_FORGET.returning(col(Delivery.edition_id)), values).scalars())
    for edition, fewer in forgotten.items():
        connection.execute(_COUNT_LESS, {"edition": edition, "fewer": fewer})
    editions = connection.execute(_FORGET_EDITIONS, values).rowcount
    bounces = connection.execute(_FORGET_BOUNCES, values | {"before": before - _BOUNCES_LONGER}).rowcount
    return forgotten.total() + editions + bounces
