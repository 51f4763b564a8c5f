"""A pause: no digest before its end, one like any other then, and no story lost by a pause that is taken back."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, select

from digestmail.errors import InputError
from digestmail.store.models import ConsentEvent, Delivery, Edition, Subscriber
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind, MailFormat, Standing, State
from digestmail.subscribers import preferences
from digestmail.subscribers.choices import set_topics
from digestmail.subscribers.next_digest import reschedule
from digestmail.subscribers.pause import LONGEST_PAUSE, local_day, pause_of_days, read_pause, still_running
from digestmail.subscribers.preferences import Change
from digestmail.subscribers.schedule import APART, Slot, next_slot
from digestmail.subscribers.unsubscribe import undo, unsubscribe
from tests.subscribers.conftest import FORM
from tests.subscribers.test_schedule import hours, instants, slots, zones

DAY = timedelta(days=1)
CUTOFF = datetime(2026, 11, 23, 6, 0, 5, tzinfo=UTC)
"""Of the last digest, which was that of seven o'clock in Berlin."""

pauses = st.integers(1, 366).map(timedelta)
some_days = st.integers(1, 127)


def slot_at(zone: str, hour: int, days: int, now: datetime, until: date | None, last: Slot | None = None) -> Slot:
    """The next slot as it is reckoned for a reader with this pause."""
    return next_slot(
        time_zone=zone,
        hour=hour,
        days=days,
        after=last,
        not_before=max(now, last.at + APART) if last else now,
        not_before_day=still_running(until, time_zone=zone, now=now) or date.min,
    )


@given(zones, hours, some_days, instants, pauses)
def test_the_first_chosen_day_from_the_end_of_a_pause_on_has_the_slot(
    zone: str, hour: int, days: int, now: datetime, pause: timedelta
) -> None:
    until = local_day(zone, now) + pause
    slot = slot_at(zone, hour, days, now, until)
    assert slot.at.astimezone(ZoneInfo(zone)).date() >= until
    chosen = (day for n in count() if days >> (day := until + n * DAY).weekday() & 1)
    assert slot.day == next(day for day in chosen if happened(day, zone))


@given(zones, hours, some_days, instants, st.lists(st.tuples(zones, hours, some_days, st.integers(0, 40)), max_size=6))
def test_changes_during_a_pause_keep_it_and_bring_no_two_digests_near_each_other(
    zone: str, hour: int, days: int, start: datetime, changes: list[tuple[str, int, int, int]]
) -> None:
    [last] = slots(zone, hour, start, 1)
    until, now = last.day + 3 * DAY, last.at
    for zone, hour, days, later in changes:
        now += timedelta(hours=later)
        slot = slot_at(zone, hour, days, now, until, last)
        assert slot.at - last.at >= APART
        assert slot.day > last.day
        if still_running(until, time_zone=zone, now=now):
            assert min(slot.day, slot.at.astimezone(ZoneInfo(zone)).date()) >= until


@given(zones, hours, some_days, instants, st.integers(0, 400))
def test_a_pause_that_has_passed_is_as_none(zone: str, hour: int, days: int, now: datetime, ago: int) -> None:
    until = local_day(zone, now) - ago * DAY
    assert slot_at(zone, hour, days, now, until) == slot_at(zone, hour, days, now, None)


@given(zones, instants, st.integers(-400, 800))
def test_a_pause_begins_tomorrow_at_the_earliest_and_lasts_a_year_at_most(zone: str, now: datetime, days: int) -> None:
    until = local_day(zone, now) + days * DAY
    if 0 < days <= LONGEST_PAUSE.days:
        assert read_pause(f" {until} ", time_zone=zone, now=now) == until
        assert pause_of_days(str(days), time_zone=zone, now=now) == until
    else:
        with pytest.raises(InputError):
            read_pause(str(until), time_zone=zone, now=now)


@pytest.mark.parametrize("text", ["6 December", "2026-13-01", "9999999-01-01", "12-06"])
def test_what_is_no_day_is_refused(text: str, now: datetime) -> None:
    with pytest.raises(InputError, match="no day"):
        read_pause(text, time_zone="UTC", now=now)


@pytest.mark.parametrize("number", ["-1", "x", "9999", "²", ""])
def test_what_is_no_number_of_days_is_refused(number: str, now: datetime) -> None:
    with pytest.raises(InputError):
        pause_of_days(number, time_zone="UTC", now=now)


def test_an_empty_field_is_no_pause(now: datetime) -> None:
    assert read_pause("  ", time_zone="UTC", now=now) is pause_of_days("0", time_zone="UTC", now=now) is None


@pytest.fixture
def ann(session: Session, now: datetime) -> int:
    """An active reader of climate, at seven in Berlin, who had this morning's digest."""
    row = Subscriber(
        email="ann@example.org",
        email_key="ann@example.org",
        standing=Standing.ACTIVE,
        time_zone="Europe/Berlin",
        created_at=now - 60 * DAY,
        confirmed_at=now - 60 * DAY,
        window_start_at=CUTOFF,
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    set_topics(session, row.id, frozenset({1}))
    slot = datetime(2026, 11, 23, 6, tzinfo=UTC)
    edition = Edition(kind=Kind.DIGEST, since_at=CUTOFF - DAY, slot_at=slot, cutoff_at=CUTOFF, content="{}")
    session.add(edition)
    session.flush()
    digest = new_delivery(Kind.DIGEST, row.id, scheduled_day=slot.date(), slot_at=slot, now=slot)
    session.add(Delivery(**digest | {"state": State.SENT, "edition_id": edition.id}))
    reschedule(session, row, now=now)
    return row.id


def change(session: Session, ann: int, *, now: datetime, **choices: object) -> Change:
    found = preferences.find(session, ann)
    assert found is not None
    changed = preferences.change(session, ann, replace(found.choices, **choices), origin=FORM, now=now)  # type: ignore[arg-type]
    assert changed is not None
    return changed


def window(session: Session, ann: int) -> datetime | None:
    return session.get_one(Subscriber, ann).window_start_at


def test_who_comes_back_gets_the_stories_of_the_last_day(session: Session, ann: int, now: datetime) -> None:
    changed = change(session, ann, paused_until_day=date(2026, 12, 6), now=now)
    assert changed.after.next_send_at == datetime(2026, 12, 6, 6, tzinfo=UTC)
    assert changed.after.pause(now) == date(2026, 12, 6)
    assert changed.after.pause(now + 13 * DAY) is None
    assert window(session, ann) == datetime(2026, 12, 5, 6, tzinfo=UTC)


def test_who_reads_once_a_week_comes_back_to_a_weeks_stories(session: Session, ann: int, now: datetime) -> None:
    change(session, ann, days=1, now=now)  # Mondays
    changed = change(session, ann, paused_until_day=date(2026, 12, 8), now=now)
    assert changed.after.next_send_at == datetime(2026, 12, 14, 6, tzinfo=UTC)
    assert window(session, ann) == datetime(2026, 12, 7, 6, tzinfo=UTC)
    change(session, ann, paused_until_day=None, now=now + 9 * DAY)
    assert window(session, ann) == datetime(2026, 11, 30, 6, tzinfo=UTC)


def test_a_pause_taken_back_at_once_loses_nothing(session: Session, ann: int, now: datetime) -> None:
    before = change(session, ann, paused_until_day=date(2026, 12, 6), now=now).before
    assert change(session, ann, paused_until_day=None, now=now + timedelta(hours=1)).after == before
    assert window(session, ann) == CUTOFF


def test_who_resumes_later_gets_the_stories_of_the_last_day(session: Session, ann: int, now: datetime) -> None:
    change(session, ann, paused_until_day=date(2026, 12, 6), now=now)
    changed = change(session, ann, paused_until_day=None, now=now + 5 * DAY)
    assert changed.after.next_send_at == datetime(2026, 11, 29, 6, tzinfo=UTC)
    assert window(session, ann) == now + 4 * DAY


def test_a_pause_can_be_shortened_and_prolonged(session: Session, ann: int, now: datetime) -> None:
    for until in (date(2026, 12, 20), date(2026, 11, 26), date(2026, 12, 6)):
        changed = change(session, ann, paused_until_day=until, now=now)
        slot = datetime(until.year, until.month, until.day, 6, tzinfo=UTC)
        assert (changed.after.next_send_at, window(session, ann)) == (slot, slot - DAY)


def test_a_pause_that_leaves_out_no_digest_leaves_out_no_story(session: Session, ann: int, now: datetime) -> None:
    change(session, ann, days=1, now=now)  # Mondays
    changed = change(session, ann, paused_until_day=date(2026, 11, 30), now=now)
    assert changed.after.next_send_at == datetime(2026, 11, 30, 6, tzinfo=UTC)
    assert window(session, ann) == CUTOFF


def test_hour_and_zone_change_during_a_pause_and_the_window_goes_with_them(
    session: Session, ann: int, now: datetime
) -> None:
    change(session, ann, paused_until_day=date(2026, 12, 6), now=now)
    changed = change(session, ann, hour=18, time_zone="America/New_York", now=now)
    assert changed.after.choices.paused_until_day == date(2026, 12, 6)
    assert changed.after.next_send_at == datetime(2026, 12, 6, 23, tzinfo=UTC)
    assert window(session, ann) == datetime(2026, 12, 5, 23, tzinfo=UTC)


def test_no_window_starts_after_its_slot_once_the_pause_has_passed(session: Session, ann: int, now: datetime) -> None:
    change(session, ann, days=1, paused_until_day=date(2026, 12, 1), now=now)
    assert window(session, ann) == datetime(2026, 11, 30, 6, tzinfo=UTC)
    thursday = datetime(2026, 12, 3, 12, tzinfo=UTC)
    changed = change(session, ann, days=127, now=thursday)
    assert changed.after.next_send_at == datetime(2026, 12, 4, 6, tzinfo=UTC)
    assert window(session, ann) == datetime(2026, 11, 30, 6, tzinfo=UTC)
    assert changed.after.choices.paused_until_day is None


def test_what_expired_is_not_taken_for_read(session: Session, ann: int, now: datetime) -> None:
    [digest] = session.exec(select(Delivery)).all()
    digest.state = State.EXPIRED
    session.flush()
    change(session, ann, paused_until_day=date(2026, 12, 6), now=now)
    change(session, ann, paused_until_day=None, now=now)
    assert window(session, ann) == CUTOFF - DAY


def test_a_digest_on_its_way_is_told(session: Session, ann: int, now: datetime) -> None:
    assert not change(session, ann, paused_until_day=date(2026, 12, 6), now=now).on_its_way
    [digest] = session.exec(select(Delivery)).all()
    digest.state = State.DEFERRED
    session.flush()
    assert change(session, ann, paused_until_day=date(2026, 12, 7), now=now).on_its_way


def test_leaving_and_coming_back_keeps_a_pause(session: Session, ann: int, now: datetime) -> None:
    change(session, ann, paused_until_day=date(2026, 12, 6), now=now)
    unsubscribe(session, ann, origin=FORM, now=now)
    undo(session, ann, origin=FORM, now=now + DAY)
    row = session.get_one(Subscriber, ann)
    assert (row.next_day, row.window_start_at) == (date(2026, 12, 6), datetime(2026, 12, 5, 6, tzinfo=UTC))


def test_a_pause_set_while_unsubscribed_holds_from_the_coming_back_on(
    session: Session, ann: int, now: datetime
) -> None:
    unsubscribe(session, ann, origin=FORM, now=now)
    assert change(session, ann, paused_until_day=date(2026, 12, 6), now=now).after.next_send_at is None
    undo(session, ann, origin=FORM, now=now + DAY)
    row = session.get_one(Subscriber, ann)
    assert (row.next_day, row.window_start_at) == (date(2026, 12, 6), datetime(2026, 12, 5, 6, tzinfo=UTC))


def test_only_what_changed_is_written_down(session: Session, ann: int, now: datetime) -> None:
    assert change(session, ann, now=now).after == change(session, ann, now=now).before
    assert session.exec(select(ConsentEvent)).all() == []
    changed = change(session, ann, mail_format=MailFormat.TEXT, now=now)
    assert session.get_one(Subscriber, ann).mail_format == changed.after.choices.mail_format == "text"
    assert [event.event for event in session.exec(select(ConsentEvent))] == ["changed preferences"]


def test_topics_are_dropped_while_one_remains(session: Session, ann: int, now: datetime) -> None:
    change(session, ann, topics=frozenset({1, 2}), now=now)
    assert preferences.drop_topics(session, ann, frozenset({1, 2}), origin=FORM, now=now) is None
    changed = preferences.drop_topics(session, ann, frozenset({1}), origin=FORM, now=now)
    assert changed is not None
    assert changed.after.choices == replace(changed.before.choices, topics=frozenset({2}))
    assert preferences.drop_topics(session, 999, frozenset({1}), origin=FORM, now=now) is None


def happened(day: date, zone: str) -> bool:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    return noon.astimezone(UTC).astimezone(ZoneInfo(zone)).date() == day
