"""A topic's newest stories as an Atom feed (RFC 4287): values become a document (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, UUID, uuid5

from lxml import etree

MEDIA_TYPE = "application/atom+xml"

_ATOM = "http://www.w3.org/2005/Atom"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")  # RFC 5646
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A story. `id` and those of the feed never change, whatever becomes of its address and words."""

    id: UUID
    title: str
    url: str
    summary: str
    author: str
    published_at: datetime
    updated_at: datetime
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """A topic. `url` is its page and `self_url` the document itself."""

    id: UUID
    title: str
    subtitle: str
    author: str
    url: str
    self_url: str
    category: tuple[str, str]
    """The topic's slug and name."""
    entries: Sequence[Entry]

    @property
    def updated_at(self) -> datetime:
        """When its newest story came; long ago where it has none, as a feed has to say something."""
        return max((entry.updated_at for entry in self.entries), default=_LONG_AGO)


def identity(installation: str, kind: str, number: int) -> UUID:
    """The same for the same row of the same installation, under whichever address it is served."""
    return uuid5(NAMESPACE_URL, f"digestmail:{installation}:{kind}:{number}")


def write(feed: Feed) -> bytes:
    """The document. What no XML may hold is left out of texts."""
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    _add(root, "id", feed.id.urn)
    _add(root, "title", feed.title)
    if feed.subtitle:
        _add(root, "subtitle", feed.subtitle)
    _add(root, "updated", _instant(feed.updated_at))
    _author(root, feed.author)
    _add(root, "link", rel="self", type=MEDIA_TYPE, href=feed.self_url)
    _add(root, "link", rel="alternate", type="text/html", href=feed.url)
    _add(root, "generator", "digestmail")
    for entry in feed.entries:
        _entry(root, entry, feed)
    document: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _entry(root: etree._Element, entry: Entry, feed: Feed) -> None:
    element = _add(root, "entry")
    if _TAG.fullmatch(entry.language):
        element.set(_LANG, entry.language)
    _add(element, "id", entry.id.urn)
    _add(element, "title", entry.title)
    _add(element, "published", _instant(entry.published_at))
    _add(element, "updated", _instant(entry.updated_at))
    if entry.author:
        _author(element, entry.author)
    # An entry without content must have an alternate link (RFC 4287, 4.1.2), and a story may have none of its own.
    _add(element, "link", rel="alternate", href=entry.url or feed.url)
    slug, name = feed.category
    _add(element, "category", term=slug, label=name)
    _add(element, "summary", entry.summary, type="text")


def _author(parent: etree._Element, name: str) -> None:
    _add(_add(parent, "author"), "name", name)


def _add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{_ATOM}}}{name}", {key: _clean(value) for key, value in attributes.items()})
    element.text = _clean(text) or None
    return element


def _clean(text: str) -> str:
    return _NO_XML.sub("", text)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # RFC 3339
