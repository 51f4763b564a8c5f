"""A feed's document as plain values, the same for every format, and how its entries are told apart."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from digestmail.feeds import clean

MAX_ENTRIES = 1000
"""Entries that are read from one document; the first ones, which are the newest in nearly every feed."""

_MAX_IDENTITY = 500
_COUNTED = re.compile(r"(https?://[^#]+)#\d{1,9}", re.IGNORECASE)
"""A guid with a fragment that counts, which some publishers raise whenever they touch the entry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry, cleaned: plain text, absolute http(s) addresses or "", aware UTC or None.

    An entry with nothing that a reader could see or open has no title; every other one has.
    """

    identity: str
    """What it is known by within its feed."""
    guid: str = ""
    """The id that the feed wrote, at most 500 characters."""
    url: str
    title: str
    excerpt: str
    author: str
    image_url: str
    published_at: datetime | None
    categories: tuple[str, ...]
    language: str = ""
    """RFC 5646; its own, else its feed's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFeed:
    """A document: what it says of itself ("" where it says nothing) and its entries in their order."""

    title: str
    site_url: str = ""
    """The web page that the feed belongs to."""
    language: str = ""
    hub_url: str = ""
    """The WebSub hub that tells of news, …"""
    self_url: str = ""
    """… and the address under which it knows the feed."""
    entries: tuple[Entry, ...]
    ttl: timedelta | None = None
    """How long the feed asks to be left alone (RSS `ttl`, the syndication module's period)."""


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
    language: str = "",
) -> Entry:
    """Clean one entry; `title` and `texts` are HTML, the first text that says more than the title is its excerpt.

    Until `with_identities`, `identity` is the whole guid, or "" for none.
    """
    url = clean.safe_link(link)
    headline = clean.title(title)
    excerpts = (clean.excerpt(clean.plain_text(text), headline=headline) for text in texts if text)
    excerpt = next(filter(None, excerpts), "")
    headline = headline or clean.excerpt(excerpt, limit=100) or url
    identity = clean.tidy(guid)
    return Entry(
        identity=identity,
        guid=identity[:_MAX_IDENTITY],
        url=url,
        title=headline,
        excerpt=excerpt if excerpt != headline else "",
        author=clean.title(author),
        image_url=image_url,
        published_at=published_at,
        categories=tuple(dict.fromkeys(filter(None, map(clean.tidy, categories)))),
        language=clean.language(language),
    )


def with_identities(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Give each entry what it is known by within its feed, and keep the first of those that are the same.

    It is the guid, else the cleaned link, else a hash of title and text. A guid that one document gives to several
    links tells nothing, and neither does a link that it gives to several texts.
    """
    guids = _without_counts([entry.identity for entry in entries])
    keys = [clean.link_key(entry.url) for entry in entries]
    hashes = [_hash(f"{entry.title}\n{entry.excerpt}") for entry in entries]
    links: dict[str, set[str]] = defaultdict(set)
    texts: dict[str, set[str]] = defaultdict(set)
    for guid, key, text in zip(guids, keys, hashes, strict=True):
        links[guid].add(key)
        texts[key].add(text)
    known: dict[str, Entry] = {}
    for entry, guid, key, text in zip(entries, guids, keys, hashes, strict=True):
        telling = (guid if len(links[guid]) == 1 else "", key if len(texts[key]) == 1 else "")
        identity = next(filter(None, telling), text)
        if len(identity) > _MAX_IDENTITY:
            identity = _hash(identity)
        known.setdefault(identity, replace(entry, identity=identity))
    return tuple(known.values())


def _without_counts(guids: Sequence[str]) -> list[str]:
    """The guids without a fragment that only counts ("…/news/1#0"), where it does not tell two of them apart."""
    short = [counted[1] if (counted := _COUNTED.fullmatch(guid)) else guid for guid in guids]
    meant: dict[str, set[str]] = defaultdict(set)
    for guid, without in zip(guids, short, strict=True):
        meant[without].add(guid)
    return [without if len(meant[without]) == 1 else guid for guid, without in zip(guids, short, strict=True)]


def host_of(url: str) -> str:
    """The host of a URL, for naming a feed that has no title."""
    return urlsplit(url).hostname or url


def _hash(text: str) -> str:
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()
