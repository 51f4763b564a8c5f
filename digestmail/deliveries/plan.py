"""Plans what is due: one delivery for each subscriber whose slot has come, on the edition of its window.

Delivery, next slot and window move in one transaction, so a plan that dies half-way has planned nothing. Two planners
at once are kept apart by a lock, and by the key (subscriber, scheduled day) if all else fails. A reader has one open
digest at most: slots that were missed, and a digest that still waits when the next is due, end as expired, and the
newest digest carries their items.

A chunk is some readers of one slot, the lowest ids first. The database groups them by what decides their next slot and
their edition, with the ids of each group joined to one string; those are worked out once a group, and a few statements
for each write the deliveries of all its ids and move their readers on. So nothing here is done once a reader.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from zoneinfo import ZoneInfoNotFoundError

import structlog
from sqlalchemy import Connection, Date, Insert, Integer, Text, bindparam, cast, func, insert, or_, select, true, update
from sqlmodel import Session, col

from digestmail.clock import Clock
from digestmail.deliveries.ledger import expire, replace
from digestmail.deliveries.outcome import too_late
from digestmail.editions.assemble import Frozen, digest_edition, welcome_edition
from digestmail.settings import CATCH_UP
from digestmail.store.columns import BigId, Instant
from digestmail.store.database import Database, among, aside, each_number, hold_back_news
from digestmail.store.models import WAITING, Delivery, Subscriber
from digestmail.store.outbox import PRIORITY, count_planned, new_delivery
from digestmail.store.states import Kind, State
from digestmail.subscribers.schedule import APART, Slot, next_slot

log = structlog.get_logger(__name__)

_AT_ONCE = 2000
"""Readers in a chunk: its transaction shall be over in 30 ms, since on SQLite sign-ups wait for it."""

_EDITIONS_AT_ONCE = 16
"""New editions in a chunk, for the same reason. The readers of further windows come with the next chunk."""

_OVERTAKEN = "planned when the next was due already"

_LONGEST_OPEN = timedelta(days=3)
"""No digest of an earlier day is open: `expire` ended it. Local days and a missed expiry are reckoned in."""


def plan_due(database: Database, clock: Clock, *, catch_up: timedelta = CATCH_UP) -> int:
    """Plan every digest whose slot has come, and give waiting welcomes their edition; how many digests were planned."""
    with database.writing() as connection:
        expire(connection, now=clock(), catch_up=catch_up)
    return sum(iter(partial(plan_some, database, clock, catch_up=catch_up), 0))


def plan_some(database: Database, clock: Clock, *, catch_up: timedelta = CATCH_UP) -> int:
    """The same for one chunk in a transaction of its own; 0 when no digest is due.

    A slot that came longer than `catch_up` ago is written down as expired, and the next digest carries its items.
    `ledger.expire` must have been called shortly before: a digest that is open for longer than a few days is not found
    here when the next one takes its place.
    """
    with database.transaction() as session:
        hold_back_news(session.connection())
        now = clock()
        _welcome(session, now)
        return _plan_chunk(session, now, catch_up)


_FIRST_SLOT = select(func.min(col(Subscriber.next_send_at))).where(
    col(Subscriber.next_send_at) <= bindparam("now", type_=Instant)
)
_SLOT = bindparam("slot_at", type_=Instant)
_READERS = (
    select(
        col(Subscriber.id),
        col(Subscriber.next_day),
        col(Subscriber.window_start_at),
        col(Subscriber.time_zone),
        col(Subscriber.hour),
        col(Subscriber.days),
    )
    .where(col(Subscriber.next_send_at).between(_SLOT, _SLOT))  # with `=` PostgreSQL would go through all the ids
    .order_by(col(Subscriber.next_send_at), col(Subscriber.id))
    .limit(bindparam("at_most", type_=Integer))
    .with_for_update()
    .subquery()
)
_ALIKE = [column for column in _READERS.c if column.key != "id"]
_CHUNK = select(
    *_ALIKE, func.aggregate_strings(cast(_READERS.c.id, Text), ",").label("ids"), func.count().label("readers")
).group_by(*_ALIKE)


class _Digest(NamedTuple):
    """What is the same for a group of readers."""

    slot: Slot
    edition: Frozen
    following: Slot


def _plan_chunk(session: Session, now: datetime, catch_up: timedelta) -> int:
    connection = session.connection()
    slot_at = connection.execute(_FIRST_SLOT, {"now": now}).scalar_one()
    if slot_at is None:
        return 0
    chunk = {"slot_at": slot_at, "at_most": _AT_ONCE}
    groups = connection.execute(_CHUNK, chunk).all()
    if _replace_open(connection, [group.ids for group in groups], slot_at, now):
        groups = connection.execute(_CHUNK, chunk).all()
    following = _Following()
    editions: dict[tuple[datetime, datetime], Frozen] = {}
    digests: dict[_Digest, list[str]] = {}
    missed: dict[tuple[Slot, str], list[str]] = {}
    late: dict[tuple[Slot, datetime], list[str]] = {}
    planned = 0
    for group in groups:
        *passed, slot, after = following.slots(group, slot_at, now)
        since_at = group.window_start_at or slot.at
        if slot.at < now - catch_up:
            missed.setdefault((slot, too_late(catch_up)), []).append(group.ids)
            late.setdefault((after, since_at), []).append(group.ids)
        else:
            window = since_at, slot.at
            if window not in editions:
                if len(editions) == _EDITIONS_AT_ONCE:
                    continue
                editions[window] = digest_edition(session, since_at=since_at, slot_at=slot.at, now=now)
            digests.setdefault(_Digest(slot, editions[window], after), []).append(group.ids)
        for earlier in passed:
            missed.setdefault((earlier, _OVERTAKEN), []).append(group.ids)
        planned += group.readers
    for digest, ids in digests.items():
        _write(connection, digest, ",".join(ids), now)
    for (slot, why), ids in missed.items():
        _write_missed(connection, slot, why, ",".join(ids), now)
    for (after, since_at), ids in late.items():
        _move_on(connection, after, since_at, ",".join(ids))
    return planned


_OPEN_DIGESTS = (WAITING, col(Delivery.priority) == PRIORITY[Kind.DIGEST])
_ENDS_OF_THE_OPEN = select(
    select(col(Delivery.slot_at))
    .where(*_OPEN_DIGESTS)
    .order_by(col(Delivery.due_at), col(Delivery.id))
    .limit(1)
    .scalar_subquery()
    .label("slot_at"),
    select(func.max(col(Delivery.due_at))).where(*_OPEN_DIGESTS).scalar_subquery().label("due_at"),
)


def _replace_open(connection: Connection, ids: list[str], slot_at: datetime, now: datetime) -> int:
    """End digests that still wait when the next is planned, which starts where they did; how many."""
    first = connection.execute(_ENDS_OF_THE_OPEN).one()
    if first.slot_at is None or (first.slot_at >= slot_at >= first.due_at):
        return 0  # all that wait are of this slot: the usual case, and cheaper to see than looking at each reader
    return replace(connection, ",".join(ids), since_day=(now - _LONGEST_OPEN).date(), now=now)


_NEW = ("kind", "scheduled_day", "slot_at", "edition_id", "priority", "state", "due_at", "attempts", "created_at")
_TYPES = Delivery.__table__.c  # type: ignore[attr-defined]  # SQLModel does not declare it


def _insert_each(*columns: str) -> Insert:
    """INSERT a delivery for each of the subscribers `ids` that has none for the day, the columns as `the_…`."""
    each = each_number()
    values = select(each.c.value, *(bindparam(f"the_{name}", type_=_TYPES[name].type) for name in columns))
    values = values.where(true())  # without it SQLite takes the ON for a join's
    made = insert(Delivery).from_select(["subscriber_id", *columns], values.suffix_with("ON CONFLICT DO NOTHING"))
    return made.execution_options(preserve_rowcount=True)


_DIGESTS = _insert_each(*_NEW)
_MISSED = _insert_each(*_NEW, "settled_at", "reason")
_MOVE_ON = (
    update(Subscriber)
    .where(among(col(Subscriber.id)))
    .values(
        next_send_at=bindparam("at", type_=Instant),
        next_day=bindparam("day", type_=Date),
        window_start_at=bindparam("cutoff", type_=Instant),
    )
)


def _write(connection: Connection, digest: _Digest, ids: str, now: datetime) -> None:
    slot, edition, following = digest
    written = connection.execute(_DIGESTS, {"ids": ids, **_columns(slot, now, edition_id=edition.id)}).rowcount
    count_planned(connection, edition.id, written)
    _move_on(connection, following, edition.cutoff_at, ids)


def _write_missed(connection: Connection, slot: Slot, why: str, ids: str, now: datetime) -> None:
    """A slot whose digest is not sent: its items come in that of the newest slot, or in the next one."""
    ended = {"state": State.EXPIRED, "settled_at": now, "reason": why}
    connection.execute(_MISSED, {"ids": ids, **_columns(slot, now, **ended)})


def _move_on(connection: Connection, following: Slot, cutoff_at: datetime, ids: str) -> None:
    """Readers wait for their next slot, with a window from `cutoff_at` on."""
    connection.execute(_MOVE_ON, {"ids": ids, "at": following.at, "day": following.day, "cutoff": cutoff_at})


def _columns(slot: Slot, now: datetime, **changes: Any) -> dict[str, Any]:
    row = new_delivery(Kind.DIGEST, 0, scheduled_day=slot.day, slot_at=slot.at, now=now) | changes
    return {f"the_{name}": value for name, value in row.items() if name != "subscriber_id"}


_UNWRITTEN = select(col(Delivery.id), col(Delivery.subscriber_id)).where(
    WAITING,
    col(Delivery.priority) == PRIORITY[Kind.WELCOME],
    col(Delivery.kind) == Kind.WELCOME,
    aside(Delivery.edition_id, 0) == 0,
)
_GIVE_EDITION = update(Delivery).where(among(col(Delivery.id))).values(edition_id=bindparam("edition", type_=BigId))
_START_WINDOW = (
    update(Subscriber)
    .where(
        among(col(Subscriber.id)),
        or_(
            col(Subscriber.window_start_at).is_(None),
            col(Subscriber.window_start_at) <= bindparam("now", type_=Instant),
        ),
    )
    .values(window_start_at=bindparam("cutoff", type_=Instant))
)
"""Not of those who have paused since they confirmed: theirs starts when they come back."""


def _welcome(session: Session, now: datetime) -> None:
    connection = session.connection()
    waiting = connection.execute(_UNWRITTEN).all()
    if not waiting:
        return
    edition = welcome_edition(session, now=now)
    connection.execute(_GIVE_EDITION, {"ids": [row.id for row in waiting], "edition": edition.id})
    count_planned(connection, edition.id, len(waiting))
    readers = [row.subscriber_id for row in waiting]
    connection.execute(_START_WINDOW, {"ids": readers, "cutoff": edition.cutoff_at, "now": now})


class _Following:
    """The slots after a slot, worked out once for all readers of the same zone, hour and days."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int, Slot], Slot] = {}

    def slots(self, group: Any, slot_at: datetime, now: datetime) -> list[Slot]:
        """The slots of a group from `slot_at` on, up to the first that is still to come."""
        slots = [Slot(group.next_day or slot_at.date(), slot_at)]
        while slots[-1].at <= now:
            slots.append(self._slot(group.time_zone, group.hour, group.days, slots[-1]))
        return slots

    def _slot(self, time_zone: str, hour: int, days: int, slot: Slot) -> Slot:
        key = (time_zone, hour, days, slot)
        if key not in self._known:
            try:
                self._known[key] = self._next(time_zone, hour, days, slot)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                # Another host may know more zones than this one; one reader's must not hold up everybody's mail.
                log.warning("a time zone is not known here, so UTC is used", time_zone=time_zone)
                self._known[key] = self._next("UTC", hour, days, slot)
        return self._known[key]

    def _next(self, time_zone: str, hour: int, days: int, slot: Slot) -> Slot:
        return next_slot(time_zone=time_zone, hour=hour, days=days, after=slot, not_before=slot.at + APART)
