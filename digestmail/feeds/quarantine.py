"""What a flood brought waits here until the operator lets it through or has it marked as seen."""

from datetime import datetime

from sqlmodel import Session, col, func, select, update

from digestmail.feeds.moment import unfrozen
from digestmail.store.models import ItemTopic


def quarantined(session: Session) -> dict[int, int]:
    """How many items wait, by the feed that brought them; without those of whom none waits."""
    waiting = (
        select(ItemTopic.quarantined_by, func.count(col(ItemTopic.item_id).distinct()))
        .where(col(ItemTopic.quarantined_by).is_not(None))
        .group_by(col(ItemTopic.quarantined_by))
    )
    return {feed: count for feed, count in session.exec(waiting) if feed is not None}


def let_through(session: Session, feed_id: int, *, now: datetime) -> int:
    """Make news of what waits, as if it had come now; how many items. The transaction holds back news."""
    return _release(session, feed_id, news=True, seen_at=unfrozen(session, now))


def mark_as_seen(session: Session, feed_id: int) -> int:
    """Have what waits taken for known, so that no digest shows it; how many items."""
    return _release(session, feed_id)


def _release(session: Session, feed_id: int, **values: object) -> int:
    released = session.connection().execute(
        update(ItemTopic)
        .where(col(ItemTopic.quarantined_by) == feed_id)
        .values(quarantined_by=None, **values)
        .returning(col(ItemTopic.item_id))
    )
    return len(set(released.scalars()))
