"""Leaving with one click, and coming back for thirty days after a click that was a mistake or somebody else's."""

from datetime import date, datetime, timedelta

from sqlmodel import Session

from digestmail.store.models import Subscriber
from digestmail.store.states import Standing
from digestmail.subscribers.consent import Event, Origin, record
from digestmail.subscribers.next_digest import reschedule
from digestmail.subscribers.pause import local_day

UNDO_DAYS = 30


def unsubscribe(session: Session, subscriber_id: int, *, origin: Origin, now: datetime) -> bool:
    """End all mail to a subscriber from this transaction's commit on; again is fine. False: there is no such one."""
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None:
        return False
    if subscriber.standing != Standing.UNSUBSCRIBED:
        subscriber.standing = Standing.UNSUBSCRIBED
        subscriber.unsubscribed_at = now
        reschedule(session, subscriber, now=now)
        record(session, subscriber, Event.UNSUBSCRIBED, origin=origin, now=now)
    return True


def last_day_to_undo(unsubscribed_at: datetime, *, time_zone: str) -> date:
    """The last local day of which every hour is early enough for an undo."""
    return local_day(time_zone, unsubscribed_at + timedelta(days=UNDO_DAYS)) - timedelta(days=1)


def undo(session: Session, subscriber_id: int, *, origin: Origin, now: datetime) -> bool:
    """Take an unsubscribe back; again is fine. False: unknown, never confirmed, or longer ago than UNDO_DAYS."""
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None or subscriber.confirmed_at is None:
        return False
    if subscriber.standing == Standing.ACTIVE:
        return True
    if subscriber.unsubscribed_at is None or now > subscriber.unsubscribed_at + timedelta(days=UNDO_DAYS):
        return False
    subscriber.standing = Standing.ACTIVE
    subscriber.unsubscribed_at = None
    # Not all that came meanwhile: a month of stories in one mail would help nobody.
    subscriber.window_start_at = max(subscriber.window_start_at or now, now - timedelta(days=1))
    reschedule(session, subscriber, now=now)
    record(session, subscriber, Event.UNDONE, origin=origin, now=now)
    return True
