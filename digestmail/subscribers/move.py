"""Moving a subscription to another address: the old one is told and can stop it, the new one agrees by a button.

The new address has a row of its own until it agrees, which is pending as after a sign-up and has its limits. Then the
subscriber takes the address over and keeps its number, so that old links work and no day gets a second digest. The row
of the new address stays behind without a name, for its deliveries, and its old links lead to the subscriber.

A digest that was claimed before goes to the old address still.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, delete, select, update

from digestmail.address import parse_address
from digestmail.errors import InputError
from digestmail.sentence import Sentence
from digestmail.store.models import Bounce, ConsentEvent, Delivery, Erasure, Gift, Subscriber, Subscription, Suppression
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.access import asked_lately, moved_since
from digestmail.subscribers.consent import Event, Origin, record
from digestmail.subscribers.erasure import Fingerprint, take_name
from digestmail.subscribers.sign_up import mail_within_limits, subscriber_of

LINK_LIFETIME = timedelta(hours=48)
"""How long the new address can agree."""

SOURCE = "change of address"

_A_DAY = timedelta(days=1)
_MOVES_A_DAY = 3


class MoveStatus(StrEnum):
    """Where a move stands, for the link in the letter to the new address."""

    READY = "ready"
    MOVED = "moved"
    EXPIRED = "expired"
    STOPPED = "stopped"
    """By the old address, by a later one, or since the subscriber left."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move, and the subscriber it is about."""

    status: MoveStatus
    email: str = ""
    subscriber_id: int = 0
    locale: str | None = None


def ask_to_move(session: Session, subscriber_id: int, email: str, *, fingerprint: Fingerprint, now: datetime) -> None:
    """Tell the old address, and ask the new one; nobody can see from outside whether the new one is known.

    Who is subscribed with it already is reminded of that; an address that is suppressed or asked to be forgotten gets
    nothing. Raises InputError for what is no address, for the address that the subscriber has, and for who is not
    subscribed.
    """
    address = parse_address(email)
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None or subscriber.standing != Standing.ACTIVE:
        raise InputError(Sentence("Only a subscription that runs can move. Sign up with the new address instead."))
    if address.key == subscriber.email_key:
        raise InputError(Sentence("This is the address that your digest comes to already."), field="email")
    if len(asked_lately(session, Kind.MOVING, subscriber_id, since=now - _A_DAY)) >= _MOVES_A_DAY:
        return
    ask_for(session, Kind.MOVING, subscriber_id, now=now)
    _stop(session, subscriber_id)
    if session.get(Suppression, address.key) or session.get(Erasure, fingerprint(address.key)):
        return
    other = subscriber_of(session, address, now=now)
    if other.standing == Standing.ACTIVE:
        mail_within_limits(session, Kind.REMINDER, other, now=now)
        return
    if other.moving_from_id is not None and asked_lately(session, Kind.MOVE, _id(other), since=now - LINK_LIFETIME):
        return  # somebody else's subscription: the link that is out must not come to mean ours
    if other.created_at == now:
        other.source, other.locale = SOURCE, subscriber.locale
    other.standing = Standing.PENDING
    other.moving_from_id = subscriber_id
    mail_within_limits(session, Kind.MOVE, other, now=now)


def find_move(session: Session, delivery_id: int, *, now: datetime) -> Move:
    """What the link in the letter to the new address would do; changes nothing."""
    found = _behind(session, delivery_id)
    return _judge(session, *found, now=now) if found else Move(status=MoveStatus.UNKNOWN)


def move(session: Session, delivery_id: int, *, origin: Origin, now: datetime) -> Move:
    """Give the subscriber the new address. A second time says that it is done already."""
    found = _behind(session, delivery_id)
    if found is None:
        return Move(status=MoveStatus.UNKNOWN)
    delivery, other = found
    subscriber = session.get(Subscriber, other.moving_from_id or 0, with_for_update=True)
    session.refresh(other, with_for_update=True)
    before = _judge(session, delivery, other, now=now)
    if subscriber is None or before.status is not MoveStatus.READY:
        return before
    email, key = other.email, other.email_key
    connection = session.connection()
    connection.execute(update(ConsentEvent).where(_of(ConsentEvent, other)).values(subscriber_id=subscriber.id))
    connection.execute(delete(Bounce).where(_of(Bounce, subscriber)))  # they speak of the old address
    connection.execute(update(Bounce).where(_of(Bounce, other)).values(subscriber_id=subscriber.id))
    for choice in (Subscription, Gift):
        connection.execute(delete(choice).where(_of(choice, other)))
    led_there = update(Subscriber).where(
        col(Subscriber.moving_from_id) == other.id, col(Subscriber.standing) == Standing.ERASED
    )
    connection.execute(led_there.values(moving_from_id=subscriber.id))
    take_name(other, now=now)
    other.moving_from_id = subscriber.id
    session.flush()  # the address is free now, and has one owner at a time
    subscriber.email, subscriber.email_key = email, key
    _stop(session, before.subscriber_id)
    record(session, subscriber, Event.MOVED, origin=origin, now=now)
    session.flush()
    return Move(status=MoveStatus.MOVED, email=email, subscriber_id=before.subscriber_id, locale=subscriber.locale)


def find_stay(session: Session, delivery_id: int) -> Move:
    """What the link in the letter to the old address would stop; changes nothing."""
    found = session.exec(
        select(Delivery, Subscriber)
        .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
        .where(Delivery.id == delivery_id, Delivery.kind == Kind.MOVING)
    ).first()
    if found is None:
        return Move(status=MoveStatus.UNKNOWN)
    delivery, subscriber = found
    status = MoveStatus.MOVED if moved_since(session, delivery) else MoveStatus.READY
    return Move(status=status, subscriber_id=delivery.subscriber_id, locale=subscriber.locale)


def stay(session: Session, delivery_id: int) -> Move:
    """Stop whatever move of the subscriber waits for its new address; again is fine."""
    found = find_stay(session, delivery_id)
    if found.status is not MoveStatus.READY:
        return found
    session.get(Subscriber, found.subscriber_id, with_for_update=True)
    found = find_stay(session, delivery_id)  # with the lock: the new address may have agreed meanwhile
    if found.status is MoveStatus.READY:
        _stop(session, found.subscriber_id)
        found = Move(status=MoveStatus.STOPPED, subscriber_id=found.subscriber_id, locale=found.locale)
    return found


def _behind(session: Session, delivery_id: int) -> tuple[Delivery, Subscriber] | None:
    """The letter of a link, and the row of the address that it went to."""
    return session.exec(
        select(Delivery, Subscriber)
        .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
        .where(Delivery.id == delivery_id, Delivery.kind == Kind.MOVE)
    ).first()


def _judge(session: Session, delivery: Delivery, other: Subscriber, *, now: datetime) -> Move:
    subscriber = session.get(Subscriber, other.moving_from_id) if other.moving_from_id else None
    if subscriber is None or subscriber.standing != Standing.ACTIVE:
        return Move(status=MoveStatus.STOPPED, locale=other.locale or None)
    if other.standing == Standing.ERASED:
        status = MoveStatus.MOVED
    elif other.standing != Standing.PENDING:
        status = MoveStatus.STOPPED
    else:
        status = MoveStatus.EXPIRED if now > delivery.created_at + LINK_LIFETIME else MoveStatus.READY
    email = subscriber.email if status is MoveStatus.MOVED else other.email
    return Move(status=status, email=email, subscriber_id=_id(subscriber), locale=subscriber.locale)


def _stop(session: Session, subscriber_id: int) -> None:
    """No address that was asked to take the subscription over can do so any more."""
    asked = select(Subscriber).where(Subscriber.moving_from_id == subscriber_id, Subscriber.standing != Standing.ERASED)
    for other in session.exec(asked.with_for_update()):
        other.moving_from_id = None


def _of(table: type[Bounce | ConsentEvent | Gift | Subscription], subscriber: Subscriber) -> ColumnElement[bool]:
    return col(table.subscriber_id) == subscriber.id


def _id(subscriber: Subscriber) -> int:
    assert subscriber.id is not None  # noqa: S101 - it came out of the database
    return subscriber.id
