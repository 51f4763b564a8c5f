"""When the next digest is due: a pure function from a reader's zone, hour and days to the next slot.

A slot belongs to a scheduled local day, not to a reading of the clock, so a day has exactly one slot however the clocks
change: an hour that is skipped in spring moves to the first instant after the gap, and one that comes twice in autumn
means its first occurrence. A local day that never happened (Apia left out 2011-12-30) has no slot.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EVERY_DAY = 0b1111111
"""Days of the week are bits: Monday is 1, Sunday 64."""

APART = timedelta(hours=12)
"""No two digests are nearer than this, whatever a reader changes."""

LONGEST_GAP = timedelta(hours=48)
"""A daily reader never waits longer than this for the next slot, whatever changes."""

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Slot:
    """A scheduled local day and the instant, in UTC, at which its digest is due."""

    day: date
    at: datetime


def next_slot(
    *,
    time_zone: str,
    hour: int,
    days: int,
    after: Slot | None,
    not_before: datetime,
    not_before_day: date = date.min,
) -> Slot:
    """The first slot on a chosen day later than that of the slot `after`, at or after `not_before`.

    Neither it nor the local day that it comes on is before `not_before_day`, until which a reader paused.

    Who reads every day and moves west, or to a later hour, would miss two days: then one slot comes `LONGEST_GAP` after
    the last, at another hour than the chosen one.
    """
    zone = ZoneInfo(time_zone)
    day = not_before.astimezone(zone).date() - timedelta(
        days=1
    )  # the slot after a gap may lie on the day after its own
    day = max(day, not_before_day)
    if after is not None:
        day = max(day, after.day + timedelta(days=1))
    while not (days >> day.weekday() & 1 and _happened(day, zone) and (at := _instant(day, hour, zone)) >= not_before):
        day += timedelta(days=1)
    if after is not None and days == EVERY_DAY and not_before <= (latest := after.at + LONGEST_GAP) < at:
        today = latest.astimezone(zone).date()
        if today >= not_before_day:
            return Slot(min(max(today, after.day + timedelta(days=1)), day), latest)
    return Slot(day, at)


def usual_start(slot: Slot, *, time_zone: str, hour: int, days: int) -> datetime:
    """Where the window of a slot's digest usually starts: the instant of the slot before it on the chosen days."""
    zone = ZoneInfo(time_zone)
    day = slot.day - timedelta(days=1)
    while not (days >> day.weekday() & 1 and _happened(day, zone)):
        day -= timedelta(days=1)
    return _instant(day, hour, zone)


def day_bits(weekdays: Iterable[int]) -> int:
    """Days as bits from their numbers (Monday is 0)."""
    return sum(1 << weekday for weekday in set(weekdays))


def weekdays_of(days: int) -> tuple[int, ...]:
    """The numbers of the chosen days, Monday (0) first."""
    return tuple(weekday for weekday in range(7) if days >> weekday & 1)


def _happened(day: date, zone: ZoneInfo) -> bool:
    noon = datetime.combine(day, time(12), zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day


def _instant(day: date, hour: int, zone: ZoneInfo) -> datetime:
    local = datetime.combine(day, time(hour), zone)
    at = local.astimezone(UTC)  # fold=0: the first of two
    if at.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return at
    # In a gap, fold=1 reads the clock with the offset after it and so names an instant before it; fold=0 one after it.
    before, after = local.replace(fold=1).astimezone(UTC), at
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == after.astimezone(zone).utcoffset():
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)
