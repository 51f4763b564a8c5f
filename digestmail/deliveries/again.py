"""Sends a reader the last digest again: a copy of its edition, in the topics that the reader has now.

Who presses twice gets one, and nobody gets more than a few a day, so that a link that was passed on fills no mailbox.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session, col, select

from digestmail.deliveries.ledger import OPEN
from digestmail.editions.content import Content
from digestmail.editions.select import select as select_stories
from digestmail.store.models import Delivery, Edition, Subscriber, Suppression
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, Standing, State
from digestmail.subscribers.choices import topics_of

MOST_COPIES = 3
_WITHIN = timedelta(hours=24)
"""A reader gets so many at most in so long a time."""
_TWICE = timedelta(minutes=1)
"""Who asks again so soon has pressed twice."""


class Answer(StrEnum):
    """What becomes of a reader's wish."""

    COMES = "comes"
    ENOUGH = "enough"
    """It went out as often as it may already."""
    NONE = "none"
    """The ledger knows of no digest that went to the reader: it never had one, or the last was too long ago."""
    EMPTY = "empty"
    """The last digest has no story in the topics that the reader has now."""
    UNWANTED = "unwanted"
    """The reader has unsubscribed, or the address is suppressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The answer, and what is needed to tell it to the reader."""

    answer: Answer
    email: str
    locale: str
    time_zone: str
    next_send_at: datetime | None = None
    again_at: datetime | None = None
    """With ENOUGH: when a copy may be asked for again."""


def ask_again(session: Session, subscriber_id: int, *, now: datetime) -> Asked | None:
    """Ask for a copy of the last digest, or welcome, that went to a subscriber; None for an unknown one."""
    reader = session.get(Subscriber, subscriber_id, with_for_update=True)
    if reader is None:
        return None
    answer, again_at = _ask(session, reader, subscriber_id, now)
    return Asked(
        answer=answer,
        email=reader.email,
        locale=reader.locale,
        time_zone=reader.time_zone,
        next_send_at=reader.next_send_at,
        again_at=again_at,
    )


def _ask(session: Session, reader: Subscriber, number: int, now: datetime) -> tuple[Answer, datetime | None]:
    if reader.standing != Standing.ACTIVE or session.get(Suppression, reader.email_key) is not None:
        return Answer.UNWANTED, None
    edition = _last_edition(session, number)
    if edition is None or edition.id is None:
        return Answer.NONE, None
    copies = _copies(session, number, since=now - _WITHIN)
    if any(copy.edition_id == edition.id and _is_under_way(copy, now) for copy in copies):
        return Answer.COMES, None
    if len(copies) >= MOST_COPIES:
        return Answer.ENOUGH, copies[-MOST_COPIES].created_at + _WITHIN
    if not select_stories(Content.from_json(edition.content), topics_of(session, number)).stories:
        return Answer.EMPTY, None
    ask_for(session, Kind.COPY, number, edition_id=edition.id, now=now)
    return Answer.COMES, None


def _last_edition(session: Session, subscriber_id: int) -> Edition | None:
    """That of the last digest or welcome that went out."""
    return session.exec(
        select(Edition)
        .join(Delivery, col(Delivery.edition_id) == Edition.id)
        .where(
            Delivery.subscriber_id == subscriber_id,
            col(Delivery.kind).in_((Kind.DIGEST, Kind.WELCOME)),
            Delivery.state == State.SENT,
        )
        .order_by(col(Delivery.slot_at).desc(), col(Delivery.id).desc())
        .limit(1)
    ).first()


def _copies(session: Session, subscriber_id: int, *, since: datetime) -> list[Delivery]:
    """The subscriber's copies, the oldest first."""
    wanted = select(Delivery).where(
        Delivery.subscriber_id == subscriber_id,
        col(Delivery.scheduled_day).is_(None),
        Delivery.kind == Kind.COPY,
        Delivery.created_at > since,
    )
    return list(session.exec(wanted.order_by(col(Delivery.created_at), col(Delivery.id))))


def _is_under_way(copy: Delivery, now: datetime) -> bool:
    return copy.state in OPEN or now - copy.created_at < _TWICE
