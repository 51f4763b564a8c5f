"""Spans of time as people say them (pure)."""

from datetime import datetime, timedelta

_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def span_of(time: timedelta) -> str:
    """Such as “3 hours”, “90 minutes” or “1 day”: never less than two of a unit, unless it is just one."""
    seconds = max(int(time.total_seconds()), 0)
    size, unit = next(((s, u) for s, u in _UNITS if seconds == s or seconds >= 2 * s), _UNITS[-1])
    return counted(round(seconds / size), unit)


def since(at: datetime, now: datetime) -> str:
    """How far an instant lies from the present: `now`, `5 minutes ago`, `in 3 hours`."""
    seconds = int((now - at).total_seconds())
    for size, unit in _UNITS[:-1]:
        if count := abs(seconds) // size:
            return f"{counted(count, unit)} ago" if seconds > 0 else f"in {counted(count, unit)}"
    return "now"


def counted(number: int, thing: str, things: str = "") -> str:
    """Such as “1 item”, “2 items” or “1,000 entries”; `things` where an s does not make it many."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
