from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.archive.days import Calendar, Day, by_month, count_by_day, read_day

ZONES = ("UTC", "Europe/Berlin", "America/Havana", "America/St_Johns", "Asia/Beirut", "Pacific/Apia", "Asia/Kathmandu")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def calendar(zone: str = "Europe/Berlin", *, now: datetime = NOON, days: int = 30) -> Calendar:
    return Calendar(zone, timedelta(days=days), now)


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_every_instant_lies_in_the_span_of_its_day(zone: str, at: datetime) -> None:
    here = calendar(zone)
    starts_at, ends_at = here.span_of(here.day_of(at))
    assert starts_at <= at < ends_at


@given(st.sampled_from(ZONES), st.dates(date(1990, 1, 1), date(2040, 1, 1)))
def test_days_follow_each_other_without_a_gap(zone: str, day: date) -> None:
    here = calendar(zone)
    starts_at, ends_at = here.span_of(day)
    assert ends_at == here.start_of(day + timedelta(days=1))
    assert timedelta() <= ends_at - starts_at <= timedelta(hours=25)


@pytest.mark.parametrize(
    ("zone", "day", "starts_at", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        ("Asia/Beirut", date(2026, 3, 29), datetime(2026, 3, 28, 22, tzinfo=UTC), 23),  # begins at 1:00
        ("Pacific/Apia", date(2011, 12, 30), datetime(2011, 12, 30, 10, tzinfo=UTC), 0),  # never was
    ],
)
def test_a_day_is_as_long_as_its_clock_says(zone: str, day: date, starts_at: datetime, hours: int) -> None:
    begins_at, ends_at = calendar(zone).span_of(day)
    assert begins_at == starts_at
    assert ends_at - begins_at == timedelta(hours=hours)


def test_the_archive_has_its_days_as_a_whole() -> None:
    here = calendar(days=7)
    assert (here.first, here.today) == (date(2026, 11, 17), date(2026, 11, 23))
    assert here.begins_at == datetime(2026, 11, 17, tzinfo=ZoneInfo("Europe/Berlin"))
    assert calendar("Pacific/Auckland").today == date(2026, 11, 24)


@pytest.mark.parametrize("text", ["2026-02-30", "20261123", "2026-W48-1", "2026-11-2", "0000-00-00", "٢٠٢٦-١١-٢٣", ""])
def test_no_other_text_is_a_day(text: str) -> None:
    assert read_day(text) is None


@given(st.dates())
def test_a_days_own_text_is_that_day(day: date) -> None:
    assert read_day(day.isoformat()) == day


def test_instants_are_counted_by_the_day_on_which_they_fall_here() -> None:
    late, later = datetime(2026, 11, 22, 22, 59, tzinfo=UTC), datetime(2026, 11, 22, 23, tzinfo=UTC)
    assert count_by_day([(late, 2), (later, 3), (NOON, 4)], calendar()) == [
        Day(date(2026, 11, 23), 7),
        Day(date(2026, 11, 22), 2),
    ]


def test_days_stand_under_their_months() -> None:
    days = [Day(date(2026, 11, 2), 1), Day(date(2026, 11, 1), 1), Day(date(2026, 10, 31), 1)]
    assert by_month(days) == [(date(2026, 11, 1), days[:2]), (date(2026, 10, 1), days[2:])]
