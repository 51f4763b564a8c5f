"""Which announcements a delivery does not show: those of a season that its reader gave in, and those had often enough.

How often a reader had an announcement is not written down but counted in the ledger: in each digest and welcome that
went out since it began. For one that is limited to topics that may be more than the reader saw. A delivery counts what
lies before its own slot, so each of its attempts comes to the same.

Most of the time no announcement has a season or a limit, and one look at them is all that a claim pays for this.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Date, Integer, Select, bindparam, literal_column, union_all
from sqlalchemy.orm import aliased
from sqlmodel import col, or_, select

from digestmail.store.columns import instant_parameter
from digestmail.store.database import among
from digestmail.store.models import Announcement, Delivery, Gift, is_in
from digestmail.store.statements import Statement
from digestmail.store.states import Kind, State

Shown = tuple[int, int, datetime]
"""A delivery of an edition: its id, its subscriber's and its slot."""

_A_DAY = timedelta(days=1)

_LIMITED = Statement(
    select(Announcement.id, Announcement.starts_at, Announcement.most_times, Announcement.season).where(
        col(Announcement.id) >= 0,  # as all are: without an index PostgreSQL thinks it dear, and compiles it for 60 ms
        Announcement.ends_at > instant_parameter("ended_before"),
        or_(col(Announcement.most_times).is_not(None), Announcement.season != ""),
    )
)

_GIFTS = Statement(select(Gift.subscriber_id, Gift.season).where(among(col(Gift.subscriber_id))))

_this = aliased(Delivery)
_start = instant_parameter("start")


def _before_this(*which: Any) -> Select[Any]:
    return (
        select(literal_column("1"))
        .select_from(Delivery)
        .where(
            Delivery.subscriber_id == _this.subscriber_id,
            *which,
            Delivery.slot_at >= _start,
            Delivery.slot_at < _this.slot_at,
            is_in(State.SENT, State.DOUBT, State.DOTTED),
        )
        .correlate(_this)
    )


# Two selects, so that both go by the index. They stop at the last one that is allowed, however long a history is.
_THE_LAST_ALLOWED = (
    union_all(
        _before_this(col(Delivery.scheduled_day) >= bindparam("first_day", type_=Date)),
        _before_this(col(Delivery.scheduled_day).is_(None), Delivery.kind == Kind.WELCOME),
    )
    .limit(1)
    .offset(bindparam("others", type_=Integer))
    .scalar_subquery()
)
_HAD_ENOUGH = Statement(
    select(_this.id).where(among(_this.id), or_(_this.slot_at < _start, _THE_LAST_ALLOWED.is_not(None)))
)
"""A delivery whose slot is older than the announcement would not count afterwards, so it may not show it either."""


def hidden_announcements(connection: Connection, shown: Sequence[Shown]) -> dict[int, frozenset[int]]:
    """The ids of the announcements that these deliveries do not show, by delivery; only where there are any."""
    if not shown:
        return {}
    # A welcome's edition is shared for an hour, so it may show what has ended before the slot of the delivery.
    earliest = min(slot_at for _, _, slot_at in shown)
    limited = _LIMITED.rows(connection, {"ended_before": earliest - _A_DAY})
    if not limited:
        return {}
    hidden: defaultdict[int, set[int]] = defaultdict(set)
    of_season: defaultdict[str, set[int]] = defaultdict(set)
    for number, starts_at, most_times, season in limited:
        if season:
            of_season[season].add(number)
        if most_times is not None:
            for delivery_id in _had_enough(connection, shown, starts_at=starts_at, most_times=most_times):
                hidden[delivery_id].add(number)
    if of_season:
        for delivery_id, season in _gave(connection, shown):
            hidden[delivery_id] |= of_season.get(season, set())
    return {delivery_id: frozenset(numbers) for delivery_id, numbers in hidden.items()}


def _had_enough(connection: Connection, shown: Sequence[Shown], *, starts_at: datetime, most_times: int) -> list[int]:
    values = {
        "ids": [delivery_id for delivery_id, _, _ in shown],
        "start": starts_at,
        "first_day": (starts_at - _A_DAY).date(),  # by the calendar of whoever is furthest behind
        "others": most_times - 1,
    }
    return [row[0] for row in _HAD_ENOUGH.rows(connection, values)]


def _gave(connection: Connection, shown: Sequence[Shown]) -> list[tuple[int, str]]:
    """The seasons in which the readers of these deliveries gave."""
    seasons: defaultdict[int, list[str]] = defaultdict(list)
    for subscriber_id, season in _GIFTS.rows(connection, {"ids": [subscriber_id for _, subscriber_id, _ in shown]}):
        seasons[subscriber_id].append(season)
    return [
        (delivery_id, season) for delivery_id, subscriber_id, _ in shown for season in seasons.get(subscriber_id, ())
    ]
