"""What an edition froze, as plain values: the topics, the stories and the announcements of one window.

It is kept as JSON with the edition, so a delivery that is tried again tomorrow is the same mail.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it was called when the edition was frozen."""

    id: int
    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An item as the edition shows it."""

    id: int
    title: str
    url: str
    excerpt: str
    author: str
    source: str
    image_url: str
    published_at: datetime
    topics: tuple[int, ...]
    """The ids of the topics that show it in this window, in the order of the topics."""
    earlier: tuple[int, ...] = ()
    """The ids of topics that showed it before this window: their readers have had it."""
    language: str = ""
    """RFC 5646; empty where nobody says."""
    more: int = 0
    """Stands for so many stories of its source that are not shown, instead of being one; its link is the site's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The publisher's block; for the readers of `topics`, or for everybody where that is empty."""

    id: int
    title: str
    text: str
    link_url: str
    link_label: str
    topics: tuple[int, ...] = ()
    image_url: str = ""
    image_alt: str = ""
    image_width: int | None = None
    image_height: int | None = None
    """Both in pixels, where they are known."""
    season: str = ""
    """What it collects for; where it has one, a reader can say to have given already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """One edition. Topics stand in the publisher's order, stories newest first."""

    topics: tuple[Topic, ...]
    stories: tuple[Story, ...]
    announcements: tuple[Announcement, ...] = ()

    def to_json(self) -> str:
        """One JSON document; instants in ISO 8601. Half a surrogate pair is escaped, since no database takes it."""
        document = json.dumps(asdict(self), default=datetime.isoformat, ensure_ascii=False, separators=(",", ":"))
        return document.encode("utf-8", "backslashreplace").decode("utf-8")

    @classmethod
    def from_json(cls, document: str) -> "Content":
        """The inverse of `to_json`."""
        raw = json.loads(document)
        return cls(
            topics=tuple(Topic(**topic) for topic in raw["topics"]),
            stories=tuple(
                Story(
                    **story
                    | {
                        "published_at": datetime.fromisoformat(story["published_at"]),
                        "topics": tuple(story["topics"]),
                        "earlier": tuple(story["earlier"]),
                    }
                )
                for story in raw["stories"]
            ),
            announcements=tuple(
                Announcement(**announcement | {"topics": tuple(announcement["topics"])})
                for announcement in raw["announcements"]
            ),
        )
