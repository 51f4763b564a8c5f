"""The size of a digest (pure): what is shortened and what is left out where it would be larger than its budget.

Mail programs cut a large mail off, Gmail near 102 KB, and hide the unsubscribe link with the rest. So the least
important stories of a digest over its budget are shown without picture and excerpt, and where that is not enough, they
are only counted, in a line with a link to the whole digest. What matters most is the first story of each topic, then
the second of each, and among equals that of the topic that stands first: the tails of the largest topics go first.

A digest in text alone has no budget and shows every story: two hundred of them stay below that size in text, and who
chose text shall not have to open a browser for the rest.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

BUDGET = 90 * 1024
"""Octets of a digest's HTML as its reader's mail program decodes it."""

LEADING = 12
"""So many of the most important stories are shortened only when all others are left out."""


class Measured(NamedTuple):
    """The octets that a story takes: in full, short, and in either form besides, such as its line in the index.

    The first story of a topic takes the topic's headings too, which go when it goes.
    """

    full: int
    short: int
    besides: int


class Kept(NamedTuple):
    """What is left of a topic: its first stories in full, the next ones short, up to `shown` in all."""

    full: int
    shown: int


def cut(
    topics: Sequence[Sequence[Measured]], *, around: int, more: Callable[[int], int], budget: int = BUDGET
) -> list[Kept]:
    """By topic, how many stories are shown in full and how many at all, so that the digest is at most `budget` octets.

    `around` is what everything else takes; `more` gives what the line takes that counts so many others. One
    story is always shown, if need be in a digest that is too large.
    """
    order = list(_by_importance([len(stories) for stories in topics]))
    measured = [topics[number][rank] for number, rank in order]
    full, shown = _how_many(measured, around=around, more=more, budget=budget)
    fulls, all_shown = ([0] * len(topics) for _ in range(2))
    for place, (number, _) in enumerate(order[:shown]):
        all_shown[number] += 1
        fulls[number] += place < full
    return [Kept(*both) for both in zip(fulls, all_shown, strict=True)]


def _how_many(stories: Sequence[Measured], *, around: int, more: Callable[[int], int], budget: int) -> tuple[int, int]:
    """How many of the stories, most important first, are shown in full, and how many at all."""
    size = around + sum(story.full + story.besides for story in stories)
    full = shown = len(stories)

    def fits() -> bool:
        hidden = len(stories) - shown
        return size + (more(hidden) if hidden else 0) <= budget

    for leading in (LEADING, 0):
        while full > leading and not fits():
            full -= 1
            size += stories[full].short - stories[full].full
        while shown > max(leading, 1) and not fits():
            shown -= 1
            size -= stories[shown].short + stories[shown].besides
    return full, shown


def _by_importance(counts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """(number of the topic, place of the story in it), most important first."""
    left = list(range(len(counts)))
    rank = 0
    while left := [number for number in left if counts[number] > rank]:
        yield from ((number, rank) for number in left)
        rank += 1
