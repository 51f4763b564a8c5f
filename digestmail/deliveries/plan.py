"""Plans what is due: one delivery for each subscriber whose slot has come, on the edition of its window.

Delivery, next slot and window move in one transaction, so a plan that dies half-way has planned nothing. Two planners
at once are kept apart by a lock, and by the key (subscriber, scheduled day) if all else fails. A reader has one open
digest at most: slots that were missed, and a digest that still waits when the next is due, end as expired, and the
newest digest carries their items.
"""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import structlog
from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from digestmail.clock import Clock
from digestmail.editions.assemble import digest_edition, welcome_edition
from digestmail.store.database import Database, hold_back_news, insert_new
from digestmail.store.models import Delivery, Edition, Kind, State, Subscriber
from digestmail.store.outbox import new_delivery
from digestmail.subscribers.schedule import APART, Slot, next_slot

log = structlog.get_logger(__name__)

_AT_ONCE = 1000


def plan_due(database: Database, clock: Clock) -> int:
    """Plan every digest whose slot has come, and give waiting welcomes their edition; how many digests were planned."""
    planned = 0
    while True:
        with database.transaction() as session:
            hold_back_news(session)
            now = clock()
            _welcome(session, now)
            some = _plan_some(session, now)
        planned += some
        if not some:
            return planned


def _plan_some(session: Session, now: datetime) -> int:
    due = (
        session.connection()
        .execute(
            select(
                col(Subscriber.id),
                col(Subscriber.next_send_at),
                col(Subscriber.next_day),
                col(Subscriber.window_start_at),
                col(Subscriber.time_zone),
                col(Subscriber.hour),
                col(Subscriber.days),
            )
            .where(col(Subscriber.next_send_at) <= now)
            .order_by(col(Subscriber.next_send_at), col(Subscriber.id))
            .limit(_AT_ONCE)
            .with_for_update()
        )
        .all()
    )
    if not due:
        return 0
    replaced = _replace_open(session, [row.id for row in due], now)
    following = _Following()
    digests: list[dict[str, Any]] = []
    missed: list[dict[str, Any]] = []
    subscribers: list[dict[str, Any]] = []
    for row in due:
        slot = Slot(row.next_day, row.next_send_at)
        while (after := following.slot(row.time_zone, row.hour, row.days, slot)).at <= now:
            missed.append(_missed(row.id, slot, now))
            slot = after
        since_at = replaced.get(row.id) or row.window_start_at or slot.at
        edition = digest_edition(session, since_at=since_at, slot_at=slot.at, now=now)
        digests.append(
            new_delivery(Kind.DIGEST, row.id, scheduled_day=slot.day, slot_at=slot.at, now=now, edition_id=edition.id)
        )
        subscribers.append({"the_id": row.id, "at": after.at, "day": after.day, "window": edition.cutoff_at})
    insert_new(session, Delivery, digests)
    insert_new(session, Delivery, missed)
    session.connection().execute(
        update(Subscriber)
        .where(col(Subscriber.id) == bindparam("the_id"))
        .values(next_send_at=bindparam("at"), next_day=bindparam("day"), window_start_at=bindparam("window")),
        subscribers,
    )
    return len(due)


def _missed(subscriber_id: int, slot: Slot, now: datetime) -> dict[str, Any]:
    """A slot that passed while nobody planned. Its items come in the digest of the newest slot, so one mail is sent."""
    row = new_delivery(Kind.DIGEST, subscriber_id, scheduled_day=slot.day, slot_at=slot.at, now=now)
    return row | {"state": State.EXPIRED, "settled_at": now, "reason": "planned when the next was due already"}


def _replace_open(session: Session, subscriber_ids: list[int], now: datetime) -> dict[int, datetime]:
    """End digests that still wait when the next is planned; from where on their readers' items are open."""
    ended = (
        session.connection()
        .execute(
            update(Delivery)
            .where(
                col(Delivery.subscriber_id).in_(subscriber_ids),
                col(Delivery.kind) == Kind.DIGEST,
                col(Delivery.state) == State.DUE,
            )
            .values(state=State.EXPIRED, settled_at=now, reason="the next digest took its place")
            .returning(col(Delivery.subscriber_id), col(Delivery.edition_id))
        )
        .all()
    )
    if not ended:
        return {}
    windows = select(col(Edition.id), col(Edition.since_at)).where(
        col(Edition.id).in_({row.edition_id for row in ended})
    )
    since = {row.id: row.since_at for row in session.connection().execute(windows)}
    return {row.subscriber_id: since[row.edition_id] for row in ended}


def _welcome(session: Session, now: datetime) -> None:
    waiting = (
        session.connection()
        .execute(
            select(col(Delivery.id), col(Delivery.subscriber_id)).where(
                col(Delivery.kind) == Kind.WELCOME, col(Delivery.state) == State.DUE, col(Delivery.edition_id).is_(None)
            )
        )
        .all()
    )
    if not waiting:
        return
    edition = welcome_edition(session, now=now)
    for delivery_id, subscriber_id in waiting:
        session.connection().execute(
            update(Delivery).where(col(Delivery.id) == delivery_id).values(edition_id=edition.id)
        )
        session.connection().execute(
            update(Subscriber).where(col(Subscriber.id) == subscriber_id).values(window_start_at=edition.cutoff_at)
        )


class _Following:
    """The slot after a slot, worked out once for all readers of the same zone, hour and days."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int, Slot], Slot] = {}

    def slot(self, time_zone: str, hour: int, days: int, slot: Slot) -> Slot:
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
        return next_slot(time_zone=time_zone, hour=hour, days=days, after_day=slot.day, not_before=slot.at + APART)
