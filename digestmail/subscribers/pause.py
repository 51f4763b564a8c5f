"""A pause: no digest before a local day, which the reader names."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from digestmail.errors import InputError
from digestmail.sentence import Sentence

LONGEST_PAUSE = timedelta(days=366)

FIELD = "pause_until"


def local_day(time_zone: str, now: datetime) -> date:
    """What day it is for a reader."""
    return now.astimezone(ZoneInfo(time_zone)).date()


def still_running(until: date | None, *, time_zone: str, now: datetime) -> date | None:
    """The same, or None where there is no pause or it has passed: digests come again from that day's beginning."""
    return until if until is not None and until > local_day(time_zone, now) else None


def read_pause(text: str, *, time_zone: str, now: datetime) -> date | None:
    """The day (`2026-12-06`) on which digests shall come again; none where the text is empty.

    Raises InputError (field `pause_until`) for what is no day, a day that has come, or one too far off.
    """
    if not text.strip():
        return None
    try:
        until = date.fromisoformat(text.strip())
    except ValueError as error:
        raise InputError(Sentence("This is no day. Please write it as in 2026-12-06."), field=FIELD) from error
    today = local_day(time_zone, now)
    if until <= today:
        raise InputError(Sentence("Please choose a day after today."), field=FIELD)
    if until > today + LONGEST_PAUSE:
        raise InputError(Sentence("A pause lasts a year at most. Please choose an earlier day."), field=FIELD)
    return until


def pause_of_days(number: str, *, time_zone: str, now: datetime) -> date | None:
    """The day on which a pause of so many days from today on is over; none for 0. Raises the same InputError."""
    if number == "0":
        return None
    days = int(number) if number.isascii() and number.isdecimal() and len(number) < 4 else 0
    return read_pause(str(local_day(time_zone, now) + timedelta(days=days)), time_zone=time_zone, now=now)
