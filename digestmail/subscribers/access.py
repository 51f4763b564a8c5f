"""The link to a reader's own data: a fresh one is mailed, since a digest may have been passed on with its links."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from digestmail.store.models import ConsentEvent, Delivery, Subscriber, Suppression
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.consent import Event

LINK_LIFETIME = timedelta(hours=1)
"""How long a link works from when its mail went out."""

_BETWEEN_MAILS = timedelta(minutes=10)
_A_DAY = timedelta(days=1)
_MAILS_A_DAY = 5


class AccessStatus(StrEnum):
    """What a link to a reader's own data is worth."""

    OPEN = "open"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Access:
    """Whose data a link opens, and whether it does."""

    status: AccessStatus
    subscriber_id: int = 0
    locale: str | None = None


def ask_for_access(session: Session, subscriber_id: int, *, now: datetime) -> None:
    """Mail a reader the link, at most once in ten minutes and five times in a day; else do nothing, unseen."""
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None or subscriber.standing == Standing.ERASED:
        return
    if session.get(Suppression, subscriber.email_key):
        return
    asked = asked_lately(session, Kind.ACCESS, subscriber_id, since=now - _A_DAY)
    if len(asked) < _MAILS_A_DAY and not (asked and now - asked[-1] < _BETWEEN_MAILS):
        ask_for(session, Kind.ACCESS, subscriber_id, now=now)


def renew_access(session: Session, delivery_id: int, *, now: datetime) -> Access:
    """Mail a fresh link in place of an old one, within the same limits."""
    found = find_access(session, delivery_id, now=now)
    if found.status is not AccessStatus.UNKNOWN:
        ask_for_access(session, found.subscriber_id, now=now)
    return found


def find_access(session: Session, delivery_id: int, *, now: datetime) -> Access:
    """What a link is worth; changes nothing. A link of before a move proves nothing of the new address."""
    found = session.exec(
        select(Delivery, Subscriber)
        .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
        .where(Delivery.id == delivery_id, Delivery.kind == Kind.ACCESS)
    ).first()
    if found is None or found[1].standing == Standing.ERASED:
        return Access(AccessStatus.UNKNOWN)
    delivery, subscriber = found
    over = now > (delivery.dotted_at or delivery.created_at) + LINK_LIFETIME
    expired = over or moved_since(session, delivery)
    return Access(
        AccessStatus.EXPIRED if expired else AccessStatus.OPEN, delivery.subscriber_id, locale=subscriber.locale
    )


def moved_since(session: Session, delivery: Delivery) -> bool:
    """Whether the subscriber of a letter has moved to another address since the letter was asked for."""
    moved = select(ConsentEvent.id).where(
        ConsentEvent.subscriber_id == delivery.subscriber_id,
        ConsentEvent.event == Event.MOVED,
        ConsentEvent.at >= delivery.created_at,
    )
    return session.exec(moved.limit(1)).first() is not None


def asked_lately(session: Session, kind: Kind, subscriber_id: int, *, since: datetime) -> list[datetime]:
    """When letters of a kind were asked for, the latest last."""
    asked = select(Delivery.created_at).where(
        Delivery.subscriber_id == subscriber_id,
        col(Delivery.scheduled_day).is_(None),
        Delivery.kind == kind,
        Delivery.created_at > since,
    )
    return list(session.exec(asked.order_by(col(Delivery.created_at))))
