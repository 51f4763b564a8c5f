"""The feeds that a web page leads to (pure): those it names in its head, and links that look like one."""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.message import Message
from itertools import islice
from urllib.parse import urlsplit

import httpx2
from lxml import etree

from digestmail.errors import FeedError
from digestmail.feeds import clean
from digestmail.feeds.fetch import read_url

_PAGE_TYPE = re.compile(r"\s*(?:text/html|application/xhtml\+xml)\b", re.IGNORECASE)
_PAGE = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_FEED_TYPE = re.compile(r"\b(?:rss|atom|rdf|feed)\b")
_VAGUE_TYPES = {"application/json", "application/xml", "text/xml"}
_FEED_SCHEME = re.compile(r"\s*feed:(?://)?(?=https?:)|\s*feed:(?=//)", re.IGNORECASE)
_FEED_PATH = re.compile(
    r"/(?:rss|atom|rdf|feeds?)\d?/?$"
    r"|/[^/]*(?:rss|atom|feed)[^/]*\.(?:xml|json|php|aspx?)$"
    r"|/index\.(?:xml|rdf)$|\.(?:rss|atom|rdf)$",
    re.IGNORECASE,
)
_FEED_QUERY = re.compile(r"(?:^|&)(?:feed|format|type)=(?:rss2?|atom|rdf|feed|json)(?:&|$)", re.IGNORECASE)
_COMMENTS = re.compile(r"\bcomments?\b", re.IGNORECASE)
_MOST_READ = 2000
"""Links of one kind that are read; a page of 5 MB can hold several hundred thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What may be a feed: an absolute http(s) address, and what the page calls it."""

    url: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFeeds:
    """Both in the page's order, but with the feeds of comments last; no address stands twice."""

    named: tuple[Candidate, ...] = ()
    """By `<link rel="alternate">` with a feed's type."""
    linked: tuple[Candidate, ...] = ()
    """By `<a href>`, where the address looks like a feed's."""


def web_address(typed: str) -> str:
    """An address without the scheme `feed:`, which some sites put before the real one or in its place."""
    without = _FEED_SCHEME.sub("", typed)
    return f"https:{without}" if without.startswith("//") and without != typed else without


def is_page(body: bytes, *, content_type: str) -> bool:
    """Whether an answer is a web page, by its type or by how it begins."""
    return bool(_PAGE_TYPE.match(content_type) or _PAGE.match(body[:4096]))


def feeds_of_page(body: bytes, *, content_type: str, url: str) -> PageFeeds:
    """Read the HTML that came from `url`; whatever it is, nothing is raised."""
    try:
        root = etree.fromstring(body, _parser(body, content_type))
    except (etree.LxmlError, ValueError):
        return PageFeeds()
    if root is None:
        return PageFeeds()
    base = read_url(url)
    for element in root.iter("base"):
        base = _absolute(element.get("href") or "", base=base) or base
        break
    links = islice(filter(_names_feed, root.iter("link")), _MOST_READ)
    named = _candidates(((link.get("href"), link.get("title")) for link in links), base=base)
    anchors = ((anchor.get("href"), " ".join(anchor.itertext())) for anchor in islice(root.iter("a"), _MOST_READ))
    linked = (link for link in _candidates(anchors, base=base) if _looks_like_feed(link.url))
    return PageFeeds(named=_in_order(named), linked=_in_order(linked))


def _parser(body: bytes, content_type: str) -> etree.HTMLParser:
    """UTF-8 where it is that, whatever is stated; else as the header says, else as the page says."""
    try:
        body.decode()
        return etree.HTMLParser(encoding="utf-8", no_network=True)
    except UnicodeDecodeError:
        header = Message()
        header["Content-Type"] = content_type
    try:
        return etree.HTMLParser(encoding=header.get_content_charset(), no_network=True)
    except LookupError:
        return etree.HTMLParser(no_network=True)


def _names_feed(link: etree._Element) -> bool:
    """Whether a `<link>` means another form of the page that may be a feed.

    JSON or XML of any kind may be one; WordPress names its programming interface in the same way.
    """
    if {"alternate", "feed"}.isdisjoint((link.get("rel") or "").lower().split()):
        return False
    kind = (link.get("type") or "").partition(";")[0].strip().lower()
    return bool(_FEED_TYPE.search(kind)) or (kind in _VAGUE_TYPES and "/wp-json/" not in (link.get("href") or ""))


def _candidates(links: Iterable[tuple[str | None, str | None]], *, base: httpx2.URL) -> Iterator[Candidate]:
    for href, title in links:
        if url := _absolute(href or "", base=base):
            yield Candidate(url=str(url), title=clean.title(html.escape(title or "")))


def _absolute(href: str, *, base: httpx2.URL) -> httpx2.URL | None:
    """The address that a page means, or None where nothing can be fetched from it."""
    if not href.strip():
        return None
    try:
        return read_url(web_address(href), base=base)
    except FeedError:
        return None


def _looks_like_feed(url: str) -> bool:
    parts = urlsplit(url)
    return bool(_FEED_PATH.search(parts.path) or _FEED_QUERY.search(parts.query) or parts.netloc.startswith("feeds."))


def _in_order(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    once: dict[str, Candidate] = {}
    for candidate in candidates:
        once.setdefault(candidate.url, candidate)
    return tuple(sorted(once.values(), key=_is_of_comments))


def _is_of_comments(candidate: Candidate) -> bool:
    return bool(_COMMENTS.search(candidate.title) or _COMMENTS.search(urlsplit(candidate.url).path))
