"""Names and words as they are compared, and what a topic is called that is made from a name (pure)."""

import re
import unicodedata
from collections.abc import Iterable, Mapping

_MOST = 60
_LETTERS = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i"})
"""Those of the Latin script that Unicode does not take apart."""


def folded(name: str) -> str:
    """What is equal for two spellings of one category: they may differ in case and white space."""
    return " ".join(name.casefold().split())


def searchable(*texts: str) -> str:
    """What is equal for two spellings of a text that a person looks for: case, accents and white space do not count."""
    plain = unicodedata.normalize("NFKD", " ".join(texts)).casefold()  # only then, as 𝕬 has no small letter, but A has
    letters = unicodedata.normalize("NFKD", plain)
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def slug_of(name: str) -> str:
    """The name in small letters from a to z, digits and hyphens, at most 60 characters; "" where nothing is left."""
    letters = unicodedata.normalize("NFKD", name).casefold().translate(_LETTERS)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter) and letter not in "'’")
    slug = "-".join(re.findall(r"[a-z0-9]+", bare))
    return slug if len(slug) <= _MOST else (slug[: _MOST + 1].rpartition("-")[0] or slug[:_MOST])


def slugs_for(names: Iterable[str], *, topics: Mapping[str, str]) -> list[str]:
    """A slug for each name: that of the topic which is called so, else one of its own made from the name.

    `topics` are the topics that there are, names by slug. Names in other scripts become topic, topic-2, ….
    """
    called: dict[str, str] = {}
    for slug, name in topics.items():
        called.setdefault(folded(name), slug)
    found: list[str] = []
    for name in names:
        slug = called.get(folded(name)) or _free(name, topics=topics, taken=found)
        called[folded(name)] = slug
        found.append(slug)
    return found


def name_from(slug: str) -> str:
    """A slug in words: `public-health` is “Public health”."""
    return slug.replace("-", " ").capitalize()


def _free(name: str, *, topics: Mapping[str, str], taken: Iterable[str]) -> str:
    """The first of sea, sea-2, sea-3, … that is no other name's. A topic with just the name's slug is meant by it."""
    base = slug_of(name)
    used = {*taken, *(topics if not base else ())}
    slug, number = base or "topic", 1
    while slug in used or (number > 1 and slug in topics):
        number += 1
        slug = f"{base or 'topic'}-{number}"
    return slug
