"""A feed's categories as topics that an operator may make of them (pure)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digestmail.feeds.document import Entry
from digestmail.feeds.naming import folded, slugs_for


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A category as its feed first spells it, how many of the entries are in it, and a slug for its topic."""

    name: str
    items: int
    slug: str


def categories_of(entries: Iterable[Entry], *, topics: Mapping[str, str]) -> tuple[Category, ...]:
    """The categories, the largest first, then by name. `topics` are those that there are: names by slug."""
    spelled: dict[str, str] = {}
    items: Counter[str] = Counter()
    for entry in entries:
        if not entry.title:
            continue  # there is nothing in it to be mailed
        for name in entry.categories:
            spelled.setdefault(folded(name), name)
        items.update({folded(name) for name in entry.categories})
    keys = sorted(items, key=lambda key: (-items[key], key))
    slugs = slugs_for((spelled[key] for key in keys), topics=topics)
    return tuple(
        Category(name=spelled[key], items=items[key], slug=slug) for key, slug in zip(keys, slugs, strict=True)
    )
