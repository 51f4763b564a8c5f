"""The demo publication itself: an invented newsroom, its stories and their pictures, and its feed with fresh dates."""

import tomllib
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zlib import crc32

_FOLDER = Path(__file__).parent / "lamplight"
PICTURES = _FOLDER / "pictures"

_ATOM = "http://www.w3.org/2005/Atom"
_MEDIA = "http://search.yahoo.com/mrss/"
_DAYS_LISTED = 2
_BLOCK = 8
"""So many stories a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What the newsroom writes about."""

    slug: str
    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One article. `topics` are names, `picture` is a file in PICTURES or empty."""

    slug: str
    title: str
    excerpt: str
    author: str
    topics: tuple[str, ...] = ()
    picture: str = ""
    paragraphs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """The publication; `appeal` is the article behind its announcement."""

    name: str
    sender: str
    postal_address: str
    topics: tuple[Topic, ...]
    stories: tuple[Story, ...]
    appeal: Story
    appeal_link: str
    appeal_alt: str
    """What the appeal's picture says."""
    appeal_season: str
    appeal_most_times: int


@cache
def newsroom() -> Newsroom:
    """The newsroom as written down in `lamplight/newsroom.toml`."""
    raw = tomllib.loads((_FOLDER / "newsroom.toml").read_text(encoding="utf-8"))
    topics = tuple(Topic(**topic) for topic in raw["topics"])
    names = {topic.slug: topic.name for topic in topics}
    appeal = raw["appeal"]
    return Newsroom(
        name=raw["name"],
        sender=raw["sender"],
        postal_address=raw["postal_address"],
        topics=topics,
        stories=tuple(
            Story(
                **story
                | {
                    "topics": tuple(names[slug] for slug in story["topics"]),
                    "paragraphs": tuple(story["paragraphs"]),
                }
            )
            for story in raw["stories"]
        ),
        appeal=Story(
            slug=appeal["slug"],
            title=appeal["title"],
            excerpt=appeal["text"],
            author=appeal["author"],
            picture=appeal["picture"],
            paragraphs=tuple(appeal["paragraphs"]),
        ),
        appeal_link=appeal["link_label"],
        appeal_alt=appeal["picture_alt"],
        appeal_season=appeal["season"],
        appeal_most_times=appeal["most_times"],
    )


def story(slug: str) -> Story | None:
    """The article of that slug, the appeal's too."""
    articles = (*newsroom().stories, newsroom().appeal)
    return next((article for article in articles if article.slug == slug), None)


def published(now: datetime) -> list[tuple[datetime, Story]]:
    """The stories of today and yesterday (UTC) that are out at `now`, newest first, each with its instant.

    Each day has the next block of stories. An instant depends on the day and the story alone, so it stays as it is.
    """
    today = now.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(_DAYS_LISTED)]
    out = [(_instant(day, place, article), article) for day in days for place, article in enumerate(_block(day))]
    return sorted(((at, article) for at, article in out if at <= now), key=lambda pair: pair[0], reverse=True)


def feed_document(*, base_url: str, now: datetime) -> bytes:
    """The feed (Atom, RFC 4287). A story that comes round again on a later day has a new identity and a new link."""
    for prefix, namespace in (("", _ATOM), ("media", _MEDIA)):
        ET.register_namespace(prefix, namespace)
    entries = published(now)
    feed = ET.Element(f"{{{_ATOM}}}feed", {"xml:lang": "en"})
    _add(feed, "id", "tag:lamplight.example,2020:feed")
    _add(feed, "title", newsroom().name)
    _add(feed, "updated", entries[0][0].isoformat())
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{base_url}/demo/feed.atom")
    _add(feed, "link", rel="alternate", type="text/html", href=f"{base_url}/")
    for at, article in entries:
        _add_entry(feed, article, at=at, base_url=base_url)
    return bytes(ET.tostring(feed, encoding="utf-8", xml_declaration=True))


def _add_entry(feed: ET.Element, article: Story, *, at: datetime, base_url: str) -> None:
    day = at.date().isoformat()
    entry = _add(feed, "entry")
    _add(entry, "id", f"tag:lamplight.example,{day}:{article.slug}")
    _add(entry, "title", article.title)
    _add(entry, "published", at.isoformat())
    _add(entry, "updated", at.isoformat())
    _add(entry, "link", rel="alternate", type="text/html", href=f"{base_url}/demo/stories/{article.slug}?day={day}")
    _add(_add(entry, "author"), "name", article.author)
    for topic in article.topics:
        _add(entry, "category", term=topic)
    _add(entry, "summary", article.excerpt)
    if article.picture:
        picture = f"{base_url}/demo/pictures/{article.picture}"
        ET.SubElement(entry, f"{{{_MEDIA}}}content", url=picture, medium="image", type="image/jpeg")


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    element.text = text or None
    return element


def _block(day: date) -> tuple[Story, ...]:
    stories = newsroom().stories
    first = day.toordinal() * _BLOCK % len(stories)
    return stories[first : first + _BLOCK]


def _instant(day: date, place: int, article: Story) -> datetime:
    """A time of that day: about three hours after the story before, at an odd minute that stays the same."""
    minutes = 20 + place * 170 + crc32(article.slug.encode()) % 60
    return datetime.combine(day, time(), UTC) + timedelta(minutes=minutes)
