"""Which entries of a document its feed has listed before, whatever became of their guids and links.

The guid alone cannot be trusted: feeds change all of them at once, make new ones at each poll, or use one again. What
an entry says, its link and its date are witnesses too, and an entry is known where two of them agree.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from sqlmodel import Session, select

from digestmail.feeds.clean import letters, link_key
from digestmail.feeds.document import Entry
from digestmail.store.models import ItemSource

_HALF = 12
"""Characters of a text key that stand for the title; as many follow for the excerpt."""

_AT_ONCE = 500

_Column = Literal["identity", "link_key", "text_key"]


@dataclass(frozen=True, slots=True)
class Recognised:
    """A document's entries, and by their identity how the known ones were listed when they were last read."""

    entries: tuple[Entry, ...]
    known: dict[str, ItemSource]


def recognise(session: Session, feed_id: int, entries: Sequence[Entry]) -> Recognised:
    """Find the entries that the feed has listed before.

    An entry is known by its identity, unless its guid was used again for another story: then it gets an identity of its
    own here. Else by the same link with the same title, text or date; else by the same text with the same date. A link
    or text that stands twice, here or there, is no witness.
    """
    stored = {row.identity: row for row in _rows(session, feed_id, "identity", (e.identity for e in entries))}
    told = tuple(_set_apart(e) if _is_another(e, stored.get(e.identity)) else e for e in entries)
    if apart := [entry.identity for entry, before in zip(told, entries, strict=True) if entry is not before]:
        stored |= {row.identity: row for row in _rows(session, feed_id, "identity", apart)}
    known = {entry.identity: stored[entry.identity] for entry in told if entry.identity in stored}
    known |= _by_witness(session, feed_id, told, known, "link_key", _telling_link, _is_same_page)
    known |= _by_witness(session, feed_id, told, known, "text_key", text_key, _is_same_text)
    return Recognised(told, known)


def text_key(entry: Entry) -> str:
    """A hash of what an entry says: of its title, then of its excerpt. Letters and digits alone count."""
    return _hash_of_text(entry.title, entry.excerpt)


def has_path(key: str) -> bool:
    """Whether a link's key names more than a host and parameters: a front page tells no story from another."""
    return "/" in key.partition("?")[0]


def _by_witness(
    session: Session,
    feed_id: int,
    entries: Iterable[Entry],
    known: dict[str, ItemSource],
    column: _Column,
    key_of: Callable[[Entry], str],
    agrees: Callable[[Entry, ItemSource], bool],
) -> dict[str, ItemSource]:
    """The entries that are not known yet and are told by the key that they alone have."""
    keys = {entry.identity: key_of(entry) for entry in entries}
    once = Counter(keys.values())
    unknown = [e for e in entries if e.identity not in known and keys[e.identity] and once[keys[e.identity]] == 1]
    if not unknown:
        return {}
    taken = {row.identity for row in known.values()}
    items = {row.item_id for row in known.values() if row.item_id is not None}
    candidates = defaultdict(list)
    for row in _rows(session, feed_id, column, (keys[entry.identity] for entry in unknown)):
        if row.identity not in taken and row.item_id not in items:
            candidates[getattr(row, column)].append(row)
    found = {}
    for entry in unknown:
        rows = candidates[keys[entry.identity]]  # several identities of one item, or there is no telling
        if len({row.item_id or row.identity for row in rows}) == 1 and any(agrees(entry, row) for row in rows):
            found[entry.identity] = rows[0]
    return found


def _rows(session: Session, feed_id: int, column: _Column, keys: Iterable[str]) -> Iterator[ItemSource]:
    wanted = sorted(set(keys))
    of_feed = select(ItemSource).where(ItemSource.feed_id == feed_id)
    for start in range(0, len(wanted), _AT_ONCE):
        yield from session.exec(of_feed.where(getattr(ItemSource, column).in_(wanted[start : start + _AT_ONCE])))


def _is_another(entry: Entry, before: ItemSource | None) -> bool:
    """Whether the guid is all that an entry has in common with the one that had it before."""
    return (
        before is not None
        and before.text_key != ""  # known since before texts were kept
        and link_key(entry.url) != before.link_key
        and _title(text_key(entry)) != _title(before.text_key)
        and (entry.published_at is None or entry.published_at != before.dated_at)
    )


def _set_apart(entry: Entry) -> Entry:
    """The entry under an identity that its guid alone does not decide."""
    return replace(entry, identity="sha256:" + _hash(f"{entry.identity}\n{link_key(entry.url) or text_key(entry)}"))


def _telling_link(entry: Entry) -> str:
    key = link_key(entry.url)
    return key if has_path(key) else ""


def _is_same_page(entry: Entry, before: ItemSource) -> bool:
    """Whether two entries with one link are one story: a page such as /weather has another each day."""
    without_guid = link_key(entry.url) == entry.identity or before.identity == before.link_key
    return without_guid or _title(text_key(entry)) == _title(before.text_key) or _is_same_time(entry, before)


def _is_same_text(entry: Entry, before: ItemSource) -> bool:
    return entry.published_at == before.dated_at


def _is_same_time(entry: Entry, before: ItemSource) -> bool:
    return entry.published_at is not None and entry.published_at == before.dated_at


def _title(key: str) -> str:
    return key[:_HALF]


@lru_cache(2000)
def _hash_of_text(title: str, excerpt: str) -> str:
    return _hash(letters(title))[:_HALF] + _hash(letters(excerpt))[:_HALF]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
