"""The publisher's dated block, such as a fundraiser: written, listed and taken back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlmodel import Session, col, delete, select

from digestmail.errors import InputError
from digestmail.store.models import Announcement, AnnouncementTopic, Topic
from digestmail.subscribers.choices import find_topics


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncementRow:
    """An announcement as a list shows it; no `topics` means that it is for everybody."""

    id: int
    title: str
    text: str
    link_url: str
    link_label: str
    image_url: str
    image_alt: str
    image_width: int | None
    image_height: int | None
    starts_at: datetime
    ends_at: datetime
    most_times: int | None
    season: str
    topics: tuple[str, ...]


def add_announcement(
    session: Session,
    *,
    title: str,
    text: str = "",
    link_url: str = "",
    link_label: str = "",
    starts_at: datetime,
    ends_at: datetime,
    topics: Sequence[str] = (),
) -> int:
    """Add an announcement that stands in the digests from `starts_at` until before `ends_at`; its id.

    Raises InputError, with its field, for what cannot be shown.
    """
    if not title.strip():
        raise InputError("An announcement needs a title.", field="title")
    if ends_at <= starts_at:
        raise InputError("The announcement ends before it starts.", field="end")
    if link_url and (urlsplit(link_url).scheme not in ("http", "https") or not urlsplit(link_url).hostname):
        raise InputError(f"“{link_url}” is no link; it starts with https://.", field="link")
    limits = find_topics(session, topics)
    row = Announcement(
        title=title.strip(),
        text=text.strip(),
        link_url=link_url,
        link_label=link_label.strip() or ("Read more" if link_url else ""),
        starts_at=starts_at,
        ends_at=ends_at,
    )
    session.add(row)
    session.flush()
    number = row.id or 0
    session.add_all(AnnouncementTopic(announcement_id=number, topic_id=topic) for topic in limits)
    session.flush()
    return number


def list_announcements(session: Session) -> list[AnnouncementRow]:
    """All announcements, the earliest first."""
    topics: dict[int, list[str]] = {}
    for number, slug in session.exec(
        select(AnnouncementTopic.announcement_id, Topic.slug)
        .join(Topic, col(Topic.id) == AnnouncementTopic.topic_id)
        .order_by(Topic.slug)
    ):
        topics.setdefault(number, []).append(slug)
    return [
        AnnouncementRow(**row.model_dump(), topics=tuple(topics.get(row.id or 0, ())))
        for row in session.exec(select(Announcement).order_by(col(Announcement.starts_at), col(Announcement.id)))
    ]


def remove_announcement(session: Session, number: int) -> None:
    """Take an announcement out of the editions to come. Raises InputError where there is none of that number."""
    if not session.exec(delete(Announcement).where(col(Announcement.id) == number)).rowcount:
        raise InputError(f"There is no announcement {number}. See `digestmail announcement list`.")
