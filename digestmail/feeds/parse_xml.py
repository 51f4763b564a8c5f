"""RSS 0.9 to 2.0, RDF and Atom, read by feedparser and handed on as plain values.

feedparser is given a stream, never text or bytes, both of which it may take for a path or an address to open. Its own
clean-up of HTML is left off: everything is cleaned by ours.
"""

import html
import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import feedparser

from digestmail.feeds import picture
from digestmail.feeds.clean import title
from digestmail.feeds.document import MAX_ENTRIES, Entry, ParsedFeed, as_utc, make_entry
from digestmail.feeds.picture import Picture, pixels

_MAIL_ADDRESS = re.compile(r"[^\s()<>]+@[^\s()<>]+")


def parse_xml(body: bytes, *, content_type: str, url: str) -> ParsedFeed | None:
    """Read a document; None where it is no feed. Broken XML is read as far as it goes."""
    parsed = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": content_type, "content-location": url},
        resolve_relative_uris=False,
        sanitize_html=False,
    )
    if not parsed.get("version") and not parsed.entries:
        return None
    entries = (_entry(entry, url=url) for entry in parsed.entries[:MAX_ENTRIES])
    return ParsedFeed(
        title=title(_html(parsed.feed.get("title_detail"))),
        entries=tuple(filter(None, entries)),
        ttl=_ttl(parsed.feed.get("ttl")),
    )


def _entry(entry: Any, *, url: str) -> Entry | None:
    details = [entry.get("summary_detail"), *entry.get("content", [])]
    return make_entry(
        guid=entry.get("id", ""),
        link=entry.get("link", ""),
        title=_html(entry.get("title_detail")),
        texts=map(_html, details),
        author=", ".join(_authors(entry)),
        image_url=_image(entry, details, url=url),
        published_at=_published_at(entry),
        categories=[name for tag in entry.get("tags", []) for name in (tag.get("term"), tag.get("label")) if name],
    )


def _html(detail: Any) -> str:
    """The HTML of a text construct: what is plain text by its type is escaped."""
    if not detail:
        return ""
    value = str(detail.get("value") or "")
    return html.escape(value) if detail.get("type") == "text/plain" else value


def _authors(entry: Any) -> Iterator[str]:
    """The names, escaped, without mail addresses."""
    authors = entry.get("authors", [])
    if len(authors) == 1 and authors[0].get("email"):
        # feedparser finds only addresses with a short top-level domain and cuts the others in two.
        names = [_MAIL_ADDRESS.sub("", str(entry.get("author") or "")).strip(" ()<>")]
    else:
        names = [str(author.get("name") or "") for author in authors]
    return (html.escape(name) for name in names if name)


def _image(entry: Any, details: list[Any], *, url: str) -> str:
    stated = [
        _sized(media)
        for media in entry.get("media_content", [])
        if media.get("medium") == "image" or str(media.get("type", "")).startswith("image/")
    ]
    thumbnails = [_sized(media) for media in entry.get("media_thumbnail", [])]
    enclosed = [
        Picture(str(enclosure.get("href", "")))
        for enclosure in entry.get("enclosures", [])
        if str(enclosure.get("type", "")).startswith("image/")
    ]
    if found := picture.best_of([*stated, *enclosed, *thumbnails], base=url):
        return found
    for detail in filter(None, details):
        if found := picture.first_of(picture.in_html(_html(detail)), base=detail.get("base") or url):
            return found
    return ""


def _sized(media: Any) -> Picture:
    return Picture(str(media.get("url", "")), pixels(media.get("width")), pixels(media.get("height")))


def _published_at(entry: Any) -> datetime | None:
    """When it was published, else updated. (feedparser warns where `updated` is asked for and absent.)"""
    stated = entry.get("published_parsed")
    if stated is None and "updated_parsed" in entry:
        stated = entry.get("updated_parsed")
    return as_utc(stated) if stated else None


def _ttl(minutes: Any) -> timedelta | None:
    text = str(minutes or "").strip()
    return timedelta(minutes=int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else None
