"""Forgets old items, and keeps a tombstone of each for as long as its feed lists it, or it would come back as new.

Frozen editions hold copies of what they show, so they lose nothing.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection
from sqlmodel import col, delete, func, select

from digestmail.store.models import Feed, Item, ItemSource, ItemTopic

KEPT_AT_LEAST = timedelta(days=31)
"""Younger items may still be news to somebody who reads once a week and whose last digest did not come."""
KEPT_OF_A_TOPIC = 50
"""So many of its newest items a topic keeps, however old they are: a welcome digest shows some of them."""


def prune(connection: Connection, *, before: datetime, limit: int = 500) -> int:
    """Forget items that were seen before an instant, and tombstones that their feed has not listed since then.

    What stands in a feed's last document is listed, however long ago that was: it may be unchanged. At most `limit`
    items go at a time, so that nobody waits; call it again while it forgets something. Returns how many rows went.
    """
    place, newer = ItemTopic.__table__.alias(), ItemTopic.__table__.alias()  # type: ignore[attr-defined]
    last_kept = (
        select(newer.c.seen_at)
        .where(newer.c.topic_id == place.c.topic_id)
        .order_by(newer.c.seen_at.desc())
        .offset(KEPT_OF_A_TOPIC - 1)
        .limit(1)
        .scalar_subquery()
    )
    among_newest = (
        select(place.c.item_id)
        .where(place.c.item_id == Item.id, func.coalesce(last_kept, place.c.seen_at) <= place.c.seen_at)
        .correlate(Item)
    )
    old = select(Item.id).where(Item.seen_at < before, ~among_newest.exists()).limit(limit)
    forgotten = connection.execute(delete(Item).where(col(Item.id).in_(old))).rowcount
    still_listed = select(Feed.id).where(Feed.id == ItemSource.feed_id, Feed.listed_at == ItemSource.listed_at)
    unlisted = delete(ItemSource).where(
        col(ItemSource.item_id).is_(None), col(ItemSource.listed_at) < before, ~still_listed.exists()
    )
    return forgotten + connection.execute(unlisted).rowcount
