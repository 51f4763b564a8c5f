"""Time: nobody there at the send hour, years of every zone, readers who move, clocks that are wrong."""

import random
import tempfile
import time
import zoneinfo
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import col, select, update

from digestmail.clock import standing_still
from digestmail.deliveries.plan import plan_due
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Edition, Subscriber
from digestmail.store.states import State
from digestmail.subscribers.next_digest import reschedule
from digestmail.subscribers.schedule import APART, EVERY_DAY, LONGEST_GAP, next_slot
from tests.bench.options import Options
from tests.bench.seed import seed
from tests.chaos.judge import Verdict, judge
from tests.chaos.killing import SKEWED
from tests.chaos.scenarios import scenario
from tests.chaos.world import Setting, states_of, world

_HOUR = timedelta(hours=1)


@scenario("R6", "nobody planned for 3 hours over the send hour, and for 9", quick=2_000, full=50_000)
def away_over_the_send_hour(setting: Setting) -> Iterator[Verdict]:
    """After three hours everybody gets it at once; after nine it is left out, and the next digest has its items."""
    with world(setting) as here:
        here.come(ago=3 * _HOUR)
        here.start()
        seconds = here.wait_until_done("R6, after 3 hours")
        verdict = judge(here, "R6 3 h", "away for 3 h", seconds=seconds)
        verdict.to_be()
        verdict.must(verdict.settled == {"sent": here.readers}, f"they ended as {verdict.settled}")
        yield verdict
    with world(setting) as here:
        slot = here.come(ago=9 * _HOUR)
        here.start()
        seconds = here.wait_until_done("R6, after 9 hours")
        with here.database.reading() as session:
            reasons = set(session.exec(select(Delivery.state, Delivery.reason)).all())
        early = here.received_count()
        here.come(day=slot.date() + timedelta(days=1))
        here.wait_until_done("R6, the next day")
        with here.database.reading() as session:
            since = set(session.exec(select(Edition.since_at).where(col(Edition.slot_at) > slot)))
        verdict = judge(here, "R6 9 h", "away for 9 h", seconds=seconds)
        verdict.to_be()
        expired = {(State.EXPIRED.value, "later than the catch-up limit of 6 h")}
        verdict.must(reasons == expired, f"on the first day they ended as {reasons}")
        verdict.must(early == 0, f"{early} came too late")
        verdict.must(since == {here.seeded.since_at}, "the next digest does not begin where the last one ended")
        verdict.must(states_of(here.database)[State.SENT] == here.readers, f"they ended as {verdict.settled}")
        yield verdict


_ODD = ("Pacific/Apia", "Australia/Lord_Howe", "Antarctica/Troll", "America/Nuuk", "Africa/Cairo", "Asia/Gaza")


@scenario("R7", "every zone, every hour, years on end", quick=100_000, full=2_370_000, databases=("sqlite",))
def years_of_slots(setting: Setting) -> Iterator[Verdict]:
    """Exactly one slot for each local day that happened, 20 to 28 hours apart. The load is counted in slots."""
    chance = random.Random(setting.seed)
    zones = sorted(zoneinfo.available_timezones())
    some = [*_ODD, *chance.sample(zones, 45 - len(_ODD))]
    years = max(1, round(setting.readers / (45 * 24 * 365)))
    plans = [(zone, hour, date(2024, 1, 1), 365 * years) for zone in some for hour in range(24)]
    plans += [(zone, hour, date(2026, 1, 1), 366) for zone in zones for hour in (0, 2, 7, 23)] if setting.full else []
    plans += [(zone, hour, date(2011, 6, 1), 366) for zone in _ODD for hour in range(24)]
    began, counted, wrong = time.monotonic(), 0, []
    with ProcessPoolExecutor(2) as pool, setting.screen.progress("R7", len(plans)) as tell:
        for number, (slots, faults) in enumerate(pool.map(_check_zone, plans, chunksize=8), start=1):
            counted += slots
            wrong += faults
            tell(number, len(plans))
    faults_in_words = f"{len(plans):,} zones and hours, {years} years"
    verdict = Verdict(name="R7", load=counted, faults=faults_in_words, seconds=time.monotonic() - began)
    for fault in wrong[:5]:
        verdict.must(False, fault)
    verdict.planned = counted
    yield verdict


def _check_zone(plan: tuple[str, int, date, int]) -> tuple[int, list[str]]:
    zone, hour, first, days = plan
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    ask = partial(next_slot, time_zone=zone, hour=hour, days=EVERY_DAY)
    slots = [ask(after=None, not_before=start)]
    while len(slots) < days:
        slots.append(ask(after=slots[-1], not_before=slots[-1].at + APART))
    wrong = []
    for before, after in pairwise(slots):
        if not 20 * _HOUR <= after.at - before.at <= 28 * _HOUR:
            wrong.append(f"{zone} at {hour}: {after.at - before.at} between {before.day} and {after.day}")
        wrong += [
            f"{zone} at {hour}: no slot on {day}"
            for day in (before.day + timedelta(days=n) for n in range(1, (after.day - before.day).days))
            if _happened(day, zone)
        ]
    return len(slots), wrong


def _happened(day: date, zone: str) -> bool:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    return noon.astimezone(UTC).astimezone(ZoneInfo(zone)).date() == day


@scenario("R8", "readers change zone, hour and days at random", quick=300, full=10_000, databases=("sqlite",))
def readers_who_move(setting: Setting) -> Iterator[Verdict]:
    """For 30 days of an injected clock: never two digests within 12 hours, never more than 48 hours without."""
    chance = random.Random(setting.seed)
    zones = sorted(zoneinfo.available_timezones())
    start = datetime(2026, 11, 1, tzinfo=UTC)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="dm-chaos-") as name:
        database = Database(f"sqlite:///{Path(name) / 'digestmail.db'}")
        database.migrate()
        options = Options(subscribers=setting.readers, total=setting.readers, topics=3, items=3, seed=setting.seed)
        seed(database, options, now=start - timedelta(days=1), on_rows=lambda _: None)
        not_daily: set[int] = set()
        changes = setting.readers
        with setting.screen.progress("R8", 30 * 24) as tell:
            for hour in range(30 * 24):
                now = start + hour * _HOUR + timedelta(minutes=chance.randrange(60))
                for number in (chance.randint(1, setting.readers) for _ in range(changes // (30 * 24) + 1)):
                    with database.transaction() as session:
                        reader = session.get_one(Subscriber, number)
                        reader.time_zone, reader.hour = chance.choice(zones), chance.randrange(24)
                        if chance.random() < 0.2:
                            reader.days = chance.randint(1, 127)
                            not_daily.add(number)
                        reschedule(session, reader, now=now)
                plan_due(database, standing_still(now))
                with database.transaction() as session:
                    due = update(Delivery).where(col(Delivery.state) == State.DUE)
                    session.connection().execute(due.values(state=State.SENT, settled_at=now))
                tell(hour + 1, 30 * 24)
        slots: defaultdict[int, list[datetime]] = defaultdict(list)
        with database.reading() as session:
            sent = select(Delivery.subscriber_id, Delivery.slot_at).where(Delivery.state == State.SENT)
            for number, at in session.exec(sent.order_by(col(Delivery.slot_at))):
                slots[number].append(at)
        database.engine.dispose()
    made = 30 * 24 * (changes // (30 * 24) + 1)
    verdict = Verdict(
        name="R8", load=setting.readers, faults=f"{made:,} changes in 30 days", seconds=time.monotonic() - began
    )
    gaps = [after - before for times in slots.values() for before, after in pairwise(times)]
    daily = [
        after - before
        for number, times in slots.items()
        if number not in not_daily
        for before, after in pairwise([*times, start + timedelta(days=30)])
    ]
    verdict.planned = verdict.received = sum(map(len, slots.values()))
    verdict.remarks = (
        f"at least {min(gaps) / _HOUR:.1f} h between two, at most {max(daily) / _HOUR:.1f} h for a daily reader"
    )
    verdict.must(min(gaps) >= APART, f"two came within {min(gaps)}")
    verdict.must(max(daily) <= LONGEST_GAP, f"a daily reader waited {max(daily)}")
    yield verdict


@scenario("R9", "workers' clocks 5 minutes wrong, one steps back an hour", quick=2_000, full=20_000)
def wrong_clocks(setting: Setting) -> Iterator[Verdict]:
    """Nobody goes by the clock of a worker: nothing comes early, and nothing twice."""
    with world(setting) as here:
        here.start(workers=0)
        for number, seconds in enumerate((300, -300, 0), start=1):
            skew = here.folder / f"skew{number}"
            skew.write_text(str(seconds))
            here.keep(f"worker{number}", SKEWED, here.environment | {"CHAOS_SKEW": str(skew)})
        time.sleep(8)
        slot = here.come(ago=timedelta(seconds=-15))
        began = time.monotonic()
        here.wait_for(lambda: here.received_count() > here.readers // 3, "mails", seconds=180)
        skew.write_text("-3600")
        here.wait_until_done("R9")
        verdict = judge(here, "R9", "±5 min, one back 1 h in the middle", seconds=time.monotonic() - began)
        first = min(note.at for note in here.received())
        verdict.remarks = f"the first came {first - slot.timestamp():.1f} s after the slot"
        verdict.to_be()
        verdict.must(first >= slot.timestamp(), f"the first came {slot.timestamp() - first:.1f} s early")
        verdict.must(verdict.doubt == 0, f"{verdict.doubt} were in doubt")
        yield verdict
