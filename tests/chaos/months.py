"""A month in an hour: every day some of everything goes wrong, and nothing piles up."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from sqlmodel import col, func, select

from digestmail.deliveries.accounts import accounts
from digestmail.store.models import Claim, Delivery, Item, ItemTopic, Topic, Worker
from digestmail.store.states import Kind
from tests.bench.recorder import Note
from tests.chaos.judge import ACCOUNTED, Verdict, copies, judge
from tests.chaos.scenarios import scenario
from tests.chaos.sink import Faults
from tests.chaos.world import Setting, World, world

_DAYS = 30
_GROWTH = 40_000_000
"""Octets that a process may grow by between the fifth day and the last."""


@scenario("R25", "30 days with kills, a forgetful broker and refusals", quick=200, full=5_000)
def a_month(setting: Setting) -> Iterator[Verdict]:
    """The accounts add up on each day; memory, the broker's keys and the tables stay bounded. The load is a day's."""
    with world(setting, faults=Faults(temporary=0.1, refused=0.01)) as here:
        here.start(workers=2, web=True)
        broker = redis.Redis.from_url(here.broker.url)
        began, kills = time.monotonic(), 0
        troubles: list[str] = []
        sizes: dict[int, dict[str, int]] = {}
        first = here.slot_at.date()
        for day in range(_DAYS):
            publish_news(here, day)
            before = here.received_count()
            here.come(day=first + timedelta(days=day))
            if day % 5 == 1:
                here.wait_for(lambda before=before: here.received_count() > before, "mail")  # type: ignore[misc]
                time.sleep(here.chance.random() * 0.2)
                kills += here.kill("worker1")
            if day % 5 == 2:
                broker.flushall()
            here.wait_until_done(f"R25, day {day + 1}", hurry=True)
            with here.database.reading() as session:
                found = accounts(session.connection())
                claims = session.exec(select(func.count()).select_from(Claim)).one()
                workers = session.exec(select(func.count()).select_from(Worker)).one()
            missing = {kind: account.missing for kind, account in found.items() if account.missing}
            if missing:
                troubles.append(f"on day {day + 1} the accounts do not add up: {missing}")
            if (keys := broker.dbsize()) > 20:
                troubles.append(f"on day {day + 1} the broker has {keys} keys")
            if claims > 4 or workers > 2 + kills:
                troubles.append(f"on day {day + 1} there are {claims} claims and {workers} workers")
            sizes[day] = {name: resident(pid) for name in ("worker2", "beat1", "web") for pid in here.pids(name)}
        notes: list[Note] = [note for note in here.received() if ".digest." in note.message_id]
        verdict = judge(
            here, "R25", f"{_DAYS} days, {kills} kills, FLUSHALL, 10 % 4xx, 1 % 5xx", seconds=time.monotonic() - began
        )
        verdict.duplicates, verdict.lost = copies(notes), lost_on_any_day(here, notes)
        verdict.to_be(duplicates=verdict.doubt)
        verdict.must(verdict.planned == _DAYS * here.readers, f"{verdict.planned} were planned in {_DAYS} days")
        grown = {name: sizes[_DAYS - 1][name] - sizes[5][name] for name in sizes[5]}
        verdict.remarks = ", ".join(f"{name} +{octets / 1e6:.0f} MB" for name, octets in grown.items())
        verdict.must(max(grown.values()) < _GROWTH, f"they grew: {verdict.remarks}")
        for trouble in troubles[:5]:
            verdict.must(False, trouble)
        yield verdict


def lost_on_any_day(here: World, notes: list[Note]) -> int:
    """How many digests of readers and days neither came nor are accounted for."""
    arrived = {".".join(note.message_id.split(".")[:3]) for note in notes}
    with here.database.reading() as session:
        rows = session.exec(
            select(Delivery.subscriber_id, Delivery.scheduled_day).where(
                Delivery.kind == Kind.DIGEST, col(Delivery.state).not_in(ACCOUNTED)
            )
        )
        return sum(f"<r{number}.digest.{day:%Y%m%d}" not in arrived for number, day in rows)


def publish_news(here: World, day: int) -> None:
    """A story of the day, in every topic."""
    with here.database.transaction() as session:
        now = datetime.now(UTC)
        url = f"https://courier.example/day/{day}"
        item = Item(url=url, link_key=url, title=f"News of day {day + 1}", published_at=now, seen_at=now)
        session.add(item)
        session.flush()
        topics = session.exec(select(Topic.id)).all()
        session.add_all(ItemTopic(item_id=item.id or 0, topic_id=topic or 0, seen_at=now) for topic in topics)


def resident(pid: int) -> int:
    """The octets that a process has in memory."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096
