"""Finds past stories by the words in them: a story must have every word somewhere, whatever its case and accents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, select

from digestmail.archive.days import Calendar
from digestmail.feeds.naming import searchable
from digestmail.store.models import Item, ItemTopic

LONGEST = 100
"""Characters of what is typed that are looked at."""
MOST_WORDS = 8
OF_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text: what was looked for, or what stands between."""

    text: str
    found: bool


@dataclass(frozen=True, slots=True)
class MarkedItem:
    """An item with its title and excerpt in pieces."""

    item: Item
    title: Sequence[Piece]
    excerpt: Sequence[Piece]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of what was found, newest first; `before` asks for the next page and is None on the last one."""

    items: Sequence[Item]
    before: int | None


def words_of(typed: str) -> list[str]:
    """The different words of what somebody typed, as they are looked for; control characters part words."""
    printable = "".join(letter if letter.isprintable() else " " for letter in typed[:LONGEST])
    return list(dict.fromkeys(searchable(printable).split()))[:MOST_WORDS]


def search(
    session: Session,
    words: Sequence[str],
    calendar: Calendar,
    *,
    topic_id: int | None = None,
    before: int | None = None,
) -> Found:
    """The items that hold all the words, of any topic or of one; only older ones than the item `before`."""
    place = select(ItemTopic.item_id).where(
        ItemTopic.item_id == Item.id, col(ItemTopic.news), ItemTopic.seen_at >= calendar.begins_at
    )
    if topic_id is not None:
        place = place.where(ItemTopic.topic_id == topic_id)
    wanted = select(Item).where(
        *(col(Item.search_text).contains(word, autoescape=True) for word in words),
        col(Item.withdrawn_at).is_(None),
        col(Item.broken).is_(None),
        place.exists(),
    )
    if before is not None:
        wanted = wanted.where(col(Item.id) < before)
    items = session.exec(wanted.order_by(col(Item.id).desc()).limit(OF_A_PAGE + 1)).all()
    return Found(items[:OF_A_PAGE], items[OF_A_PAGE - 1].id if len(items) > OF_A_PAGE else None)


def marked_item(item: Item, words: Sequence[str]) -> MarkedItem:
    """The item with what was looked for marked in it."""
    return MarkedItem(item, marked(item.title, words), marked(item.excerpt, words))


def marked(text: str, words: Sequence[str]) -> list[Piece]:
    """The text in pieces, where the words stand in it. Together they are the text."""
    folded: list[str] = []
    origin: list[int] = []
    """For each folded letter the place of the letter that it was made of: ﬁ becomes two, and an accent none."""
    for place, letter in enumerate(text):
        parts = searchable(letter) or (" " if letter.isspace() else "")
        folded += parts
        origin += [place] * len(parts)
    origin.append(len(text))
    hit = [False] * len(text)
    for start, end in _occurrences("".join(folded), words):
        beyond = max(origin[end], origin[end - 1] + 1)  # with the accents that follow, and whole letters
        for place in range(origin[start], beyond):
            hit[place] = True
    return list(_pieces(text, hit))


def _occurrences(folded: str, words: Sequence[str]) -> Iterator[tuple[int, int]]:
    for word in words:
        start = folded.find(word)
        while start >= 0:
            yield start, start + len(word)
            start = folded.find(word, start + len(word))


def _pieces(text: str, hit: Sequence[bool]) -> Iterator[Piece]:
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or hit[place] != hit[start]:
            yield Piece(text[start:place], hit[start])
            start = place
