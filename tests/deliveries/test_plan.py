"""One delivery for each subscriber and scheduled day, whoever plans and however often."""

import random
import threading
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlmodel import col, select, update

from digestmail.clock import standing_still
from digestmail.deliveries.accounts import accounts, editions_that_differ
from digestmail.deliveries.plan import plan_due, plan_some
from digestmail.editions.content import Content
from digestmail.settings import CATCH_UP
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Edition, Item, ItemTopic, Subscriber, Topic
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, Standing, State
from digestmail.subscribers import preferences
from digestmail.subscribers.choices import Choices
from digestmail.subscribers.consent import Origin
from digestmail.subscribers.schedule import APART, Slot, next_slot
from digestmail.subscribers.unsubscribe import undo, unsubscribe

SLOT = datetime(2026, 11, 23, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def add_readers(database: Database, count: int, *, window_start_at: datetime = SLOT - DAY, days: int = 127) -> None:
    with database.transaction() as session:
        session.add_all(
            Subscriber(
                email=f"r{number}@example.org",
                email_key=f"r{number}@example.org",
                standing=Standing.ACTIVE,
                time_zone="Europe/Berlin",
                days=days,
                created_at=SLOT,
                confirmed_at=SLOT,
                next_send_at=SLOT,
                next_day=date(2026, 11, 23),
                window_start_at=window_start_at,
            )
            for number in range(count)
        )


def add_item(database: Database, seen_at: datetime) -> None:
    with database.transaction() as session:
        if session.get(Topic, 1) is None:
            session.add(Topic(slug="climate", name="Climate"))
        row = Item(url="u", link_key="k", title=str(seen_at), published_at=seen_at, seen_at=seen_at)
        session.add(row)
        session.flush()
        session.add(ItemTopic(item_id=row.id or 0, topic_id=1, seen_at=seen_at))


def deliveries(database: Database) -> list[Delivery]:
    with database.reading() as session:
        return list(session.exec(select(Delivery).order_by(col(Delivery.id))))


def test_a_due_reader_gets_one_delivery_and_the_next_slot(database: Database) -> None:
    add_readers(database, 1)
    assert plan_due(database, standing_still(SLOT)) == 1
    assert plan_due(database, standing_still(SLOT)) == 0
    [delivery] = deliveries(database)
    assert (delivery.scheduled_day, delivery.slot_at, delivery.kind) == (date(2026, 11, 23), SLOT, Kind.DIGEST)
    with database.reading() as session:
        reader = session.exec(select(Subscriber)).one()
    assert (reader.next_day, reader.next_send_at, reader.window_start_at) == (date(2026, 11, 24), SLOT + DAY, SLOT)


def test_nobody_is_planned_early(database: Database) -> None:
    add_readers(database, 1)
    assert plan_due(database, standing_still(SLOT - timedelta(seconds=1))) == 0


def test_readers_of_one_slot_and_window_share_an_edition(database: Database) -> None:
    add_readers(database, 1200)
    assert plan_due(database, standing_still(SLOT)) == 1200
    assert len({row.edition_id for row in deliveries(database)}) == 1


def test_after_an_outage_only_the_newest_slot_is_sent_and_it_has_all_the_items(database: Database) -> None:
    add_readers(database, 1)
    add_item(database, SLOT + DAY)
    assert plan_due(database, standing_still(SLOT + 2 * DAY + CATCH_UP)) == 1
    rows = deliveries(database)
    assert sorted((row.scheduled_day.day, row.state) for row in rows) == [
        (23, State.EXPIRED),
        (24, State.EXPIRED),
        (25, State.DUE),
    ]
    assert stories(database, next(row for row in rows if row.state == State.DUE)) == 1
    with database.reading() as session:
        assert session.exec(select(Subscriber.next_day)).one() == date(2026, 11, 26)


def test_a_slot_that_came_too_long_ago_is_left_out_and_the_next_has_its_items(database: Database) -> None:
    add_readers(database, 2)
    add_item(database, SLOT)
    late = SLOT + CATCH_UP + timedelta(seconds=1)
    assert plan_due(database, standing_still(late)) == 2
    assert [(row.state, row.reason, row.edition_id) for row in deliveries(database)] == [
        (State.EXPIRED, "later than the catch-up limit of 6 h", None)
    ] * 2
    assert plan_due(database, standing_still(SLOT + DAY)) == 2
    assert [(row.state, stories(database, row)) for row in deliveries(database)[2:]] == [(State.DUE, 1)] * 2


def test_an_edition_knows_how_many_were_planned(database: Database) -> None:
    add_readers(database, 1200)
    plan_due(database, standing_still(SLOT))
    with database.reading() as session:
        assert session.exec(select(Edition.planned)).all() == [1200]
        assert editions_that_differ(session.connection()) == []
        [account] = accounts(session.connection()).values()
    assert (account.planned, account.open, account.missing) == (1200, 1200, 0)


def test_a_digest_that_still_waits_makes_room_for_the_next_and_gives_it_its_items(database: Database) -> None:
    add_readers(database, 1)
    add_item(database, SLOT)
    plan_due(database, standing_still(SLOT))
    with database.transaction() as session:
        session.connection().execute(update(Delivery).values(state=State.DEFERRED, attempts=1))
    add_item(database, SLOT + DAY)
    plan_due(database, standing_still(SLOT + DAY))
    first, second = deliveries(database)
    assert (first.state, first.reason) == (State.EXPIRED, "the next digest took its place")
    assert (second.state, stories(database, second)) == (State.DUE, 2)


def test_readers_of_other_windows_come_to_share_the_next(database: Database) -> None:
    add_readers(database, 2)
    with database.transaction() as session:
        session.get_one(Subscriber, 2).window_start_at = SLOT - DAY / 2
        session.get_one(Subscriber, 2).next_send_at = None
    plan_due(database, standing_still(SLOT))
    with database.transaction() as session:
        session.get_one(Subscriber, 2).next_send_at = SLOT
    plan_due(database, standing_still(SLOT + DAY / 24))
    assert len({row.edition_id for row in deliveries(database)}) == 2
    with database.reading() as session:
        assert session.exec(select(Subscriber.window_start_at)).all() == [SLOT, SLOT]


def test_a_zone_that_is_not_known_here_holds_nobody_up(database: Database) -> None:
    add_readers(database, 2)
    with database.transaction() as session:
        session.get_one(Subscriber, 1).time_zone = "Moon/Tranquillity"
    assert plan_due(database, standing_still(SLOT)) == 2


def stories(database: Database, delivery: Delivery) -> int:
    with database.reading() as session:
        return len(Content.from_json(session.get_one(Edition, delivery.edition_id).content).stories)


def test_a_chunk_is_planned_at_a_time(database: Database) -> None:
    add_readers(database, 2100)
    chunks = [plan_some(database, standing_still(SLOT)) for _ in range(3)]
    assert chunks[0] < 2100
    assert chunks == [chunks[0], 2100 - chunks[0], 0]


def test_readers_of_many_windows_are_planned_some_windows_at_a_time(database: Database) -> None:
    add_readers(database, 50)
    with database.transaction() as session:
        for reader in session.exec(select(Subscriber)):
            reader.window_start_at = SLOT - timedelta(minutes=reader.id or 0)
    assert 0 < plan_some(database, standing_still(SLOT)) < 50
    plan_due(database, standing_still(SLOT))
    rows = deliveries(database)
    assert sorted(row.subscriber_id for row in rows) == list(range(1, 51))
    with database.reading() as session:
        for row in rows:
            edition = session.get_one(Edition, row.edition_id)
            assert edition.since_at == SLOT - timedelta(minutes=row.subscriber_id)
            assert edition.cutoff_at == SLOT


def test_a_reader_without_a_window_starts_at_the_slot(database: Database) -> None:
    add_readers(database, 1)
    with database.transaction() as session:
        session.get_one(Subscriber, 1).window_start_at = None
    assert plan_due(database, standing_still(SLOT)) == 1
    with database.reading() as session:
        assert session.exec(select(Edition.since_at)).one() == SLOT


@pytest.mark.parametrize("put_off", [timedelta(), timedelta(hours=3), DAY, DAY + timedelta(hours=1)])
def test_only_whose_digest_still_waits_gets_its_items_again(database: Database, put_off: timedelta) -> None:
    add_readers(database, 3)
    plan_due(database, standing_still(SLOT))
    with database.transaction() as session:
        for number, state in ((1, State.SENT), (2, State.DUE), (3, State.CLAIMED)):
            row = session.get_one(Delivery, number)
            row.state, row.due_at = state, SLOT + put_off
    plan_due(database, standing_still(SLOT + DAY))
    with database.reading() as session:
        since = {
            row.subscriber_id: session.get_one(Edition, row.edition_id).since_at
            for row in session.exec(select(Delivery).where(Delivery.slot_at == SLOT + DAY))
        }
    assert since == {1: SLOT, 2: SLOT - DAY, 3: SLOT}
    assert [row.state for row in deliveries(database)][:3] == [State.SENT, State.EXPIRED, State.CLAIMED]


def test_a_chunk_plans_each_reader_as_if_alone(database: Database) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    zones = ["Pacific/Kiritimati", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Moon/Tranquillity"]
    add_readers(database, 60)
    now = SLOT + timedelta(hours=chance.uniform(0, 60))
    with database.transaction() as session:
        for reader in session.exec(select(Subscriber)):
            reader.time_zone, reader.hour = chance.choice(zones), chance.randrange(24)
            reader.days = chance.randint(1, 127)
            reader.next_send_at = SLOT + chance.choice([timedelta(), timedelta(hours=1), DAY, 2 * DAY])
            reader.next_day = (reader.next_send_at + timedelta(hours=chance.choice([-11, 14]))).date()
            reader.window_start_at = chance.choice([None, SLOT - DAY, SLOT - DAY / 2])
    with database.reading() as session:
        readers = session.exec(select(Subscriber).order_by(col(Subscriber.id)))
        alone = [plan_alone(reader, now) for reader in readers]
    plan_due(database, standing_still(now))
    with database.reading() as session:
        since = dict(session.exec(select(Edition.id, Edition.since_at)).all())
        after = dict(session.exec(select(Subscriber.id, Subscriber.next_send_at)).all())
        cutoffs = dict(session.exec(select(Subscriber.id, Subscriber.window_start_at)).all())
    planned = {
        (row.subscriber_id, row.scheduled_day, row.slot_at, row.state, since.get(row.edition_id))
        for row in deliveries(database)
    }
    assert planned == {row for rows, _ in alone for row in rows}
    assert after == {number: at for number, (_, at) in enumerate(alone, start=1)}
    due = {row.subscriber_id for row in deliveries(database) if row.state == State.DUE}
    assert {cutoffs[number] for number in due} <= {now}


def plan_alone(reader: Subscriber, now: datetime) -> tuple[list[tuple[Any, ...]], datetime | None]:
    """What planning means for one reader: the rows of the ledger, and the next slot."""
    rows: list[tuple[Any, ...]] = []
    day, at = reader.next_day, reader.next_send_at
    while at is not None and at <= now:
        rows.append((reader.id, day, at, State.EXPIRED, None))
        zone = "UTC" if reader.time_zone.startswith("Moon") else reader.time_zone
        slot = next_slot(time_zone=zone, hour=reader.hour, days=reader.days, after=Slot(day, at), not_before=at + APART)
        day, at = slot.day, slot.at
    if rows:
        number, last_day, last_at, *_ = rows[-1]
        if last_at >= now - CATCH_UP:
            rows[-1] = (number, last_day, last_at, State.DUE, reader.window_start_at or last_at)
    return rows, at


def test_weekday_readers_wait_for_monday_and_get_the_weekend(database: Database) -> None:
    add_readers(database, 1, days=0b0000001)
    plan_due(database, standing_still(SLOT))
    add_item(database, SLOT + 5 * DAY)
    assert plan_due(database, standing_still(SLOT + 6 * DAY)) == 0
    assert plan_due(database, standing_still(SLOT + 7 * DAY)) == 1
    with database.reading() as session:
        edition = session.get_one(Edition, deliveries(database)[1].edition_id)
    assert len(Content.from_json(edition.content).stories) == 1


@pytest.mark.parametrize("planners", [3])
def test_planners_at_once_plan_each_reader_once(database: Database, planners: int) -> None:
    add_readers(database, 1100)
    planned: list[int] = []
    threads = [
        threading.Thread(target=lambda: planned.append(plan_due(database, standing_still(SLOT))))
        for _ in range(planners)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(planned) == 1100
    assert len({row.subscriber_id for row in deliveries(database)}) == len(deliveries(database)) == 1100


def test_a_welcome_gets_its_edition_and_starts_the_window(database: Database) -> None:
    add_readers(database, 1)
    now = SLOT - timedelta(hours=1)
    add_item(database, now - DAY)
    with database.transaction() as session:
        ask_for(session, Kind.WELCOME, 1, now=now)
    plan_due(database, standing_still(now))
    [delivery] = deliveries(database)
    with database.reading() as session:
        edition = session.get_one(Edition, delivery.edition_id)
        assert (edition.kind, edition.cutoff_at) == (Kind.WELCOME, now)
        assert session.exec(select(Subscriber.window_start_at)).one() == now


def test_welcomes_share_an_edition_and_do_not_wait_for_a_slot(database: Database) -> None:
    add_readers(database, 3)
    now = SLOT - timedelta(hours=1)
    with database.transaction() as session:
        for number in (1, 3):
            ask_for(session, Kind.WELCOME, number, now=now)
    assert plan_some(database, standing_still(now)) == 0
    assert len({row.edition_id for row in deliveries(database)}) == 1
    with database.reading() as session:
        starts = session.exec(select(Subscriber.window_start_at).order_by(col(Subscriber.id))).all()
    assert starts == [now, SLOT - DAY, now]


def test_a_welcome_leaves_the_window_of_a_pause_alone(database: Database) -> None:
    add_readers(database, 1, window_start_at=SLOT + 13 * DAY)
    with database.transaction() as session:
        ask_for(session, Kind.WELCOME, 1, now=SLOT - timedelta(hours=1))
    plan_some(database, standing_still(SLOT - timedelta(hours=1)))
    [welcome] = deliveries(database)
    assert welcome.edition_id is not None
    with database.reading() as session:
        assert session.exec(select(Subscriber.window_start_at)).one() == SLOT + 13 * DAY


def test_after_a_pause_a_digest_has_the_stories_of_the_last_day(database: Database) -> None:
    add_readers(database, 1)
    plan_due(database, standing_still(SLOT))
    choices = Choices(topics=frozenset(), hour=7, time_zone="Europe/Berlin", paused_until_day=date(2026, 12, 6))
    with database.transaction() as session:
        preferences.change(session, 1, choices, origin=Origin("test"), now=SLOT + timedelta(hours=6))
    back = SLOT + 13 * DAY
    for day in range(1, 13):
        add_item(database, SLOT + day * DAY + timedelta(hours=3))
        assert plan_due(database, standing_still(SLOT + day * DAY)) == 0
    assert plan_due(database, standing_still(back)) == 1
    [_, digest] = deliveries(database)
    assert digest.scheduled_day == date(2026, 12, 6)
    with database.reading() as session:
        edition = session.get_one(Edition, digest.edition_id)
    assert (edition.since_at, edition.cutoff_at) == (back - DAY, back)
    assert [story.title for story in Content.from_json(edition.content).stories] == [
        str(SLOT + 12 * DAY + timedelta(hours=3))
    ]


def test_changing_ones_mind_at_random_never_brings_two_digests_within_twelve_hours(database: Database) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    zones = ["Pacific/Kiritimati", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Pacific/Pago_Pago"]
    add_readers(database, 1)
    now = SLOT
    for _ in range(150):
        now += timedelta(hours=chance.uniform(0.2, 20))
        plan_due(database, standing_still(now))
        if chance.random() < 0.3:
            choices = Choices(
                topics=frozenset(),
                hour=chance.randrange(24),
                time_zone=chance.choice(zones),
                days=chance.randint(1, 127),
                paused_until_day=chance.choice([None, None, (now + timedelta(days=chance.randint(0, 5))).date()]),
            )
            with database.transaction() as session:
                preferences.change(session, 1, choices, origin=Origin("test"), now=now)
                if chance.random() < 0.2:
                    unsubscribe(session, 1, origin=Origin("test"), now=now)
                    undo(session, 1, origin=Origin("test"), now=now)
    rows = deliveries(database)
    sent = sorted(row.slot_at for row in rows if row.reason != "planned when the next was due already")
    assert len(sent) > 10
    assert min(b - a for a, b in pairwise(sent)) >= APART
    assert len({row.scheduled_day for row in rows}) == len(rows)
