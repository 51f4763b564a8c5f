"""Keeps `next_send_at` true when a reader arrives, comes back, pauses or changes the schedule.

A pause moves the window too: whoever comes back gets a digest like any other, and not all that came meanwhile. What was
reckoned so can be reckoned again, since the ledger knows up to where the reader has been served.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, case, col, func, select

from digestmail.store.models import Delivery, Edition, Subscriber
from digestmail.store.states import Kind, Standing, State
from digestmail.subscribers.pause import still_running
from digestmail.subscribers.schedule import APART, Slot, next_slot, usual_start

_LAST_DAY = timedelta(days=1)


def reschedule(session: Session, subscriber: Subscriber, *, now: datetime, was_paused: bool = False) -> None:
    """Set the next slot of an active subscriber, at least `APART` after the last digest or welcome; else empty it.

    It is not before the end of a pause. `was_paused` tells of a pause that the subscriber has ended or moved.
    """
    if subscriber.standing != Standing.ACTIVE or subscriber.id is None:
        subscriber.next_send_at = subscriber.next_day = None
        return
    last = _last(session, subscriber.id)
    until = still_running(subscriber.paused_until_day, time_zone=subscriber.time_zone, now=now)
    slot = _slot(subscriber, last, not_before=now, not_before_day=until or date.min)
    subscriber.next_send_at, subscriber.next_day = slot.at, slot.day
    if until or was_paused or (subscriber.window_start_at or now) > now:
        served_until = _served_until(session, subscriber)
        if slot.at <= _slot(subscriber, last, not_before=served_until).at:  # no digest is left out
            subscriber.window_start_at = served_until
        else:
            usual = usual_start(slot, time_zone=subscriber.time_zone, hour=subscriber.hour, days=subscriber.days)
            subscriber.window_start_at = max(served_until, usual if until else min(usual, now - _LAST_DAY))


@dataclass(frozen=True, slots=True)
class _Last:
    """The last digest, and the instant from which on another one may come."""

    digest: Slot | None
    rests_until: datetime | None


def _last(session: Session, subscriber_id: int) -> _Last:
    found: Any = session.exec(
        select(col(Delivery.scheduled_day), col(Delivery.slot_at))
        .where(Delivery.subscriber_id == subscriber_id, col(Delivery.scheduled_day).is_not(None))
        .order_by(col(Delivery.scheduled_day).desc())
        .limit(1)
    ).first()
    welcomed_at = session.exec(
        select(func.max(Delivery.slot_at)).where(
            Delivery.subscriber_id == subscriber_id,
            col(Delivery.scheduled_day).is_(None),
            Delivery.kind == Kind.WELCOME,
        )
    ).one()
    digest = Slot(*found) if found else None
    return _Last(digest, max((at + APART for at in (digest and digest.at, welcomed_at) if at), default=None))


def _slot(subscriber: Subscriber, last: _Last, *, not_before: datetime, not_before_day: date = date.min) -> Slot:
    return next_slot(
        time_zone=subscriber.time_zone,
        hour=subscriber.hour,
        days=subscriber.days,
        after=last.digest,
        not_before=max(not_before, last.rests_until or not_before),
        not_before_day=not_before_day,
    )


def _served_until(session: Session, subscriber: Subscriber) -> datetime:
    """Up to when the subscriber has had all stories, or is about to have them."""
    unread = col(Delivery.state).in_((State.EXPIRED, State.FAILED))
    ends: Iterable[datetime] = session.exec(  # not their maximum: PostgreSQL might go through all editions for that
        select(case((unread, col(Edition.since_at)), else_=col(Edition.cutoff_at)))
        .join(Delivery, col(Delivery.edition_id) == Edition.id)
        .where(Delivery.subscriber_id == subscriber.id)
    )
    return max([subscriber.confirmed_at or subscriber.created_at, *ends])
