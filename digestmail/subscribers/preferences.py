"""What a reader may see and change by the link in a digest's foot: topics, schedule, pause, language and format."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from digestmail.store.models import Delivery, Subscriber, is_in
from digestmail.store.states import OPEN, Kind, MailFormat
from digestmail.subscribers.choices import Choices, set_topics, topics_of
from digestmail.subscribers.consent import Event, Origin, record
from digestmail.subscribers.next_digest import reschedule
from digestmail.subscribers.pause import still_running


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """A subscriber's choices and what follows from them."""

    subscriber_id: int
    email: str
    standing: str
    choices: Choices
    locale: str
    next_send_at: datetime | None
    unsubscribed_at: datetime | None = None

    def pause(self, now: datetime) -> date | None:
        """The local day on which digests come again, while they are paused."""
        return still_running(self.choices.paused_until_day, time_zone=self.choices.time_zone, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a reader's saving did."""

    before: Preferences
    after: Preferences
    on_its_way: bool = False
    """Whether a digest or welcome was planned before and is not sent yet: no pause stops it."""


def find(session: Session, subscriber_id: int) -> Preferences | None:
    """The preferences of a subscriber, or None where there is no such one."""
    subscriber = session.get(Subscriber, subscriber_id)
    return None if subscriber is None else _preferences(session, subscriber)


def change(
    session: Session, subscriber_id: int, choices: Choices, *, locale: str | None = None, origin: Origin, now: datetime
) -> Change | None:
    """Take new choices for the next slot on, and another language or format for the next mail on.

    None for an unknown subscriber. Who changes nothing is not written down.
    """
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None:
        return None
    before = _preferences(session, subscriber)
    paused = before.pause(now)
    pause = still_running(choices.paused_until_day, time_zone=choices.time_zone, now=now)
    schedule = (choices.hour, choices.time_zone, choices.days)
    if (*schedule, pause) != (subscriber.hour, subscriber.time_zone, subscriber.days, paused):
        subscriber.hour, subscriber.time_zone, subscriber.days = schedule
        subscriber.paused_until_day = pause
        reschedule(session, subscriber, now=now, was_paused=paused is not None)
    subscriber.locale = locale or subscriber.locale
    subscriber.mail_format = choices.mail_format
    if choices.topics != before.choices.topics:
        set_topics(session, subscriber_id, choices.topics)
    session.flush()
    after = _preferences(session, subscriber)
    if after != before:
        record(session, subscriber, Event.CHANGED, origin=origin, now=now)
    return Change(before=before, after=after, on_its_way=_is_on_its_way(session, subscriber_id))


def drop_topics(
    session: Session, subscriber_id: int, topics: frozenset[int], *, origin: Origin, now: datetime
) -> Change | None:
    """Take some topics from a subscriber; None, and nothing is done, for an unknown one or where none would remain."""
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None:
        return None
    choices = _preferences(session, subscriber).choices
    rest = replace(choices, topics=choices.topics - topics)
    return change(session, subscriber_id, rest, origin=origin, now=now) if rest.topics else None


def _preferences(session: Session, subscriber: Subscriber) -> Preferences:
    subscriber_id = subscriber.id or 0
    return Preferences(
        subscriber_id=subscriber_id,
        email=subscriber.email,
        standing=subscriber.standing,
        choices=Choices(
            topics=topics_of(session, subscriber_id),
            hour=subscriber.hour,
            time_zone=subscriber.time_zone,
            days=subscriber.days,
            mail_format=MailFormat(subscriber.mail_format),
            paused_until_day=subscriber.paused_until_day,
        ),
        locale=subscriber.locale,
        next_send_at=subscriber.next_send_at,
        unsubscribed_at=subscriber.unsubscribed_at,
    )


def _is_on_its_way(session: Session, subscriber_id: int) -> bool:
    digests = col(Delivery.kind).in_((Kind.DIGEST, Kind.WELCOME))
    wanted = select(Delivery.id).where(Delivery.subscriber_id == subscriber_id, digests, is_in(*OPEN)).limit(1)
    return session.exec(wanted).first() is not None
