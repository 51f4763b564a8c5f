from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.dates import as_utc, read_date

INSTANTS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001 - the zone is drawn
    datetime(2199, 1, 1),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes))),
).map(lambda instant: instant.replace(microsecond=0))


@given(INSTANTS)
def test_what_the_standards_write_is_read(instant: datetime) -> None:
    assert read_date(instant.isoformat()) == instant
    assert read_date(instant.isoformat(" ")) == instant
    assert read_date(format_datetime(instant)) == instant
    assert read_date(instant.strftime("%a %b %d %H:%M:%S %z %Y")) == instant


@given(st.text(max_size=120) | st.text("0123456789-:+TZ ,/janfebmor", max_size=60))
def test_anything_else_is_none_or_an_instant_that_can_be(text: str) -> None:
    found = read_date(text)
    assert found is None or (found.tzinfo is UTC and found >= datetime(1969, 12, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Thu, 01 Jan 2004 19:48:21 GMT", (2004, 1, 1, 19, 48, 21)),
        ("Thu, 01 Jan 04 19:48 EST", (2004, 1, 2, 0, 48)),
        ("Mon,05 Jan 99 10:00:00 GMT", (1999, 1, 5, 10)),
        ("  1 Jan 2004\n", (2004, 1, 1)),
        ("Thursday, 1 January 2004 24:00:00", (2004, 1, 2)),
        ("Sun, 06 Sep 2009 16:20:00 GMT+0200", (2009, 9, 6, 14, 20)),
        ("Mon, 05 Jan 2026 10:00:00 +05:30", (2026, 1, 5, 4, 30)),
        ("Mon, 05 Jan 2026 10:00:00 Nowhere", (2026, 1, 5, 10)),
        ("Mon, 05 Jan 2026 10:00:60 -0500 (EST)", (2026, 1, 5, 15, 0, 59)),
        ("Thu Jan  1 19:48:21 2004", (2004, 1, 1, 19, 48, 21)),
        ("Jan 5, 2004 7:48 p.m. PST", (2004, 1, 6, 3, 48)),
        ("January 5th, 2004", (2004, 1, 5)),
        ("05-Jan-2026 12:30 AM", (2026, 1, 5, 0, 30)),
        ("2003-12-31T10:14:55.123456789+01:00", (2003, 12, 31, 9, 14, 55)),
        ("2003-12-31 10:14", (2003, 12, 31, 10, 14)),
        ("2026/1/5 10:00:00 UTC", (2026, 1, 5, 10)),
        ("20031231T101455Z", (2003, 12, 31, 10, 14, 55)),
        ("2003-12", (2003, 12, 1)),
        ("1733150000", (2024, 12, 2, 14, 33, 20)),
        ("1733150000123", (2024, 12, 2, 14, 33, 20)),
        ("mar., 05 août 2025 10:00:00 +0200", (2025, 8, 5, 8)),
        ("Mi, 5 Mär 2025 10:00:00 +0100", (2025, 3, 5, 9)),
        ("5 de enero de 2025", (2025, 1, 5)),
        ("Вт, 5 января 2026 10:00:00 +0300", (2026, 1, 5, 7)),
    ],
)
def test_dates_as_feeds_write_them(text: str, instant: tuple[int, ...]) -> None:
    assert read_date(text) == datetime(*instant, tzinfo=UTC)  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "someday",
        "3 days ago",
        "05/06/2026",
        "2026-13-01",
        "Sat, 31 Feb 2026 10:00:00 GMT",
        "Mon, 05 Jan 2026 25:00:00 GMT",
        "Mon, 01 Jan 0001 00:00:00 GMT",
        "0000-00-00 00:00:00",
        "1899-12-30",
        "9999-12-31T23:59:59-14:00",
        "2026-01-05 " * 20,
        "5 Frimaire 2026",
    ],
)
def test_a_date_that_cannot_be_read_or_true_is_none(text: str) -> None:
    assert read_date(text) is None


def test_a_tuple_that_is_no_day_is_none() -> None:
    assert as_utc((2026, 2, 30, 0, 0, 0)) is None
    assert as_utc((0, 1, 1, 0, 0, 0)) is None
    assert as_utc((1904, 1, 1, 0, 0, 0)) is None
    assert as_utc((2026, 12, 31, 23, 59, 60)) == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
