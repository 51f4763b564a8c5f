"""How often a feed has something new (pure): what is usual, and what would be more, or less, than that."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

HISTORY = timedelta(days=60)
"""How far back a rhythm is looked for."""

_ENOUGH = 5
"""Instants that make a rhythm."""
_SHORTEST_SPAN = timedelta(days=1)
"""What came within a day, such as everything that a new feed lists, does not come every hour."""

FLOOD = 50
"""New items in one document of which nobody would be surprised."""
_SMALLEST_WINDOW = 5
"""A document of fewer entries may be all new at any time."""
_ALL_BUT = 0.8
_LEEWAY = 3
"""So many times its usual number is not much for a feed."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The mean and the longest time between two items."""

    usual_gap: timedelta
    longest_gap: timedelta


def rhythm_of(instants: Iterable[datetime], *, now: datetime) -> Rhythm | None:
    """The rhythm of a feed whose items appeared at `instants`; None where too few of them lie in the last weeks."""
    recent = [at for at in instants if now - HISTORY <= at <= now]
    times = sorted(set(recent))
    if len(times) < _ENOUGH:
        return None
    return Rhythm(
        usual_gap=max(times[-1] - times[0], _SHORTEST_SPAN) / len(recent),
        longest_gap=max(later - earlier for earlier, later in pairwise(times)),
    )


def is_too_much(
    new: int, *, unknown: int, listed: int, listed_before: int, elapsed: timedelta, usual_gap: timedelta | None
) -> bool:
    """Whether a document brings more than its feed's rhythm explains: a re-baseline or a flood, and no news.

    Of its `listed` entries `unknown` were never seen, of which `new` would be news; it was last read `elapsed` ago and
    had `listed_before` entries then. A feed without a rhythm may exchange as many once a day.
    """
    usual = elapsed / usual_gap if usual_gap else elapsed / timedelta(days=1) * listed_before
    if listed >= _SMALLEST_WINDOW and unknown > _ALL_BUT * listed:
        return new > _LEEWAY * usual + 2
    return new > max(FLOOD, _LEEWAY * usual)
