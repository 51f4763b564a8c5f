"""Double opt-in: a sign-up mails a link, and only the button behind it makes a subscriber.

The answer to a sign-up is the same whether or not the address is known. An address is mailed at most one confirmation
in 24 hours, and three until it confirms, so that the form cannot be used to flood somebody's mailbox.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import Select

from digestmail.address import Address, parse_address
from digestmail.errors import FormError, InputError
from digestmail.store.database import insert_new
from digestmail.store.models import Delivery, Subscriber, Suppression
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.choices import Choices, read_choices, set_topics, topic_ids
from digestmail.subscribers.consent import Event, Origin, record
from digestmail.subscribers.next_digest import reschedule

LINK_LIFETIME = timedelta(hours=48)
"""How long a confirmation link works."""

_BETWEEN_MAILS = timedelta(hours=24)
_MAILS_UNTIL_CONFIRMED = 3
_ASK = (Kind.CONFIRMATION, Kind.MOVE)
"""The letters to whoever has not confirmed; the limits are for both together."""


class ConfirmationStatus(StrEnum):
    """What a confirmation link is worth."""

    READY = "ready"
    CONFIRMED = "confirmed"
    ALREADY = "already"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Where a confirmation stands, and when the first daily digest comes once it is done."""

    status: ConfirmationStatus
    subscriber_id: int | None = None
    email: str = ""
    locale: str | None = None
    next_send_at: datetime | None = None
    time_zone: str = "UTC"


def sign_up(
    session: Session,
    *,
    email: str,
    topics: Sequence[str],
    hour: str,
    time_zone: str,
    days: Sequence[str] = (),
    locale: str = "en",
    origin: Origin,
    now: datetime,
) -> None:
    """Take a sign-up and plan its confirmation mail.

    Somebody who is subscribed already is mailed the link to the preferences instead, and nothing is changed.
    Raises FormError with a sentence for each wrong field.
    """
    wrong: dict[str, str] = {}
    address = choices = None
    try:
        address = parse_address(email)
    except InputError as error:
        wrong[error.field] = error.message
    try:
        choices = read_choices(topic_ids(session), topics=topics, hour=hour, time_zone=time_zone, days=days)
    except FormError as error:
        wrong |= error.messages
    if address is None or choices is None:
        raise FormError(wrong)

    subscriber = subscriber_of(session, address, now=now)
    if subscriber.standing == Standing.ACTIVE:
        mail_within_limits(session, Kind.REMINDER, subscriber, now=now)
        return
    subscriber.standing = Standing.PENDING
    subscriber.source = origin.source
    subscriber.locale = locale
    _choose(session, subscriber, choices)
    record(session, subscriber, Event.SIGNED_UP, origin=origin, now=now)
    mail_within_limits(session, Kind.CONFIRMATION, subscriber, now=now)


def find_confirmation(session: Session, delivery_id: int, *, now: datetime) -> Confirmation:
    """What the link of a confirmation mail would do; changes nothing."""
    found = session.exec(_behind(delivery_id)).first()
    return _judge(*found, now=now) if found else Confirmation(status=ConfirmationStatus.UNKNOWN)


def confirm(session: Session, delivery_id: int, *, origin: Origin, now: datetime) -> Confirmation:
    """Make the subscriber behind a link active, and plan the welcome digest and the first slot."""
    found = session.exec(_behind(delivery_id).with_for_update()).first()
    if found is None:
        return Confirmation(status=ConfirmationStatus.UNKNOWN)
    before = _judge(*found, now=now)
    if before.status != ConfirmationStatus.READY:
        return before
    _, subscriber = found
    subscriber.standing = Standing.ACTIVE
    subscriber.confirmed_at = subscriber.window_start_at = now
    subscriber.unsubscribed_at = subscriber.paused_until_day = None
    subscriber.confirmations = 0
    subscriber.moving_from_id = None
    ask_for(session, Kind.WELCOME, _id(subscriber), now=now)
    reschedule(session, subscriber, now=now)
    record(session, subscriber, Event.CONFIRMED, origin=origin, now=now)
    return _confirmation(ConfirmationStatus.CONFIRMED, subscriber)


def renew(session: Session, delivery_id: int, *, now: datetime) -> None:
    """Mail a fresh link in place of an expired one, within the limits; for anything else do nothing."""
    found = session.exec(_behind(delivery_id).with_for_update()).first()
    if found is not None and found[1].standing != Standing.ACTIVE:
        found[1].standing = Standing.PENDING
        mail_within_limits(session, Kind.CONFIRMATION, found[1], now=now)


def _judge(delivery: Delivery, subscriber: Subscriber, *, now: datetime) -> Confirmation:
    if subscriber.standing == Standing.ACTIVE:
        return _confirmation(ConfirmationStatus.ALREADY, subscriber)
    if subscriber.standing == Standing.UNSUBSCRIBED or now > delivery.created_at + LINK_LIFETIME:
        return _confirmation(ConfirmationStatus.EXPIRED, subscriber)
    return _confirmation(ConfirmationStatus.READY, subscriber)


def subscriber_of(session: Session, address: Address, *, now: datetime) -> Subscriber:
    """The subscriber of an address, locked; where there is none, a new one that is pending."""
    new = Subscriber(email=address.text, email_key=address.key, created_at=now)
    insert_new(session.connection(), Subscriber, [new.model_dump(exclude={"id"})])
    return session.exec(select(Subscriber).where(Subscriber.email_key == address.key).with_for_update()).one()


def _choose(session: Session, subscriber: Subscriber, choices: Choices) -> None:
    subscriber.hour, subscriber.time_zone, subscriber.days = choices.hour, choices.time_zone, choices.days
    set_topics(session, _id(subscriber), choices.topics)


def mail_within_limits(session: Session, kind: Kind, subscriber: Subscriber, *, now: datetime) -> None:
    """Ask for a letter to an address that somebody typed in, unless it had one lately, or too many."""
    if session.get(Suppression, subscriber.email_key):
        return
    asks = kind in _ASK
    if asks and subscriber.confirmations >= _MAILS_UNTIL_CONFIRMED:
        return
    latest = session.exec(
        select(func.max(Delivery.created_at)).where(
            Delivery.subscriber_id == subscriber.id,
            col(Delivery.scheduled_day).is_(None),
            col(Delivery.kind).in_(_ASK if asks else (kind,)),
            col(Delivery.created_at) > (subscriber.confirmed_at or subscriber.created_at - _BETWEEN_MAILS),
        )
    ).one()
    if latest is None or now - latest >= _BETWEEN_MAILS:
        ask_for(session, kind, _id(subscriber), now=now)
        subscriber.confirmations += asks


def _behind(delivery_id: int) -> Select[Delivery, Subscriber]:
    """The confirmation mail of a link, and its subscriber."""
    return (
        select(Delivery, Subscriber)
        .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
        .where(Delivery.id == delivery_id, Delivery.kind == Kind.CONFIRMATION)
    )


def _confirmation(status: ConfirmationStatus, subscriber: Subscriber) -> Confirmation:
    return Confirmation(
        status=status,
        subscriber_id=subscriber.id,
        email=subscriber.email,
        locale=subscriber.locale,
        next_send_at=subscriber.next_send_at,
        time_zone=subscriber.time_zone,
    )


def _id(subscriber: Subscriber) -> int:
    assert subscriber.id is not None  # noqa: S101 - it came out of the database
    return subscriber.id
