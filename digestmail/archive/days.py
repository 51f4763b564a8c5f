"""The calendar of the archive (pure): on which day of the publication's an instant falls, and which days it has."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

_ONE = timedelta(days=1)
_WRITTEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days of one publication, and which of them the archive has."""

    time_zone: str
    kept: timedelta
    """How far back the archive goes."""
    now: datetime

    @property
    def today(self) -> date:
        """The present day, which is the last one."""
        return self.day_of(self.now)

    @property
    def first(self) -> date:
        """The first day that can be read as a whole."""
        return self.day_of(self.now - self.kept) + _ONE

    @property
    def begins_at(self) -> datetime:
        """The first instant of the archive."""
        return self.start_of(self.first)

    def start_of(self, day: date) -> datetime:
        """The day's first instant. Where a change of the clock skips midnight, that is the instant of the change."""
        return datetime.combine(day, time(), ZoneInfo(self.time_zone)).astimezone(UTC)

    def span_of(self, day: date) -> tuple[datetime, datetime]:
        """The day's first instant, and that of the next day."""
        return self.start_of(day), self.start_of(day + _ONE)

    def day_of(self, at: datetime) -> date:
        """The day in whose span an instant lies.

        A clock that is put back over midnight shows the same day twice; its first span is the one that counts.
        """
        day = at.astimezone(ZoneInfo(self.time_zone)).date()
        return day + _ONE if at >= self.start_of(day + _ONE) else day


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a topic and how many stories it has."""

    day: date
    stories: int


def read_day(text: str) -> date | None:
    """The day in an address, `2026-11-27`; None where that is none."""
    try:
        return date.fromisoformat(text) if _WRITTEN.fullmatch(text) else None
    except ValueError:
        return None


def count_by_day(seen: Iterable[tuple[datetime, int]], calendar: Calendar) -> list[Day]:
    """The days of these instants, newest first; each instant comes with a number of stories, and they are in order."""
    days = groupby(((calendar.day_of(at), number) for at, number in seen), key=lambda pair: pair[0])
    counted = [Day(day, sum(number for _, number in pairs)) for day, pairs in days]
    return sorted(counted, key=lambda each: each.day, reverse=True)


def by_month(days: Iterable[Day]) -> list[tuple[date, list[Day]]]:
    """The days under the first of their month, in their order."""
    return [(month, list(group)) for month, group in groupby(days, key=lambda each: each.day.replace(day=1))]
