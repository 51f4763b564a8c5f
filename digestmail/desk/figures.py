"""The figures of one installation at one instant, read only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from digestmail.deliveries.accounts import accounts
from digestmail.deliveries.bounces.history import Returns, returns
from digestmail.deliveries.heartbeat import living, work_is_due
from digestmail.desk.departures import Departures, departures
from digestmail.desk.feed_cards import FeedCard, NoticeLine, feed_cards, latest_notices
from digestmail.store.models import Delivery, Item, Subscriber, Topic
from digestmail.store.states import Standing, State

_BROKEN_SHOWN = 10
_LEFT_BY_CRON = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenItem:
    """An item that no edition shows, and why."""

    title: str
    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts for the operator. The mappings have a number for every standing and state, 0 included."""

    day: date
    """Today in the publication's time zone; `today` counts the digests scheduled for it, and no letters or welcomes."""
    topics: int
    items: int
    feeds: tuple[FeedCard, ...]
    """Those in trouble first."""
    notices: tuple[NoticeLine, ...]
    """The newest few."""
    subscribers: Mapping[Standing, int]
    """But for those who asked to be forgotten."""
    today: Mapping[State, int]
    total: Mapping[State, int]
    next_slot_at: datetime | None
    next_slot_subscribers: int
    workers: int
    """How many showed that they live within the last minute."""
    stalled: bool
    """Whether there is no worker and something has been due for longer than cron would leave it."""
    missing: int
    """Deliveries that were planned and are in no state: 0, or something is wrong."""
    returns: Returns
    """What came back in the last seven days."""
    departures: Departures
    """Who left lately, and why."""
    broken: tuple[BrokenItem, ...]
    """The newest few."""


def figures(session: Session, *, now: datetime, time_zone: str) -> Figures:
    """Count, at `now`, for a publication in `time_zone`."""
    day = now.astimezone(ZoneInfo(time_zone)).date()
    standings = _counts(session, col(Subscriber.standing))
    today = _counts(session, col(Delivery.state), col(Delivery.scheduled_day) == day)
    total = _counts(session, col(Delivery.state))
    next_slot_at = session.exec(select(func.min(Subscriber.next_send_at))).one()
    in_next_slot = select(func.count()).where(col(Subscriber.next_send_at) == next_slot_at)
    workers = len(living(session.connection()))
    return Figures(
        day=day,
        topics=session.exec(select(func.count()).select_from(Topic)).one(),
        items=session.exec(select(func.count()).select_from(Item)).one(),
        feeds=feed_cards(session, now=now, time_zone=time_zone),
        notices=latest_notices(session),
        subscribers={standing: standings.get(standing, 0) for standing in Standing if standing != Standing.ERASED},
        today={state: today.get(state, 0) for state in State},
        total={state: total.get(state, 0) for state in State},
        next_slot_at=next_slot_at,
        next_slot_subscribers=session.exec(in_next_slot).one() if next_slot_at else 0,
        workers=workers,
        stalled=not workers and work_is_due(session.connection(), now=now - _LEFT_BY_CRON),
        missing=sum(abs(account.missing) for account in accounts(session.connection()).values()),
        returns=returns(session, now=now),
        departures=departures(session, now=now),
        broken=_broken(session),
    )


def _counts(session: Session, column: Any, *where: ColumnElement[bool]) -> dict[str, int]:
    return dict(session.exec(select(column, func.count()).where(*where).group_by(column)).all())


def _broken(session: Session) -> tuple[BrokenItem, ...]:
    rows = session.exec(
        select(Item.title, Item.url, Item.broken)
        .where(col(Item.broken).is_not(None))
        .order_by(col(Item.id).desc())
        .limit(_BROKEN_SHOWN)
    )
    return tuple(BrokenItem(title=title, url=url, reason=reason or "") for title, url, reason in rows)
