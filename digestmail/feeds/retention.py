"""Forgets old items, and keeps a tombstone of each for as long as its feed lists it, or it would come back as new.

Frozen editions hold copies of what they show, so they lose nothing.
"""

from datetime import datetime

from sqlalchemy import Connection
from sqlmodel import col, delete, func, select

from digestmail.store.models import Item, ItemSource, ItemTopic

KEPT_OF_A_TOPIC = 50
"""So many of its newest items a topic keeps, however old they are: a welcome digest shows some of them."""


def prune(connection: Connection, *, before: datetime, limit: int = 500) -> int:
    """Forget items that were seen before an instant, and tombstones that no feed has listed since then.

    At most `limit` items at a time, so that nobody waits; call it again while it forgets something. Returns how many
    rows it deleted.
    """
    place, newer = ItemTopic.__table__.alias(), ItemTopic.__table__.alias()  # type: ignore[attr-defined]
    among_newest = (
        select(place.c.item_id)
        .where(
            place.c.item_id == Item.id,
            select(func.count())
            .where(newer.c.topic_id == place.c.topic_id, newer.c.seen_at > place.c.seen_at)
            .scalar_subquery()
            < KEPT_OF_A_TOPIC,
        )
        .correlate(Item)
    )
    old = select(Item.id).where(Item.seen_at < before, ~among_newest.exists()).limit(limit)
    forgotten = connection.execute(delete(Item).where(col(Item.id).in_(old))).rowcount
    unlisted = delete(ItemSource).where(col(ItemSource.item_id).is_(None), col(ItemSource.listed_at) < before)
    return forgotten + connection.execute(unlisted).rowcount
