"""Readers in some standing, for the tests of what they may ask for."""

from datetime import datetime

from sqlmodel import Session, col, select

from digestmail.store.models import Delivery, Subscriber
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.sign_up import confirm, sign_up
from digestmail.tokens import Tokens
from tests.subscribers.conftest import FORM

FINGERPRINT = Tokens("a secret").fingerprint


def pending(session: Session, email: str, *, now: datetime) -> int:
    """Somebody who signed up and has not confirmed; the id."""
    sign_up(session, email=email, topics=["climate"], hour="7", time_zone="Europe/Berlin", origin=FORM, now=now)
    session.flush()
    return subscriber(session, email).id or 0


def active(session: Session, email: str = "ann@example.org", *, now: datetime) -> int:
    """Somebody who confirmed; the id."""
    number = pending(session, email, now=now)
    confirm(session, letters(session, number, Kind.CONFIRMATION)[-1], origin=FORM, now=now)
    session.flush()
    assert subscriber(session, email).standing == Standing.ACTIVE
    return number


def subscriber(session: Session, email: str) -> Subscriber:
    return session.exec(select(Subscriber).where(Subscriber.email_key == email)).one()


def letters(session: Session, subscriber_id: int, kind: Kind) -> list[int]:
    """The deliveries of a kind to a subscriber, the latest last."""
    session.flush()
    wanted = select(Delivery.id).where(Delivery.subscriber_id == subscriber_id, Delivery.kind == kind)
    return [number or 0 for number in session.exec(wanted.order_by(col(Delivery.id)))]
