"""A feed's document as plain values, the same for every format, and how its entries are told apart."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from digestmail.feeds import clean

MAX_ENTRIES = 1000
"""Entries that are read from one document; the first ones, which are the newest in nearly every feed."""

_MAX_IDENTITY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, cleaned: plain text, absolute http(s) addresses or "", aware UTC or None."""

    identity: str
    url: str
    title: str
    excerpt: str
    author: str
    image_url: str
    published_at: datetime | None
    categories: tuple[str, ...]
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A document: the feed's title ("" where it has none) and its entries in their order."""

    title: str
    entries: tuple[Entry, ...]
    ttl: timedelta | None = None
    """How long the feed asks to be left alone (RSS `ttl`)."""


def make_entry(
    *,
    guid: str,
    link: str,
    title: str,
    texts: Iterable[str],
    author: str,
    image_url: str,
    published_at: datetime | None,
    categories: Iterable[str],
) -> Entry | None:
    """Clean one entry; `title` and `texts` are HTML, the first text that says more than the title is its excerpt.

    None where there is nothing to show. Until `with_identities`, `identity` is the guid, or "" for none.
    """
    url = clean.safe_link(link)
    headline = clean.title(title)
    excerpts = (clean.excerpt(clean.plain_text(text), headline=headline) for text in texts if text)
    excerpt = next(filter(None, excerpts), "")
    headline = headline or clean.excerpt(excerpt, limit=100) or url
    if not headline:
        return None
    return Entry(
        identity=clean.tidy(guid),
        url=url,
        title=headline,
        excerpt=excerpt if excerpt != headline else "",
        author=clean.title(author),
        image_url=image_url,
        published_at=published_at,
        categories=tuple(dict.fromkeys(filter(None, map(clean.tidy, categories)))),
    )


def with_identities(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Give each entry what it is known by within its feed, and keep the first of those that are the same.

    It is the guid, else the cleaned link, else a hash of title and text. A guid that one document gives to several
    links tells nothing, and neither does a link that it gives to several texts.
    """
    keys = [clean.link_key(entry.url) for entry in entries]
    hashes = [_hash(f"{entry.title}\n{entry.excerpt}") for entry in entries]
    links: dict[str, set[str]] = defaultdict(set)
    texts: dict[str, set[str]] = defaultdict(set)
    for entry, key, text in zip(entries, keys, hashes, strict=True):
        links[entry.identity].add(key)
        texts[key].add(text)
    known: dict[str, Entry] = {}
    for entry, key, text in zip(entries, keys, hashes, strict=True):
        if entry.identity and len(links[entry.identity]) == 1:
            identity = entry.identity
        else:
            identity = key if key and len(texts[key]) == 1 else text
        if len(identity) > _MAX_IDENTITY:
            identity = _hash(identity)
        known.setdefault(identity, replace(entry, identity=identity))
    return tuple(known.values())


def as_utc(year_to_second: Sequence[int]) -> datetime | None:
    """An instant from (year, month, day, hour, minute, second) in UTC; None where there is no such day."""
    try:
        year, month, day, hour, minute, second = year_to_second[:6]
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def host_of(url: str) -> str:
    """The host of a URL, for naming a feed that has no title."""
    return urlsplit(url).hostname or url


def _hash(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
