"""JSON Feed 1.0 and 1.1 (jsonfeed.org): nothing in the document is trusted to have the type that it should have."""

import html
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from digestmail.feeds import picture
from digestmail.feeds.clean import title
from digestmail.feeds.document import MAX_ENTRIES, Entry, ParsedFeed, make_entry
from digestmail.feeds.picture import Picture, urljoin_or_nothing

_VERSION = "jsonfeed.org/version/1"


def parse_json(document: object, *, url: str) -> ParsedFeed | None:
    """Read decoded JSON; None where it is no JSON Feed."""
    feed = _object(document)
    if _VERSION not in _text(feed.get("version")):
        return None
    authors = _authors(feed)
    items = map(_object, _list(feed.get("items"))[:MAX_ENTRIES])
    entries = (_entry(item, url=url, feed_authors=authors) for item in items)
    return ParsedFeed(title=title(html.escape(_text(feed.get("title")))), entries=tuple(filter(None, entries)))


def _entry(item: dict[str, Any], *, url: str, feed_authors: str) -> Entry | None:
    link = _text(item.get("url")) or _text(item.get("external_url"))
    content = _text(item.get("content_html"))
    return make_entry(
        guid=_text(item.get("id")),
        link=urljoin_or_nothing(url, link) if link else "",
        title=html.escape(_text(item.get("title"))),
        texts=[html.escape(_text(item.get("summary"))), content, html.escape(_text(item.get("content_text")))],
        author=html.escape(_authors(item) or feed_authors),
        image_url=_image(item, content, base=url),
        published_at=_instant(item.get("date_published")) or _instant(item.get("date_modified")),
        categories=[_text(tag) for tag in _list(item.get("tags"))],
    )


def _image(item: dict[str, Any], content: str, *, base: str) -> str:
    stated = [Picture(_text(item.get(name))) for name in ("image", "banner_image")]
    attached = [
        Picture(_text(attachment.get("url")))
        for attachment in map(_object, _list(item.get("attachments")))
        if _text(attachment.get("mime_type")).startswith("image/")
    ]
    return picture.best_of([*stated, *attached], base=base) or picture.first_of(picture.in_html(content), base=base)


def _authors(holder: dict[str, Any]) -> str:
    """The names in `authors` (1.1), else in `author` (1.0)."""
    return ", ".join(_names(_list(holder.get("authors")))) or ", ".join(_names([holder.get("author")]))


def _names(authors: list[Any]) -> Iterator[str]:
    return filter(None, (_text(_object(author).get("name")) for author in authors))


def _instant(value: object) -> datetime | None:
    """RFC 3339, in UTC; a time without a zone is taken for UTC. None where it cannot be read."""
    try:
        read = datetime.fromisoformat(_text(value).strip())
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """A string, or a number as some feeds write their ids; "" for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
