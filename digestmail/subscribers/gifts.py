"""What readers say who gave already: no announcement of that season for them, until they take it back.

The link in a mail stands for the reader alone. It speaks of every announcement that runs when it is used and has a
season, so it works as long as there is one, from however old a mail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, delete, select

from digestmail.store.database import insert_new
from digestmail.store.models import Announcement, Gift, Subscriber


@dataclass(frozen=True, slots=True, kw_only=True)
class Appeals:
    """The titles of the announcements that run and have a season, and whether the reader gave in each of these."""

    titles: tuple[str, ...] = ()
    gave: bool = False
    locale: str | None = None
    """The reader's language; none of an unknown reader."""


def appeals(session: Session, subscriber_id: int, *, now: datetime) -> Appeals:
    """What a reader may say to have given for; nothing for an unknown one."""
    reader = session.get(Subscriber, subscriber_id)
    if reader is None:
        return Appeals()
    running = _running(session, now)
    given = set(session.exec(select(Gift.season).where(Gift.subscriber_id == subscriber_id)))
    return Appeals(
        titles=_titles(running),
        gave=given.issuperset(season for _, season in running),
        locale=reader.locale,
    )


def give(session: Session, subscriber_id: int, *, now: datetime) -> Appeals:
    """The reader gave, in every season that runs now; again is fine."""
    reader = session.get(Subscriber, subscriber_id, with_for_update=True)
    if reader is None:
        return Appeals()
    running = _running(session, now)
    seasons = {season for _, season in running}
    gifts = [{"subscriber_id": subscriber_id, "season": season, "at": now} for season in sorted(seasons)]
    insert_new(session.connection(), Gift, gifts)
    return Appeals(titles=_titles(running), gave=True, locale=reader.locale)


def take_back(session: Session, subscriber_id: int, *, now: datetime) -> Appeals:
    """The reader did not give, in any season that runs now; again is fine."""
    seasons = [season for _, season in _running(session, now)]
    gifts = delete(Gift).where(col(Gift.subscriber_id) == subscriber_id, col(Gift.season).in_(seasons))
    session.connection().execute(gifts)
    return appeals(session, subscriber_id, now=now)


def _running(session: Session, now: datetime) -> Sequence[tuple[str, str]]:
    """(title, season) of the announcements that run and have one."""
    running = select(Announcement.title, Announcement.season).where(
        Announcement.starts_at <= now, Announcement.ends_at > now, Announcement.season != ""
    )
    return session.exec(running.order_by(col(Announcement.id))).all()


def _titles(running: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(title for title, _ in running))
