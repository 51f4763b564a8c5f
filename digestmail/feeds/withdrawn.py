"""What a feed has taken back: listed in its last document, missing in this one, and not just slid off its end.

Only recent items matter, since no edition to come shows the others. An item that is listed again comes back.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import bindparam
from sqlmodel import Session, col, exists, select, update

from digestmail.feeds.document import Entry
from digestmail.store.columns import BigId
from digestmail.store.models import Edition, Feed, Item, ItemSource, ItemTopic
from digestmail.store.states import Kind

_RECENT = timedelta(days=15)
"""No window of a reader is longer."""
_YOUNG = timedelta(hours=12)
"""No feed lists its items for a shorter time than this."""
_IN_ORDER = 0.9
"""So many of a document's neighbours are in the order of time, or it is a ranking, whose items come and go."""


@dataclass(frozen=True, slots=True)
class Missing:
    """An item that was listed in the last document and is not in this one."""

    item_id: int
    published_at: datetime


def taken_back(
    missing: Sequence[Missing],
    *,
    listed: Sequence[datetime | None],
    oldest_known: datetime | None,
    shorter: bool,
    now: datetime,
) -> list[int]:
    """Which of the missing items were withdrawn (pure).

    Where an older one is still listed, an item did not slide off the end, and neither did a single young one of a
    document that became `shorter`. `listed` are the dates of the document's entries in their order; `oldest_known` is
    the oldest of those that stood in the last document too.
    """
    if not listed or not _is_in_order([at for at in listed if at is not None]):
        return []
    single = shorter and len(missing) == 1
    return [
        each.item_id
        for each in missing
        if (oldest_known is not None and each.published_at > oldest_known)
        or (single and each.published_at > now - _YOUNG)
    ]


def withdraw(session: Session, feed: Feed, entries: Sequence[Entry], listed: Collection[int], *, now: datetime) -> None:
    """Note what `feed` took back, given its document's entries and the items that they are.

    Call it before the document's sources are stored. What another feed still lists stays.
    """
    if feed.listed_at is None:
        return
    before = session.exec(
        select(Item.id, Item.published_at)
        .join(ItemSource, col(ItemSource.item_id) == Item.id)
        .where(ItemSource.feed_id == feed.id, ItemSource.listed_at == feed.listed_at)
        .distinct()
    ).all()
    kept = [published_at for number, published_at in before if number in listed]
    gone = taken_back(
        [Missing(number, at) for number, at in before if number is not None and number not in listed],
        listed=[entry.published_at for entry in entries],
        oldest_known=min(kept, default=None),
        shorter=len(entries) < len(before),
        now=now,
    )
    if not gone:
        return
    elsewhere = (
        select(ItemSource.item_id)
        .join(Feed, col(Feed.id) == ItemSource.feed_id)
        .where(ItemSource.item_id == Item.id, ItemSource.feed_id != feed.id, ItemSource.listed_at == Feed.listed_at)
    )
    session.connection().execute(
        update(Item)
        .where(
            col(Item.id).in_(gone),
            col(Item.seen_at) > now - _RECENT,
            col(Item.withdrawn_at).is_(None),
            ~elsewhere.exists(),
        )
        .values(withdrawn_at=now)
    )


def restore(session: Session, listed: Collection[int], *, seen_at: datetime) -> None:
    """Bring back those of the listed items that were withdrawn; as new at `seen_at` where no edition showed them."""
    back = session.exec(select(Item).where(col(Item.id).in_(listed), col(Item.withdrawn_at).is_not(None))).all()
    for item in back:
        shown = exists().where(
            col(Edition.kind) == Kind.DIGEST,
            col(Edition.cutoff_at) >= ItemTopic.seen_at,
            col(Edition.cutoff_at) < bindparam("withdrawn_at", item.withdrawn_at),
        )
        session.connection().execute(
            update(ItemTopic)
            .where(col(ItemTopic.item_id) == bindparam("item", item.id, type_=BigId), ~shown)
            .values(seen_at=seen_at)
        )
        item.withdrawn_at = None


def _is_in_order(dates: Sequence[datetime]) -> bool:
    """Whether they run one way, newest or oldest first, but for a few."""
    if len(dates) < 2:
        return True
    falling = sum(later <= earlier for earlier, later in pairwise(dates))
    rising = sum(later >= earlier for earlier, later in pairwise(dates))
    return max(falling, rising) >= _IN_ORDER * (len(dates) - 1)
