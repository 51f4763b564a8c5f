"""Reading the dates of feeds (pure): the instants that can be meant, in UTC, and nothing that would be a guess.

RFC 5322 and RFC 3339 with what is made of them in the wild: other orders and names, missing times, zones and seconds.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_EARLIEST = 1970
"""No feed is older; an earlier year is a broken date, such as that of year 1."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janv janvier januar jänner januari enero ene gennaio gen janeiro января янв stycznia",
            "feb february février févr fév februar februari febrero febbraio fevereiro fev февраля фев lutego",
            "mar march mars märz maerz mär mrz maart mrt marzo março марта мар marca",
            "apr april avril avr abril abr aprile апреля апр kwietnia",
            "may mai mei mayo maggio mag maio мая май maja",
            "jun june juin juni junio giugno giu junho июня июн czerwca",
            "jul july juil juillet juli julio luglio lug julho июля июл lipca",
            "aug august août aout augustus agosto ago августа авг sierpnia",
            "sep sept september septembre septiembre settembre set setembro сентября сен września",
            "oct october octobre oktober okt octubre ottobre ott outubro out октября окт października",
            "nov november novembre noviembre novembro ноября ноя listopada",
            "dec december décembre déc dezember dez desember diciembre dic dicembre dezembro декабря дек grudnia",
        ),
        start=1,
    )
    for name in names.split()
}

_ZONES = {
    **dict.fromkeys(("z", "ut", "utc", "gmt", "wet"), 0),
    **dict.fromkeys(("cet", "met", "bst", "west"), 1),
    **dict.fromkeys(("cest", "mest", "eet", "sast"), 2),
    **dict.fromkeys(("eest", "msk"), 3),
    "jst": 9,
    "kst": 9,
    "aest": 10,
    "aedt": 11,
    "nzst": 12,
    "nzdt": 13,
    "adt": -3,
    "ast": -4,
    "edt": -4,
    "est": -5,
    "cdt": -5,
    "cst": -6,
    "mdt": -6,
    "mst": -7,
    "pdt": -7,
    "pst": -8,
    "at": -4,
    "et": -4,
    "akdt": -8,
    "akst": -9,
    "hst": -10,
}
"""Hours from UTC of the zone names that are met in feeds; any other counts as UTC (RFC 5322, 4.3)."""

_TIME = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{1,2})(?:[.,]\d{1,12})?)?\s*(?P<half>[ap]\.?m\b\.?)?\s*"
    r"(?:etc/)?(?P<zone>(?:gmt|utc?)?\s*(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?|[a-z]{1,12}\b(?:/[a-z_]{1,20})?)?"
)
_WEEKDAY = r"(?:[^\W\d_]{2,12}[.,\s]+)?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|\.)?"
_MONTH = r"(?P<month>[^\W\d_]{3,12})\.?"
_YEAR = r"(?P<year>\d{4}|\d{2})"
_BETWEEN = r"[\s,/-]*(?:de\s+)?"
_COMMENT = r"\s*(?:[(\[].{0,40})?"

_FORMS = [
    re.compile(form + _COMMENT)
    for form in (
        rf"(?P<year>\d{{4}})(?:[-/.](?P<month>\d{{1,2}})(?:[-/.](?P<day>\d{{1,2}}))?)?(?:(?:\s*t\s*|,?\s+){_TIME})?",
        r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)(?:t(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?z?)?",
        rf"{_WEEKDAY}{_DAY}{_BETWEEN}{_MONTH}{_BETWEEN}{_YEAR}(?:,?\s+(?:at\s+|um\s+|à\s+)?{_TIME})?",
        rf"{_WEEKDAY}{_MONTH}{_BETWEEN}{_DAY},?\s+{_YEAR}(?:,?\s+(?:at\s+)?{_TIME})?",
        rf"{_WEEKDAY}{_MONTH}{_BETWEEN}{_DAY},?\s+{_TIME},?\s+{_YEAR}",
    )
]
"""ISO 8601 as in RFC 3339, and its basic form; day first (RFC 5322); month first; and with the year last (asctime)."""


def read_date(text: str) -> datetime | None:
    """The instant that a feed writes, in UTC; None where it cannot be read or cannot be true.

    A missing or unknown zone is UTC, a missing time midnight. Days and months that could be either are not read.
    """
    stated = text.strip().lower()
    if len(stated) > 100:
        return None
    if re.fullmatch(r"\d{10}(?:\d{3})?", stated, re.ASCII):  # seconds or milliseconds since 1970
        return datetime.fromtimestamp(int(stated[:10]), UTC)
    found = next(filter(None, (form.fullmatch(stated) for form in _FORMS)), None)
    return _instant(found.groupdict()) if found else None


def as_utc(year_to_second: Sequence[int]) -> datetime | None:
    """An instant from (year, month, day, hour, minute, second) in UTC; None where it cannot be."""
    try:
        year, month, day, hour, minute, second = year_to_second[:6]
        instant = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return instant if year >= _EARLIEST else None


def _instant(said: dict[str, str | None]) -> datetime | None:
    def number(name: str, otherwise: int = 0) -> int:
        return int(said.get(name) or otherwise)

    month = said["month"] or "1"
    hour, minute, second = number("hour"), number("minute"), number("second")
    if half := said.get("half"):
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    try:
        named = int(month) if month.isdecimal() else _MONTHS[month]
        day = as_utc((_year(said["year"] or ""), named, number("day", 1), 0, 0, 0))
        if day is None or hour > 24 or minute > 59 or second > 60:
            return None
        return day + timedelta(hours=hour, minutes=minute, seconds=min(second, 59)) - _offset(said)
    except (KeyError, ValueError, OverflowError):
        return None


def _year(digits: str) -> int:
    year = int(digits)
    return year if len(digits) == 4 else year + (2000 if year < 70 else 1900)


def _offset(said: dict[str, str | None]) -> timedelta:
    if sign := said.get("sign"):
        offset = timedelta(hours=int(said["hours"] or 0), minutes=int(said["minutes"] or 0))
        return -offset if sign == "-" else offset
    return timedelta(hours=_ZONES.get(said.get("zone") or "", 0))
