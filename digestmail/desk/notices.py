"""Tells the operator by mail what the sentinel has noted: all of it in one mail, and not one mail after the other.

The mail goes first and is noted second, so a crash between the two sends it again: an operator may rather hear of a
trouble twice than never. It has the same Message-ID then, by which receivers fold the double. While the mail server
takes nothing the notices wait, and so do they where nobody is to be told by mail; the operator's page shows them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr

import structlog
from sqlmodel import Session, col, func, select, update

from digestmail.address import domain_of
from digestmail.errors import RelayError
from digestmail.feeds.quarantine import quarantined
from digestmail.feeds.sentinel import SETTLED_AFTER
from digestmail.feeds.trouble import name_of
from digestmail.messages.message import Message
from digestmail.messages.notice import Told, compose_notice
from digestmail.messages.publication import Publication
from digestmail.settings import Settings
from digestmail.store.database import Database
from digestmail.store.models import Feed, Notice
from digestmail.store.states import Trouble

MAILS_APART = timedelta(minutes=15)
"""The least time from a mail to the next; …"""
GOOD_NEWS_APART = timedelta(hours=6)
"""… from any mail to one that brings only good news."""
FRESH = timedelta(days=7)
"""What could not be mailed for so long is left to the operator's page."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Round:
    """What goes into one mail."""

    notices: tuple[int, ...]
    told: tuple[Told, ...]
    known: tuple[str, ...]


def operator_address(settings: Settings) -> str | None:
    """Where notices go: to OPERATOR, else into the local inbox, or nowhere if there is none."""
    if settings.operator or settings.relay:
        return settings.operator
    return f"operator@{domain_of(parseaddr(settings.sender)[1])}"


def send_notices(
    database: Database,
    *,
    now: datetime,
    recipient: str | None,
    publication: Publication,
    installation: str,
    send: Callable[[Message], None],
) -> int:
    """Mail what the operator has not been told yet, if it is time for that; how many notices went out.

    `send` raises RelayError where the mail server did not take the message: that is logged, and tried again next time.
    """
    if recipient is None:
        return 0
    with database.reading() as session:
        found = _gather(session, now=now)
    if found is None:
        return 0
    message = compose_notice(
        found.told,
        known=found.known,
        notices=found.notices,
        recipient=recipient,
        publication=publication,
        installation=installation,
        date_at=now,
    )
    try:
        send(message)
    except RelayError as error:
        _log.warning("the operator could not be told", notices=len(found.notices), error=str(error))
        return 0
    with database.writing() as connection:
        connection.execute(update(Notice).where(col(Notice.id).in_(found.notices)).values(sent_at=now))
    return len(found.notices)


def _gather(session: Session, *, now: datetime) -> _Round | None:
    """What is to be told now. A feed's last notice is the one that counts."""
    unsent = select(Notice).where(col(Notice.sent_at).is_(None), col(Notice.created_at) > now - FRESH)
    waiting = quarantined(session)
    due = [
        notice
        for notice in session.exec(unsent.order_by(col(Notice.id)))
        if _is_settled(notice, now=now) and not _is_decided(notice, waiting)
    ]
    if not due:
        return None
    last_mail_at = session.exec(select(func.max(Notice.sent_at))).one()
    latest = {notice.feed_id: notice for notice in due}
    apart = MAILS_APART if any(notice.trouble for notice in latest.values()) else GOOD_NEWS_APART
    if last_mail_at is not None and timedelta() <= now - last_mail_at < apart:  # a clock may have travelled in time
        return None
    return _Round(
        notices=tuple(notice.id for notice in due if notice.id is not None),
        told=_told(session, list(latest.values())),
        known=_known(session, latest),
    )


def _is_settled(notice: Notice, *, now: datetime) -> bool:
    return bool(notice.trouble) or notice.created_at <= now - SETTLED_AFTER


def _is_decided(notice: Notice, waiting: Mapping[int, int]) -> bool:
    """Whether it asks what the operator has decided on the page meanwhile."""
    return notice.trouble == Trouble.QUARANTINE and notice.feed_id not in waiting


def _told(session: Session, notices: Sequence[Notice]) -> tuple[Told, ...]:
    concerned = select(Feed).where(col(Feed.id).in_({notice.feed_id for notice in notices}))
    feeds = {feed.id: feed for feed in session.exec(concerned)}
    return tuple(
        Told(
            feed_id=notice.feed_id,
            name=name_of(feed) if (feed := feeds.get(notice.feed_id)) else "",
            url=feed.url if feed else "",
            trouble=Trouble(notice.trouble) if notice.trouble else None,
            text=notice.text,
        )
        for notice in notices
    )


def _known(session: Session, told_now: dict[int | None, Notice]) -> tuple[str, ...]:
    """The names of the feeds in trouble that the mail does not speak of; it speaks of all where one notice does."""
    if None in told_now:
        return ()
    feeds = session.exec(select(Feed).where(col(Feed.told) != "").order_by(col(Feed.id)))
    return tuple(name_of(feed) for feed in feeds if feed.id not in told_now)
