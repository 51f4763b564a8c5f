"""What is known of a reader, in short: as a person reads it on a page. `own_data` has all of it, for programs."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from digestmail.store.models import Bounce, ConsentEvent, Delivery, Gift, Subscriber, Subscription, Topic
from digestmail.store.states import Standing, State
from digestmail.subscribers.pause import still_running
from digestmail.subscribers.schedule import weekdays_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A subscriber, and how much is kept beside."""

    email: str
    standing: str
    created_at: datetime
    unsubscribed_at: datetime | None
    topics: tuple[str, ...]
    """Their names."""
    hour: int
    time_zone: str
    weekdays: tuple[int, ...]
    """Monday is 0."""
    locale: str
    mail_format: str
    paused_until_day: date | None
    seasons: tuple[str, ...]
    """In which the reader said to have given."""
    mails: int
    """Sent, as far as the ledger remembers."""
    bounces: int
    consents: int


def known_of(session: Session, subscriber_id: int, *, now: datetime) -> Known | None:
    """What is known of a subscriber; None of who asked to be forgotten, or is unknown."""
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None or subscriber.standing == Standing.ERASED:
        return None
    topics = (
        select(Topic.name)
        .join(Subscription, col(Subscription.topic_id) == Topic.id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(col(Topic.position), col(Topic.id))
    )
    seasons = select(Gift.season).where(Gift.subscriber_id == subscriber_id).order_by(col(Gift.at))

    def count(*which: Any) -> int:
        return session.exec(select(func.count()).where(*which)).one()

    return Known(
        email=subscriber.email,
        standing=subscriber.standing,
        created_at=subscriber.created_at,
        unsubscribed_at=subscriber.unsubscribed_at,
        topics=tuple(session.exec(topics)),
        hour=subscriber.hour,
        time_zone=subscriber.time_zone,
        weekdays=tuple(weekdays_of(subscriber.days)),
        locale=subscriber.locale,
        mail_format=subscriber.mail_format,
        paused_until_day=still_running(subscriber.paused_until_day, time_zone=subscriber.time_zone, now=now),
        seasons=tuple(session.exec(seasons)),
        mails=count(col(Delivery.subscriber_id) == subscriber_id, col(Delivery.state) == State.SENT),
        bounces=count(col(Bounce.subscriber_id) == subscriber_id),
        consents=count(col(ConsentEvent.subscriber_id) == subscriber_id),
    )
