"""Everything that is known of one subscriber, as the operator sees it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from digestmail.address import parse_address
from digestmail.errors import InputError
from digestmail.store.models import (
    Bounce,
    ConsentEvent,
    Delivery,
    Gift,
    LiftedSuppression,
    Subscriber,
    Subscription,
    Suppression,
    Topic,
)
from digestmail.subscribers.import_export import days_in_words

_LATEST = 20


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One delivery to the subscriber."""

    kind: str
    day: date
    """A digest's scheduled day, else the slot's in UTC."""
    state: str
    attempts: int
    settled_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class BounceRow:
    """One bounce of, or complaint about, a message to the subscriber."""

    kind: str
    at: datetime
    status: str
    reason: str
    source: str
    delivery_id: int | None


@dataclass(frozen=True, slots=True)
class LiftedRow:
    """One suppression that was taken back."""

    suppressed_for: str
    suppressed_at: datetime
    lifted_for: str
    lifted_at: datetime


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One event of consent."""

    event: str
    at: datetime
    source: str
    wording: str
    reason: str
    """Why the reader left, where it was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A subscriber with choices, standing and history, the newest first."""

    email: str
    standing: str
    suppressed: str | None
    suppressed_at: datetime | None
    topics: tuple[str, ...]
    time_zone: str
    hour: int
    days: str
    locale: str
    mail_format: str
    paused_until_day: date | None
    source: str
    created_at: datetime
    confirmed_at: datetime | None
    unsubscribed_at: datetime | None
    next_send_at: datetime | None
    gave: tuple[str, ...]
    """The seasons in which the reader said to have given, the latest first."""
    deliveries: tuple[DeliveryRow, ...]
    bounces: tuple[BounceRow, ...]
    lifted: tuple[LiftedRow, ...]
    consent: tuple[ConsentRow, ...]


def find_reader(session: Session, email: str) -> Reader:
    """The subscriber of an address. Raises InputError where there is none."""
    subscriber = session.exec(select(Subscriber).where(Subscriber.email_key == parse_address(email).key)).first()
    if subscriber is None:
        raise InputError(f"There is no subscriber {email}.", field="email")
    suppression = session.get(Suppression, subscriber.email_key)
    topics = (
        select(Topic.slug)
        .join(Subscription, col(Subscription.topic_id) == Topic.id)
        .where(Subscription.subscriber_id == subscriber.id)
        .order_by(col(Topic.position), col(Topic.id))
    )
    seasons = select(Gift.season).where(Gift.subscriber_id == subscriber.id)
    deliveries = select(Delivery).where(Delivery.subscriber_id == subscriber.id)
    bounces = select(Bounce).where(Bounce.subscriber_id == subscriber.id)
    lifted = select(LiftedSuppression).where(LiftedSuppression.email_key == subscriber.email_key)
    consent = select(ConsentEvent).where(ConsentEvent.subscriber_id == subscriber.id)
    return Reader(
        email=subscriber.email,
        standing=subscriber.standing,
        suppressed=suppression.reason if suppression else None,
        suppressed_at=suppression.created_at if suppression else None,
        topics=tuple(session.exec(topics)),
        time_zone=subscriber.time_zone,
        hour=subscriber.hour,
        days=days_in_words(subscriber.days),
        locale=subscriber.locale,
        mail_format=subscriber.mail_format,
        paused_until_day=subscriber.paused_until_day,
        source=subscriber.source,
        created_at=subscriber.created_at,
        confirmed_at=subscriber.confirmed_at,
        unsubscribed_at=subscriber.unsubscribed_at,
        next_send_at=subscriber.next_send_at,
        gave=tuple(session.exec(seasons.order_by(col(Gift.at).desc(), col(Gift.season)))),
        deliveries=tuple(
            DeliveryRow(
                row.kind,
                row.scheduled_day or row.slot_at.date(),
                row.state,
                row.attempts,
                row.settled_at,
                row.reason,
            )
            for row in session.exec(deliveries.order_by(col(Delivery.id).desc()).limit(_LATEST))
        ),
        bounces=tuple(
            BounceRow(row.kind, row.at, row.status, row.reason, row.source, row.delivery_id)
            for row in session.exec(bounces.order_by(col(Bounce.id).desc()).limit(_LATEST))
        ),
        lifted=tuple(
            LiftedRow(row.reason, row.created_at, row.lifted_for, row.lifted_at)
            for row in session.exec(lifted.order_by(col(LiftedSuppression.id).desc()).limit(_LATEST))
        ),
        consent=tuple(
            ConsentRow(row.event, row.at, row.source, row.wording, row.reason)
            for row in session.exec(consent.order_by(col(ConsentEvent.id).desc()).limit(_LATEST))
        ),
    )
