"""Being forgotten: a subscriber's row is emptied, and what was kept beside it goes; the ledger keeps its counts.

Of the address a keyed hash is kept, by which an import can tell that it must not bring it back. Only the person's own
sign-up does, and once that is confirmed the hash goes too. An address that bounced or complained is suppressed no
longer: its hash keeps it out of imports, and the limits of sign-ups keep strangers from writing to it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from sqlalchemy import Delete
from sqlmodel import Session, col, delete, select, update

from digestmail.store.models import (
    Bounce,
    ConsentEvent,
    Delivery,
    Erasure,
    Gift,
    LiftedSuppression,
    Subscriber,
    Subscription,
    Suppression,
)
from digestmail.store.states import Standing
from digestmail.subscribers.consent import Event

Fingerprint = Callable[[str], str]
"""Makes the keyed hash of an address's key, as `Tokens.fingerprint` does."""

_AT_ONCE = 1000


def erase(session: Session, subscriber_id: int, *, fingerprint: Fingerprint, now: datetime) -> str:
    """Forget a subscriber. The address, for what is kept outside of the database; "" where there was none to forget.

    Deliveries keep their states and times. What mail servers said of them goes, as it may name the reader. What has
    not been sent never is, since nobody may be written to who is erased.
    """
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None or subscriber.standing == Standing.ERASED:
        return ""
    email, key = subscriber.email, subscriber.email_key
    session.merge(Erasure(email_hash=fingerprint(key), erased_at=now))
    _do(session, delete(Suppression).where(col(Suppression.email_key) == key))
    _do(session, delete(LiftedSuppression).where(col(LiftedSuppression.email_key) == key))
    for other in session.exec(select(Subscriber).where(Subscriber.moving_from_id == subscriber_id).with_for_update()):
        if other.standing == Standing.ERASED or not _signed_up(session, other):
            _empty(session, other, now=now)
        else:
            other.moving_from_id = None
    _empty(session, subscriber, now=now)
    return email


def erase_again(session: Session, erasures: Mapping[str, datetime], *, fingerprint: Fingerprint, now: datetime) -> int:
    """In a database that was put back, forget whom another had forgotten since; how many. `erasures` are by hash."""
    forgotten, after = 0, 0
    some = select(Subscriber.id, Subscriber.email_key, Subscriber.confirmed_at).order_by(col(Subscriber.id))
    while rows := session.exec(some.where(col(Subscriber.id) > after).limit(_AT_ONCE)).all():
        for number, key, confirmed_at in rows:
            after = number or 0
            erased_at = erasures.get(fingerprint(key))
            if erased_at and (confirmed_at is None or confirmed_at < erased_at):
                forgotten += bool(erase(session, after, fingerprint=fingerprint, now=now))
    for email_hash, erased_at in erasures.items():
        session.merge(Erasure(email_hash=email_hash, erased_at=erased_at))
    return forgotten


def erasures(session: Session) -> dict[str, datetime]:
    """When somebody was forgotten, by the hash of the address."""
    return dict(session.exec(select(Erasure.email_hash, Erasure.erased_at)).all())


def erased_among(session: Session, keys: Iterable[str], *, fingerprint: Fingerprint) -> set[str]:
    """Which of these addresses, by their keys, asked to be forgotten."""
    hashes = {fingerprint(key): key for key in keys}
    found = session.exec(select(Erasure.email_hash).where(col(Erasure.email_hash).in_(hashes)))
    return {hashes[each] for each in found}


def came_back(session: Session, subscriber_id: int, *, fingerprint: Fingerprint) -> None:
    """Who has confirmed a sign-up of their own is not to be kept out any more."""
    subscriber = session.get(Subscriber, subscriber_id)
    if subscriber is not None:
        _do(session, delete(Erasure).where(col(Erasure.email_hash) == fingerprint(subscriber.email_key)))


def whose(session: Session, subscriber_id: int) -> int | None:
    """Who is meant by an old link to a subscriber: who has the address now, or None where it was forgotten.

    An unknown number is given back as it is.
    """
    found = session.exec(
        select(Subscriber.standing, Subscriber.moving_from_id).where(Subscriber.id == subscriber_id)
    ).first()
    if found is None or found[0] != Standing.ERASED:
        return subscriber_id
    return found[1]


def reader_of(session: Session, delivery_id: int) -> int:
    """The subscriber of a delivery; 0 where the ledger does not know it."""
    return session.exec(select(Delivery.subscriber_id).where(Delivery.id == delivery_id)).first() or 0


def take_name(subscriber: Subscriber, *, now: datetime) -> None:
    """Take from a row all that could tell whose it was. It stays, as deliveries and old links name it."""
    empty = Subscriber(
        id=subscriber.id, email="", email_key=f"erased-{subscriber.id}", standing=Standing.ERASED, created_at=now
    )
    for name in Subscriber.model_fields:
        setattr(subscriber, name, getattr(empty, name))


def _empty(session: Session, subscriber: Subscriber, *, now: datetime) -> None:
    take_name(subscriber, now=now)
    for kept in (Subscription, ConsentEvent, Bounce, Gift):
        _do(session, delete(kept).where(col(kept.subscriber_id) == subscriber.id))
    session.connection().execute(
        update(Delivery)
        .where(col(Delivery.subscriber_id) == subscriber.id, col(Delivery.reason).is_not(None))
        .values(reason=None)
    )
    session.flush()


def _signed_up(session: Session, subscriber: Subscriber) -> bool:
    """Whether somebody signed up with the address, besides being asked whether a subscription moves there."""
    signed_up = select(ConsentEvent.id).where(
        ConsentEvent.subscriber_id == subscriber.id, ConsentEvent.event == Event.SIGNED_UP
    )
    return session.exec(signed_up.limit(1)).first() is not None


def _do(session: Session, statement: Delete) -> None:
    session.connection().execute(statement)
