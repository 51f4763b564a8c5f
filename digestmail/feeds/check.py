"""What a feed would bring, for an operator who thinks about adding it (pure): its entries, and remarks in words."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from digestmail.feeds.discover import Discovered
from digestmail.feeds.document import MAX_ENTRIES, Entry
from digestmail.feeds.items import STALE, news_at_first
from digestmail.feeds.spans import span_of

_OF_ONE = {"have": "has", "are": "is", "share": "shares"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedEntry:
    """An entry as it would be stored. `id` is the guid as the feed wrote it, `image` an address or empty."""

    id: str
    identity: str
    title: str
    link: str
    published_at: datetime | None
    author: str
    categories: tuple[str, ...]
    excerpt: str
    image: str
    language: str
    news: bool
    """Whether a first poll now would take it for news; else it is back catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A feed and its entries in their order. `url` is where it was after all redirects."""

    url: str
    title: str
    site_url: str
    language: str
    ttl_seconds: int | None
    hub_url: str
    entries: tuple[CheckedEntry, ...]
    notes: tuple[str, ...]
    """Sentences."""
    other_feeds: tuple[str, ...]
    """Addresses."""


def check_feed(found: Discovered, *, now: datetime) -> Checked:
    """Look at a feed as if it were polled for the first time at `now`."""
    feed = found.feed
    telling = (entry for entry in feed.entries if entry.title)
    newest_first = sorted(telling, key=lambda entry: min(entry.published_at or now, now), reverse=True)
    news = news_at_first(newest_first, now)
    return Checked(
        url=found.fetched.url,
        title=feed.title,
        site_url=feed.site_url,
        language=feed.language,
        ttl_seconds=int(feed.ttl.total_seconds()) if feed.ttl is not None else None,
        hub_url=feed.hub_url,
        entries=tuple(_checked(entry, news=entry.identity in news) for entry in feed.entries),
        notes=tuple(_notes(found, now)),
        other_feeds=tuple(other.url for other in found.others),
    )


def _checked(entry: Entry, *, news: bool) -> CheckedEntry:
    return CheckedEntry(
        id=entry.guid,
        identity=entry.identity,
        title=entry.title,
        link=entry.url,
        published_at=entry.published_at,
        author=entry.author,
        categories=entry.categories,
        excerpt=entry.excerpt,
        image=entry.image_url,
        language=entry.language,
        news=news,
    )


def _notes(found: Discovered, now: datetime) -> Iterator[str]:
    entries = found.feed.entries
    if not entries:
        yield "It has no entries at the moment."
    if len(entries) == MAX_ENTRIES:
        yield f"Only its first {MAX_ENTRIES:,} entries are read."
    yield from _some(
        entries, sum(not entry.title for entry in entries), "have neither title, text nor link: no digest shows that"
    )
    guids = Counter(entry.guid for entry in entries if entry.guid)
    if len(entries) > 1 and guids.most_common(1) and guids.most_common(1)[0][1] == len(entries):
        yield "All entries share one guid; they are told apart by their links, or by what they say."
    else:
        yield from _some(entries, sum(guids[entry.guid] > 1 for entry in entries), "share a guid with another")
    yield from _some(entries, sum(not entry.guid for entry in entries), "have no guid")
    yield from _some(entries, sum(not entry.url for entry in entries), "have no link")
    dates = [entry.published_at for entry in entries]
    yield from _some(entries, dates.count(None), "have no date: the moment of the first poll counts")
    stated = [date for date in dates if date is not None]
    ahead, old = sum(date > now for date in stated), sum(date < now - STALE for date in stated)
    yield from _some(entries, ahead, "are dated in the future: the moment of the first poll counts")
    yield from _some(entries, old, f"are older than {span_of(STALE)}, too old to be mailed")
    if wait := max(found.feed.ttl or timedelta(), found.fetched.max_age or timedelta()):
        yield f"It asks to be polled every {span_of(wait)}."
    if found.feed.hub_url:
        yield "It offers a hub, which can tell us of new entries at once."


def _some(entries: tuple[Entry, ...], count: int, what: str) -> Iterator[str]:
    """A note that `what`, beginning with its verb, is so of some entries; nothing where it is of none."""
    verb, rest = what.split(" ", 1)
    if count:
        yield f"{count:,} of {len(entries):,} entries {_OF_ONE[verb] if count == 1 else verb} {rest}."
