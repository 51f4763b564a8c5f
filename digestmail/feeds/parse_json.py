"""JSON Feed 1.0 and 1.1 (jsonfeed.org): nothing in the document is trusted to have the type that it should have."""

import html
import re
from collections.abc import Iterator
from typing import Any

from digestmail.feeds import clean, picture
from digestmail.feeds.dates import read_date
from digestmail.feeds.document import MAX_ENTRIES, Entry, ParsedFeed, make_entry
from digestmail.feeds.picture import Picture, urljoin_or_nothing

_VERSION = re.compile(r"(?:.*jsonfeed\.org/version/)?1(?:\.\d)?/?")
"""The address that names the format; some write its number alone."""


def parse_json(document: object, *, url: str) -> ParsedFeed | None:
    """Read decoded JSON; None where it is no JSON Feed."""
    feed = _object(document)
    if not _VERSION.fullmatch(_text(feed.get("version")).strip()):
        return None
    authors = clean.title(html.escape(_authors(feed)))
    language = clean.language(_text(feed.get("language")))
    items = [item for item in _list(feed.get("items")) if isinstance(item, dict)][:MAX_ENTRIES]
    return ParsedFeed(
        title=clean.title(html.escape(_text(feed.get("title")))),
        site_url=_link(feed.get("home_page_url"), url=url),
        language=language,
        hub_url=next(filter(None, (_link(_object(hub).get("url"), url=url) for hub in _list(feed.get("hubs")))), ""),
        self_url=_link(feed.get("feed_url"), url=url),
        entries=tuple(_entry(item, url=url, authors=authors, language=language) for item in items),
    )


def _entry(item: dict[str, Any], *, url: str, authors: str, language: str) -> Entry:
    """`authors` and `language` are the feed's."""
    content = _text(item.get("content_html"))
    return make_entry(
        guid=_text(item.get("id")),
        link=_link(item.get("url"), url=url) or _link(item.get("external_url"), url=url),
        title=html.escape(_text(item.get("title"))),
        texts=[html.escape(_text(item.get("summary"))), content, html.escape(_text(item.get("content_text")))],
        author=html.escape(_authors(item) or authors),
        image_url=_image(item, content, base=url),
        published_at=read_date(_text(item.get("date_published"))) or read_date(_text(item.get("date_modified"))),
        categories=[_text(tag) for tag in _list(item.get("tags"))],
        language=clean.language(_text(item.get("language"))) or language,
    )


def _link(value: object, *, url: str) -> str:
    link = _text(value).strip()
    return clean.safe_link(urljoin_or_nothing(url, link)) if link else ""


def _image(item: dict[str, Any], content: str, *, base: str) -> str:
    stated = [Picture(_text(item.get(name))) for name in ("image", "banner_image")]
    attached = [
        Picture(_text(attachment.get("url")))
        for attachment in map(_object, _list(item.get("attachments")))
        if picture.is_image(attachment.get("mime_type"), attachment.get("url"))
    ]
    return picture.best_of([*stated, *attached], base=base) or picture.first_of(picture.in_html(content), base=base)


def _authors(holder: dict[str, Any]) -> str:
    """The names in `authors` (1.1), else in `author` (1.0)."""
    return ", ".join(_names(_list(holder.get("authors")))) or ", ".join(_names([holder.get("author")]))


def _names(authors: list[Any]) -> Iterator[str]:
    return filter(None, (_text(_object(author).get("name")) for author in authors))


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object) -> str:
    """A string, or a number as some feeds write their ids; "" for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""
