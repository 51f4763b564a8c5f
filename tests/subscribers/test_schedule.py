"""Exactly one slot a scheduled local day, in every zone, whatever the clocks do."""

import zoneinfo
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.subscribers.schedule import (
    APART,
    EVERY_DAY,
    LONGEST_GAP,
    Slot,
    day_bits,
    next_slot,
    usual_start,
    weekdays_of,
)

ZONES = sorted(zoneinfo.available_timezones())

zones = st.sampled_from(ZONES)
hours = st.integers(0, 23)
instants = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def slots(zone: str, hour: int, start: datetime, count: int, days: int = EVERY_DAY) -> list[Slot]:
    found: list[Slot] = []
    for _ in range(count):
        last = found[-1] if found else None
        found.append(
            next_slot(
                time_zone=zone,
                hour=hour,
                days=days,
                after=last,
                not_before=last.at + APART if last else start,
            )
        )
    return found


def test_a_plain_day() -> None:
    [slot] = slots("Europe/Berlin", 7, datetime(2026, 11, 23, 12, tzinfo=UTC), 1)
    assert slot == Slot(date(2026, 11, 24), datetime(2026, 11, 24, 6, tzinfo=UTC))


def test_a_slot_due_at_this_very_instant_counts() -> None:
    at = datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert slots("Europe/Berlin", 7, at, 1)[0].at == at


def test_an_hour_in_the_gap_moves_to_the_first_instant_after_it() -> None:
    [slot] = slots("Europe/Berlin", 2, datetime(2026, 3, 28, 12, tzinfo=UTC), 1)
    assert slot == Slot(date(2026, 3, 29), datetime(2026, 3, 29, 1, tzinfo=UTC))


def test_a_gap_at_midnight_stays_on_its_day() -> None:
    [slot] = slots("Africa/Cairo", 0, datetime(2026, 4, 23, 12, tzinfo=UTC), 1)
    assert slot == Slot(date(2026, 4, 24), datetime(2026, 4, 23, 22, tzinfo=UTC))


def test_an_hour_that_comes_twice_means_the_first() -> None:
    [slot] = slots("Europe/Berlin", 2, datetime(2026, 10, 24, 12, tzinfo=UTC), 1)
    assert slot == Slot(date(2026, 10, 25), datetime(2026, 10, 25, 0, tzinfo=UTC))


def test_a_day_that_never_happened_has_no_slot() -> None:
    days = [slot.day for slot in slots("Pacific/Apia", 7, datetime(2011, 12, 28, 20, tzinfo=UTC), 3)]
    assert days == [date(2011, 12, 29), date(2011, 12, 31), date(2012, 1, 1)]


def test_a_half_hour_gap() -> None:
    [slot] = slots("Australia/Lord_Howe", 2, datetime(2026, 10, 3, 3, tzinfo=UTC), 1)
    assert slot == Slot(date(2026, 10, 4), datetime(2026, 10, 3, 15, 30, tzinfo=UTC))


def test_chosen_days_only() -> None:
    days = [slot.day for slot in slots("UTC", 7, datetime(2026, 11, 23, 12, tzinfo=UTC), 4, day_bits([0, 3]))]
    assert days == [date(2026, 11, 26), date(2026, 11, 30), date(2026, 12, 3), date(2026, 12, 7)]


def test_days_as_bits_and_back() -> None:
    assert day_bits([0, 6]) == 65
    assert weekdays_of(65) == (0, 6)


@given(zones, hours, instants)
def test_every_local_day_has_exactly_one_slot_about_a_day_apart(zone: str, hour: int, start: datetime) -> None:
    found = slots(zone, hour, start, 60)
    for before, after in pairwise(found):
        missed = [before.day + timedelta(days=n) for n in range(1, (after.day - before.day).days)]
        assert not [day for day in missed if _exists(day, zone)]
        assert timedelta(hours=20) <= after.at - before.at <= timedelta(hours=28)


@given(zones, hours, instants)
def test_a_slot_shows_its_hour_unless_that_is_skipped(zone: str, hour: int, start: datetime) -> None:
    [slot] = slots(zone, hour, start, 1)
    shown = slot.at.astimezone(ZoneInfo(zone))
    just_before = (slot.at - timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    skipped = just_before.utcoffset() != shown.utcoffset()
    assert skipped or (shown.date(), shown.hour, shown.minute) == (slot.day, hour, 0)


@given(zones, hours, zones, hours, instants, st.integers(0, 40), st.integers(1, 127))
def test_a_change_never_brings_two_digests_within_twelve_hours(
    zone: str, hour: int, new_zone: str, new_hour: int, start: datetime, later: int, days: int
) -> None:
    [last] = slots(zone, hour, start, 1)
    following = next_slot(
        time_zone=new_zone,
        hour=new_hour,
        days=days,
        after=last,
        not_before=max(last.at + APART, last.at + timedelta(hours=later)),
    )
    assert following.day > last.day
    assert following.at - last.at >= APART
    assert days >> following.day.weekday() & 1


@given(zones, hours, st.lists(st.tuples(zones, hours, st.integers(0, 30)), min_size=1, max_size=8), instants)
def test_whoever_reads_daily_never_waits_longer_than_two_days(
    zone: str, hour: int, changes: list[tuple[str, int, int]], start: datetime
) -> None:
    """Each change comes some hours after the one before; slots that have come meanwhile are planned."""
    [last] = slots(zone, hour, start, 1)
    now, pending = last.at, slots(zone, hour, start, 2)[1]
    for new_zone, new_hour, later in changes:
        now += timedelta(hours=later)
        while pending.at <= now:
            following = next_slot(
                time_zone=zone, hour=hour, days=EVERY_DAY, after=pending, not_before=pending.at + APART
            )
            assert APART <= following.at - pending.at <= LONGEST_GAP
            assert following.day > pending.day
            last, pending = pending, following
        zone, hour = new_zone, new_hour
        pending = next_slot(time_zone=zone, hour=hour, days=EVERY_DAY, after=last, not_before=max(now, last.at + APART))
        assert APART <= pending.at - last.at <= LONGEST_GAP
        assert pending.day > last.day


def test_a_move_across_the_date_line_brings_one_digest_at_another_hour() -> None:
    last = Slot(date(2026, 11, 24), datetime(2026, 11, 23, 17, tzinfo=UTC))  # seven in Kiritimati
    moved = {"time_zone": "Etc/GMT+12", "hour": 7, "days": EVERY_DAY}
    bridge = next_slot(**moved, after=last, not_before=last.at + APART)
    assert bridge == Slot(date(2026, 11, 25), last.at + timedelta(hours=48))
    following = next_slot(**moved, after=bridge, not_before=bridge.at + APART)
    assert following == Slot(date(2026, 11, 26), datetime(2026, 11, 26, 19, tzinfo=UTC))


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "America/Nuuk", "Antarctica/Troll", "Asia/Gaza", "Asia/Tehran"])
def test_three_years_in_zones_with_odd_clocks(zone: str) -> None:
    for hour in range(24):
        found = slots(zone, hour, datetime(2023, 1, 1, tzinfo=UTC), 3 * 365)
        assert [b.day - a.day for a, b in pairwise(found)] == [timedelta(days=1)] * (len(found) - 1)


@given(zones, hours, st.integers(1, 127), instants)
def test_a_window_usually_starts_at_the_slot_before(zone: str, hour: int, days: int, start: datetime) -> None:
    [slot] = slots(zone, hour, start, 1, days)
    before = usual_start(slot, time_zone=zone, hour=hour, days=days)
    assert timedelta() < slot.at - before <= timedelta(days=9)  # a day may be left out, and clocks change
    assert next_slot(time_zone=zone, hour=hour, days=days, after=None, not_before=before).at == before


def _exists(day: date, zone: str) -> bool:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    return noon.astimezone(UTC).astimezone(ZoneInfo(zone)).date() == day
