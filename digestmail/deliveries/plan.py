"""Plans what is due: one delivery for each subscriber whose slot has come, on the edition of its window.

Delivery, next slot and window move in one transaction, so a plan that dies half-way has planned nothing. Two planners
at once are kept apart by a lock, and by the key (subscriber, kind, scheduled day) if all else fails.
"""

from datetime import date, datetime

from sqlalchemy import bindparam, select, update
from sqlmodel import Session, col

from digestmail.clock import Clock
from digestmail.editions.assemble import digest_edition, welcome_edition
from digestmail.store.database import Database, hold_back_news, insert_new
from digestmail.store.models import Delivery, Kind, State, Subscriber
from digestmail.store.outbox import new_delivery
from digestmail.subscribers.schedule import APART, Slot, next_slot

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
    following = _Following()
    deliveries, subscribers = [], []
    for row in due:
        since_at = row.window_start_at or row.next_send_at
        edition = digest_edition(session, since_at=since_at, slot_at=row.next_send_at, now=now)
        deliveries.append(
            new_delivery(
                Kind.DIGEST,
                row.id,
                scheduled_day=row.next_day,
                slot_at=row.next_send_at,
                now=now,
                edition_id=edition.id,
            )
        )
        slot = following.slot(row.time_zone, row.hour, row.days, row.next_day, row.next_send_at)
        subscribers.append({"the_id": row.id, "at": slot.at, "day": slot.day, "window": edition.cutoff_at})
    insert_new(session, Delivery, deliveries)
    session.connection().execute(
        update(Subscriber)
        .where(col(Subscriber.id) == bindparam("the_id"))
        .values(next_send_at=bindparam("at"), next_day=bindparam("day"), window_start_at=bindparam("window")),
        subscribers,
    )
    return len(due)


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
        self._known: dict[tuple[str, int, int, date, datetime], Slot] = {}

    def slot(self, time_zone: str, hour: int, days: int, day: date, at: datetime) -> Slot:
        key = (time_zone, hour, days, day, at)
        if key not in self._known:
            self._known[key] = next_slot(
                time_zone=time_zone, hour=hour, days=days, after_day=day, not_before=at + APART
            )
        return self._known[key]
