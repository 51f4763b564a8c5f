"""Everything that is known of a reader, as values for a JSON file; docs/privacy.md describes it.

Each table that says something of a reader is a part of the file, with all of its columns but those in `LEFT_OUT`. The
tests walk through the tables, so that a new one cannot be forgotten.
"""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session, SQLModel, col, or_, select

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
from digestmail.store.states import Standing
from digestmail.subscribers.schedule import DAY_NAMES, weekdays_of

FORMAT = "digestmail own data 1"

LEFT_OUT = {
    "subscribers": {"email_key", "moving_from_id"},
    "subscriptions": {"subscriber_id", "topic_id"},
    "consent_events": {"id", "subscriber_id"},
    "deliveries": {
        *("id", "subscriber_id", "edition_id", "priority", "resting", "due_at", "claim_id"),
        *("crashes", "doubts", "set_aside_at"),
    },
    "bounces": {"id", "fingerprint", "subscriber_id", "delivery_id"},
    "gifts": {"subscriber_id"},
    "suppressions": {"email_key"},
    "lifted_suppressions": {"id", "email_key"},
}
"""By table, the columns that the file has in another form, or that speak of the machinery and not of the reader."""

NOT_KEPT = ("whether a mail was opened", "which links were clicked", "full network addresses", "passwords")


def own_data(session: Session, subscriber_id: int, *, now: datetime) -> dict[str, Any] | None:
    """The file, or None where nothing is known. Instants are ISO 8601 in UTC, days are ISO 8601 too."""
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is None or subscriber.standing == Standing.ERASED:
        return None
    former = select(Subscriber.id).where(
        or_(
            Subscriber.id == subscriber_id,
            (col(Subscriber.moving_from_id) == subscriber_id) & (col(Subscriber.standing) == Standing.ERASED),
        )
    )
    moving = select(Subscriber.email).where(
        Subscriber.moving_from_id == subscriber_id, Subscriber.standing == Standing.PENDING
    )
    topics = (
        select(Topic.slug, Topic.name)
        .join(Subscription, col(Subscription.topic_id) == Topic.id)
        .where(Subscription.subscriber_id == subscriber_id)
        .order_by(col(Topic.position), col(Topic.id))
    )
    consent = select(ConsentEvent).where(ConsentEvent.subscriber_id == subscriber_id)
    deliveries = select(Delivery).where(col(Delivery.subscriber_id).in_(former))
    bounces = select(Bounce).where(Bounce.subscriber_id == subscriber_id)
    gifts = select(Gift).where(Gift.subscriber_id == subscriber_id)
    suppressions = select(Suppression).where(Suppression.email_key == subscriber.email_key)
    lifted = select(LiftedSuppression).where(LiftedSuppression.email_key == subscriber.email_key)

    def rows(wanted: Any) -> list[dict[str, Any]]:
        return [_row(row) for row in session.exec(wanted)]

    return {
        "format": FORMAT,
        "made_at": _plain(now),
        "subscriber": {
            **_row(subscriber),
            "days": [DAY_NAMES[weekday] for weekday in weekdays_of(subscriber.days)],
            "moving_to": list(session.exec(moving)),
        },
        "topics": [{"slug": slug, "name": name} for slug, name in session.exec(topics)],
        "consent": rows(consent.order_by(col(ConsentEvent.at), col(ConsentEvent.id))),
        "deliveries": rows(deliveries.order_by(col(Delivery.slot_at), col(Delivery.id))),
        "bounces": rows(bounces.order_by(col(Bounce.id))),
        "gifts": rows(gifts.order_by(col(Gift.at))),
        "suppressions": rows(suppressions),
        "lifted_suppressions": rows(lifted.order_by(col(LiftedSuppression.id))),
        "not_kept": list(NOT_KEPT),
    }


def _row(row: SQLModel) -> dict[str, Any]:
    out = LEFT_OUT[str(row.__tablename__)]
    return {name: _plain(value) for name, value in row.model_dump().items() if name not in out}


def _plain(value: object) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
