"""Keeps `next_send_at` true when a reader arrives, comes back or changes the schedule."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from digestmail.store.models import Delivery, Subscriber
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.schedule import APART, Slot, next_slot


def reschedule(session: Session, subscriber: Subscriber, *, now: datetime) -> None:
    """Set the next slot of an active subscriber, at least `APART` after the last digest or welcome; else empty it."""
    if subscriber.standing != Standing.ACTIVE or subscriber.id is None:
        subscriber.next_send_at = subscriber.next_day = None
        return
    found: Any = session.exec(
        select(col(Delivery.scheduled_day), col(Delivery.slot_at))
        .where(Delivery.subscriber_id == subscriber.id, col(Delivery.scheduled_day).is_not(None))
        .order_by(col(Delivery.scheduled_day).desc())
        .limit(1)
    ).first()
    welcomed_at = session.exec(
        select(func.max(Delivery.slot_at)).where(
            Delivery.subscriber_id == subscriber.id,
            col(Delivery.scheduled_day).is_(None),
            Delivery.kind == Kind.WELCOME,
        )
    ).one()
    digest = Slot(*found) if found else None
    last = [at + APART for at in (digest and digest.at, welcomed_at) if at]
    slot = next_slot(
        time_zone=subscriber.time_zone,
        hour=subscriber.hour,
        days=subscriber.days,
        after=digest,
        not_before=max([now, *last]),
    )
    subscriber.next_send_at, subscriber.next_day = slot.at, slot.day
