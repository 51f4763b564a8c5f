"""RSS 0.9 to 2.0, RDF and Atom: what feedparser makes of their elements, handed on as plain values.

feedparser's own clean-up of HTML is left off: everything is cleaned by ours. It is not told where the document came
from: it would make absolute addresses of guids that only look like relative ones, and we resolve the rest ourselves.
"""

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from digestmail.feeds import clean, picture
from digestmail.feeds.dates import as_utc, read_date
from digestmail.feeds.document import MAX_ENTRIES, Entry, ParsedFeed, make_entry
from digestmail.feeds.elements import read_elements
from digestmail.feeds.mend import first_element, mend
from digestmail.feeds.picture import Picture, pixels, urljoin_or_nothing

_MAIL_ADDRESS = re.compile(r"[^\s()<>@]+@[^\s()<>@]+")
_LONGEST_NAME = 500
_EMPTY = re.compile(r"\(\s*\)|<\s*>")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_ROOTS = {"rss", "feed", "rdf", "channel"}
_PERIODS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30),
    "yearly": timedelta(days=365),
}
"""What `sy:updatePeriod` can say (RSS 1.0 syndication module)."""

_MARKUP = re.compile(r"</[a-zA-Z][\w:-]*\s*>|<[a-zA-Z][\w:-]*[\s/][^<>=]*=|<!--")
"""What a headline that is no HTML does not say, though it may name a tag."""


def parse_xml(text: str, *, url: str) -> ParsedFeed | None:
    """Read a document that came from `url`; None where it is no feed. Broken XML is read as far as it goes."""
    document = mend(text)
    read = read_elements(document, most_entries=MAX_ENTRIES)
    feed = read.feed
    if not (read.version or read.entries or first_element(document) in _ROOTS):
        return None
    language = clean.language(str(feed.get("language") or ""))
    authors = html.escape(clean.title(", ".join(_authors(feed))))
    says_types = read.version.startswith("atom")
    return ParsedFeed(
        title=clean.title(_title(feed, says_types=says_types)),
        site_url=_site(feed, url=url),
        language=language,
        hub_url=_first_link(feed, "hub", url=url),
        self_url=_first_link(feed, "self", url=url),
        entries=tuple(
            _entry(entry, says_types=says_types, authors=authors, language=language, url=url) for entry in read.entries
        ),
        ttl=_ttl(feed),
    )


def _entry(entry: Any, *, says_types: bool, authors: str, language: str, url: str) -> Entry:
    """`authors` and `language` are the feed's."""
    details = [detail for detail in (entry.get("summary_detail"), *entry.get("content", [])) if _is_text(detail)]
    return make_entry(
        guid=str(entry.get("id") or ""),
        link=_link(entry, url=url),
        title=_title(entry, says_types=says_types),
        texts=map(_html, details),
        author=", ".join(_authors(entry)) or authors,
        image_url=_image(entry, details, url=url),
        published_at=_published_at(entry),
        categories=[str(name) for tag in entry.get("tags", []) for name in (tag.get("term"), tag.get("label")) if name],
        language=_language(entry, details) or language,
    )


def _link(entry: Any, *, url: str) -> str:
    """Where a reader finds the whole text: the entry's link, else a guid that is one, else what is enclosed."""
    guid = str(entry.get("id") or "")
    link = str(entry.get("link") or "")
    if link == guid and not _ABSOLUTE.match(guid):  # a guid is taken for a link unless it says that it is none
        link = ""
    candidates = [link, *_links(entry, "alternate"), *_links(entry, "related")]
    if entry.get("guidislink", True) and _ABSOLUTE.match(guid):
        candidates.append(guid)
    heard = (one for one in entry.get("enclosures", []) if not picture.is_image(one.get("type"), one.get("href")))
    return _first_safe([*candidates, *(str(one.get("href") or "") for one in heard)], url=url)


def _site(feed: Any, *, url: str) -> str:
    return _first_safe([str(feed.get("link") or ""), *_links(feed, "alternate")], url=url)


def _first_link(holder: Any, rel: str, *, url: str) -> str:
    return _first_safe(_links(holder, rel), url=url)


def _links(holder: Any, rel: str) -> list[str]:
    """The addresses of an element's links with this relation (RFC 4287, 4.2.7.2), as they are written."""
    return [str(link.get("href") or "") for link in holder.get("links", []) if link.get("rel") == rel]


def _first_safe(links: list[str], *, url: str) -> str:
    made_absolute = (clean.safe_link(urljoin_or_nothing(url, link)) for link in links if link.strip())
    return next(filter(None, made_absolute), "")


def _is_text(detail: Any) -> bool:
    """Whether it can be read: Atom's content may be a picture or a song, too (RFC 4287, 4.1.3.3)."""
    kind = str((detail or {}).get("type") or "text")
    return (detail is not None and kind.startswith("text")) or kind.endswith("xml")


def _title(holder: Any, *, says_types: bool) -> str:
    """The HTML of a title; `says_types` where the format tells HTML from text, as Atom does.

    In others, feedparser takes for text what has elements that it does not know, such as scripts.
    """
    detail = holder.get("title_detail")
    if detail and not says_types and _MARKUP.search(value := str(detail.get("value") or "")):
        return value
    return _html(detail)


def _html(detail: Any) -> str:
    """The HTML of a text construct: what is plain text by its type is escaped."""
    if not detail:
        return ""
    value = str(detail.get("value") or "")
    return html.escape(value) if detail.get("type") == "text/plain" else value


def _authors(holder: Any) -> Iterator[str]:
    """The names of an entry's or a feed's authors, without mail addresses."""
    return filter(None, (_name(str(author.get("name") or "")) for author in holder.get("authors", [])))


def _name(author: str) -> str:
    name = _EMPTY.sub("", _MAIL_ADDRESS.sub("", author[:_LONGEST_NAME])).strip(" ,;")
    return name[1:-1] if name.startswith("(") and name.endswith(")") else name


def _language(entry: Any, details: list[Any]) -> str:
    stated = [
        entry.get("language"),
        *(detail.get("language") for detail in (entry.get("title_detail") or {}, *details)),
    ]
    return next(filter(None, (clean.language(str(tag or "")) for tag in stated)), "")


def _image(entry: Any, details: list[Any], *, url: str) -> str:
    stated = [
        _sized(media)
        for media in entry.get("media_content", [])
        if media.get("medium") == "image" or picture.is_image(media.get("type"), media.get("url"))
    ]
    enclosed = [
        Picture(str(enclosure.get("href") or ""))
        for enclosure in entry.get("enclosures", [])
        if picture.is_image(enclosure.get("type"), enclosure.get("href"))
    ]
    thumbnails = [_sized(media) for media in entry.get("media_thumbnail", [])]
    cover = Picture(str((entry.get("image") or {}).get("href") or ""))  # a podcast's
    if found := picture.best_of([*stated, *enclosed, *thumbnails, cover], base=url):
        return found
    for detail in details:
        base = urljoin_or_nothing(url, str(detail.get("base") or ""))
        if found := picture.first_of(picture.in_html(_html(detail)), base=base):
            return found
    return ""


def _sized(media: Any) -> Picture:
    return Picture(str(media.get("url") or ""), pixels(media.get("width")), pixels(media.get("height")))


def _published_at(entry: Any) -> datetime | None:
    """When it was published, else updated, else created."""
    return next(filter(None, (_date(entry, name) for name in ("published", "updated", "created"))), None)


def _date(entry: Any, name: str) -> datetime | None:
    """feedparser knows some dates of other languages, but guesses where it does not."""
    stated = str(dict.get(entry, name) or "")  # its own lookup takes one date for another
    if found := read_date(stated):
        return found
    known = dict.get(entry, f"{name}_parsed")
    return as_utc(known) if known and not stated.isascii() else None


def _ttl(feed: Any) -> timedelta | None:
    if minutes := _number(feed.get("ttl")):
        return timedelta(minutes=minutes)
    period = _PERIODS.get(str(feed.get("sy_updateperiod") or "").strip().lower())
    return period / (_number(feed.get("sy_updatefrequency")) or 1) if period else None


def _number(value: Any) -> int:
    text = str(value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
