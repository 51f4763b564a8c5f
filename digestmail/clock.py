"""Time comes in as an argument: a clock is a function that returns the present instant, aware and in UTC."""

import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """The machine's present instant, in UTC."""
    return datetime.now(UTC)


def standing_still(at: datetime) -> Clock:
    """A clock that always shows `at`, for travelling in time."""
    instant = at.astimezone(UTC)
    return lambda: instant


@cache
def time_zones() -> frozenset[str]:
    """The names of all time zones, looked up once: it means reading a folder."""
    return frozenset(zoneinfo.available_timezones())
