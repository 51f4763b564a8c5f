"""Gives the windows of digests that were not sent back to their readers, so that the next digest shows their items."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlmodel import col, select, update

from digestmail.store.columns import Instant
from digestmail.store.database import among
from digestmail.store.models import Delivery, Edition, Subscriber
from digestmail.store.states import Kind

ENDED = (col(Delivery.kind), col(Delivery.subscriber_id), col(Delivery.edition_id))
"""What a statement that ends deliveries returns of each for `give_windows_back`."""

_AT_ONCE = 2000
"""Readers in a statement: SQLite keeps in memory what a statement changes, and after an outage that is everybody."""

_WINDOWS = select(Edition.id, Edition.since_at, Edition.cutoff_at).where(among(col(Edition.id)))

_START_EARLIER = (
    update(Subscriber).where(among(col(Subscriber.id))).values(window_start_at=bindparam("since", type_=Instant))
)
_START_EARLIER_IF_UNTOUCHED = _START_EARLIER.where(
    col(Subscriber.window_start_at) == bindparam("cutoff", type_=Instant)
)


def give_windows_back(connection: Connection, ended: Iterable[Any], *, whatever_came_since: bool = False) -> int:
    """Let the next digest of these readers start where the one that ended did; `ended` are rows of `ENDED`.

    Not where the window has moved on since, such as by a welcome, unless `whatever_came_since`. Returns the readers.
    """
    readers: dict[int, list[int]] = {}
    for kind, subscriber_id, edition_id in ended:
        if kind == Kind.DIGEST and edition_id is not None:
            readers.setdefault(edition_id, []).append(subscriber_id)
    if not readers:
        return 0
    windows = connection.execute(_WINDOWS, {"ids": list(readers)}).all()
    for number, since_at, cutoff_at in sorted(windows, key=lambda row: row.since_at, reverse=True):  # the earliest wins
        for first in range(0, len(readers[number]), _AT_ONCE):
            values = {"ids": readers[number][first : first + _AT_ONCE], "since": since_at}
            if whatever_came_since:
                connection.execute(_START_EARLIER, values)
            else:
                connection.execute(_START_EARLIER_IF_UNTOUCHED, values | {"cutoff": cutoff_at})
    return sum(map(len, readers.values()))
