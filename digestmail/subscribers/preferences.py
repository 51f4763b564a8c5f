"""What a reader may see and change by the link in a digest's foot: topics, hour, zone and days."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from digestmail.store.models import Subscriber
from digestmail.subscribers.choices import Choices, set_topics, topics_of
from digestmail.subscribers.consent import Event, Origin, record
from digestmail.subscribers.next_digest import reschedule


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """A subscriber's choices and what follows from them."""

    subscriber_id: int
    email: str
    standing: str
    choices: Choices
    locale: str
    next_send_at: datetime | None


def find(session: Session, subscriber_id: int) -> Preferences | None:
    """The preferences of a subscriber, or None where there is no such one."""
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None:
        return None
    return Preferences(
        subscriber_id=subscriber_id,
        email=subscriber.email,
        standing=subscriber.standing,
        choices=Choices(
            topics=topics_of(session, subscriber_id),
            hour=subscriber.hour,
            time_zone=subscriber.time_zone,
            days=subscriber.days,
        ),
        locale=subscriber.locale,
        next_send_at=subscriber.next_send_at,
    )


def change(
    session: Session, subscriber_id: int, choices: Choices, *, locale: str | None = None, origin: Origin, now: datetime
) -> Preferences | None:
    """Take new choices for the next slot on, and another language for the next mail on.

    The preferences as they are then, or None for an unknown subscriber.
    """
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None:
        return None
    schedule = (choices.hour, choices.time_zone, choices.days)
    if schedule != (subscriber.hour, subscriber.time_zone, subscriber.days):
        subscriber.hour, subscriber.time_zone, subscriber.days = schedule
        reschedule(session, subscriber, now=now)
    subscriber.locale = locale or subscriber.locale
    set_topics(session, subscriber_id, choices.topics)
    record(session, subscriber, Event.CHANGED, origin=origin, now=now)
    session.flush()
    return find(session, subscriber_id)
