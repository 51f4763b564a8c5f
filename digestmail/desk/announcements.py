"""The publisher's dated block, such as a fundraiser: written, listed, changed and taken back."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, Unpack

from sqlmodel import Session, col, delete, select

from digestmail.errors import InputError
from digestmail.messages.prose import web_address
from digestmail.store.models import Announcement, AnnouncementTopic, Topic
from digestmail.subscribers.choices import find_topics

_LONGEST_SEASON = 40
_MOST_TIMES = 1000


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


class Details(TypedDict, total=False):
    """What an announcement may have besides its title and its dates."""

    text: str
    link_url: str
    link_label: str
    image_url: str
    image_alt: str
    image_size: tuple[int, int] | None
    """Width and height in pixels."""
    most_times: int | None
    season: str


class Changes(Details, total=False):
    """What may be changed of an announcement."""

    title: str
    starts_at: datetime
    ends_at: datetime


def add_announcement(
    session: Session,
    *,
    title: str,
    starts_at: datetime,
    ends_at: datetime,
    topics: Sequence[str] = (),
    **details: Unpack[Details],
) -> int:
    """Add an announcement that stands in the digests from `starts_at` until before `ends_at`; its id.

    Raises InputError, with its field, for what cannot be shown.
    """
    row = Announcement(title=title, starts_at=starts_at, ends_at=ends_at)
    _write(row, **details)
    limits = find_topics(session, topics)
    session.add(row)
    session.flush()
    number = row.id or 0
    session.add_all(AnnouncementTopic(announcement_id=number, topic_id=topic) for topic in limits)
    session.flush()
    return number


def change_announcement(session: Session, number: int, **changes: Unpack[Changes]) -> None:
    """Change what is given of an announcement, for the editions to come.

    Raises InputError, with its field, for what cannot be shown, and where there is none of that number.
    """
    row = session.get(Announcement, number)
    if row is None:
        raise _unknown(number)
    if "image_url" in changes:  # what was said of the old picture does not hold for a new one
        none: Changes = {"image_size": None}
        changes = none | ({} if changes["image_url"] else {"image_alt": ""}) | changes
    session.expunge(row)  # until it is known to be good
    _write(row, **changes)
    session.add(row)
    session.flush()


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
        raise _unknown(number)


def read_size(text: str) -> tuple[int, int]:
    """A picture's width and height, written as 600x200. Raises InputError."""
    found = re.fullmatch(r"\s*(\d{1,5})\s*[x×]\s*(\d{1,5})\s*", text, re.IGNORECASE)
    width, height = map(int, found.groups()) if found else (0, 0)
    if not width or not height:
        raise InputError(f"“{text}” is no size: write width and height in pixels, such as 600x200.", field="image-size")
    return width, height


def _write(row: Announcement, **changes: Unpack[Changes]) -> None:
    if "image_size" in changes:
        row.image_width, row.image_height = changes.pop("image_size") or (None, None)
    for name, value in changes.items():
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    row.title = row.title.strip()
    row.link_label = row.link_label or ("Read more" if row.link_url else "")
    _check(row)


def _check(row: Announcement) -> None:
    if not row.title:
        raise InputError("An announcement needs a title.", field="title")
    if row.ends_at <= row.starts_at:
        raise InputError("The announcement ends before it starts.", field="end")
    if row.link_url and not web_address(row.link_url):
        raise InputError(f"“{row.link_url}” is no link; it starts with https://.", field="link")
    if row.image_url and not web_address(row.image_url):
        raise InputError(f"“{row.image_url}” is no address of a picture; it starts with https://.", field="image")
    if row.image_url and not row.image_alt:
        raise InputError(
            "The picture needs a text that says the same: many readers see it first, or alone.", field="image-alt"
        )
    if not row.image_url and (row.image_alt or row.image_width):
        raise InputError("There is a text or a size for a picture, but no picture.", field="image")
    if row.most_times is not None and not 1 <= row.most_times <= _MOST_TIMES:
        raise InputError(
            f"Nobody sees it {row.most_times} times: the limit is from 1 to {_MOST_TIMES} digests.", field="most-times"
        )
    if len(row.season) > _LONGEST_SEASON or not row.season.isprintable():
        raise InputError(f"A season has a short name, of at most {_LONGEST_SEASON} letters.", field="season")


def _unknown(number: int) -> InputError:
    return InputError(f"There is no announcement {number}. See `digestmail announcement list`.")
