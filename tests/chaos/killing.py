"""Workers are killed: at random, at each step of a delivery, in the middle of a lease, by what they deliver."""

import http.client
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlmodel import col, select, update

from digestmail.deliveries import ledger
from digestmail.deliveries.outcome import CRASHES
from digestmail.local.broker import answers_ping
from digestmail.store.models import WAITING, Claim, Delivery, Subscriber
from digestmail.store.states import State
from tests.bench.children import Children
from tests.chaos import postfix
from tests.chaos.judge import Verdict, judge
from tests.chaos.scenarios import scenario
from tests.chaos.sink import Faults
from tests.chaos.world import CONNECTIONS, Setting, World, world

WORKERS = 2

_OPTIONS = ("--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle", "--loglevel", "WARNING")
POISONED = (sys.executable, "-m", "celery", "--app", "tests.chaos.poisoned", "worker", *_OPTIONS)
SKEWED = (sys.executable, "-m", "celery", "--app", "tests.chaos.skewed", "worker", *_OPTIONS)
"""Workers with poison in them and with a wrong clock, see `tests.chaos.poisoned` and `tests.chaos.skewed`."""


@scenario("R1", "kill -9 of all workers at random", quick=2_000, full=100_000, databases=("sqlite", "postgresql"))
def kill_all_workers(setting: Setting) -> Iterator[Verdict]:
    """Once with a sink that tells nothing, once in front of a Postfix that can be asked."""
    kills = 50 if setting.full else 3
    with world(setting) as here:
        verdict = _kill_all(here, "R1", kills)
        most = CONNECTIONS * WORKERS * kills
        verdict.to_be(duplicates=verdict.doubt)
        verdict.must(verdict.doubt <= most, f"{verdict.doubt} were in doubt, of {most} at most")
        yield verdict
    with world(setting, in_front=postfix_in_front) as here:
        verdict = _kill_all(here, "R1 Postfix", kills)
        verdict.to_be()
        yield verdict


def _kill_all(here: World, name: str, kills: int) -> Verdict:
    here.start(workers=WORKERS)
    here.come()
    began = time.monotonic()
    for _ in here.moments(name, kills):
        time.sleep(here.chance.random() * 0.05)
        here.kill("worker")
    here.wait_until_done(name)
    wait_until_delivered(here)
    return judge(here, name, f"{kills} × kill -9 of {WORKERS} workers", seconds=time.monotonic() - began)


def wait_until_delivered(here: World, *, quiet_seconds: float = 3.0) -> None:
    """Wait until nothing more arrives: what is in front of the sink may hold some back."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < quiet_seconds:
        if (count := here.received_count()) != seen:
            seen, since = count, time.monotonic()
        time.sleep(0.1)


def postfix_in_front(folder: Path, _children: Children, port: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    """A Postfix before the sink, which digestmail may ask."""
    with postfix.running(folder, next_port=port) as server:
        yield server.port, {"ASK": f"postfix:{server.log}"}


_OUTCOMES: Mapping[str, tuple[str, int]] = {
    "claim": (State.DUE, 0),
    "body": (State.DUE, 0),
    "mark": (State.DUE, 0),
    "dot": (State.DOUBT, 0),
    "250": (State.DOUBT, 1),
    "settle": (State.DOUBT, 1),
}
"""For each step, where the delivery stands once the dead were reaped, and how many copies have arrived."""


@scenario("R2", "a crash at each step of a delivery", quick=30, full=3_000, databases=("sqlite", "postgresql"))
def crash_at_each_step(setting: Setting) -> Iterator[Verdict]:
    """Each reader's delivery crashes once, at one of the steps in turn; then all of them are sent."""
    with world(setting) as here:
        here.database.engine.dispose()
        began = time.monotonic()
        steps = list(_OUTCOMES)
        surprises: list[str] = []
        crasher = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.crasher"],
            env=here.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert crasher.stdin
        assert crasher.stdout
        with crasher, here.screen.progress("R2", here.readers) as tell:
            for number in range(1, here.readers + 1):
                step = steps[number % len(steps)]
                let_one_be_due(here, number)
                crasher.stdin.write(f"{step}\n")
                crasher.stdin.flush()
                if crasher.stdout.readline().strip() != "9":
                    surprises.append(f"nothing crashed at {step}")
                found = after_the_crash(here, number)
                if found != _OUTCOMES[step]:
                    surprises.append(f"after a crash at {step}: {found}, not {_OUTCOMES[step]}")
                tell(number, here.readers)
            crasher.stdin.close()
        here.let_time_pass()
        here.start(workers=1)
        here.wait_until_done("R2, the rest")
        verdict = judge(here, "R2", f"{here.readers:,} crashes, each step in turn", seconds=time.monotonic() - began)
        verdict.to_be(duplicates=verdict.doubt)
        expected = sum(_OUTCOMES[steps[number % len(steps)]][0] == State.DOUBT for number in range(1, here.readers + 1))
        verdict.must(verdict.doubt == expected, f"{verdict.doubt} were in doubt, and not {expected}")
        for surprise in surprises[:5]:
            verdict.must(False, surprise)
        yield verdict


def let_one_be_due(here: World, number: int) -> None:
    """The slot of one reader comes; what is open of others is put off."""
    now = datetime.now(UTC).replace(microsecond=0)
    with here.database.transaction() as session:
        connection = session.connection()
        connection.execute(
            update(Subscriber).where(col(Subscriber.id) == number).values(next_send_at=now, next_day=now.date())
        )
        connection.execute(
            update(Delivery).where(WAITING, col(Delivery.due_at) <= now).values(due_at=now + timedelta(hours=2))
        )


def after_the_crash(here: World, number: int) -> tuple[str, int]:
    """Where a reader's delivery stands when what the dead held is taken back, and the copies that have arrived."""
    with here.database.writing() as connection:
        ledger.reap(connection)
        row = connection.execute(
            select(Delivery.state, Delivery.id).where(col(Delivery.subscriber_id) == number)
        ).first()
        if row is None:  # planned in a transaction that was not committed
            return "", 0
        email = connection.execute(select(Subscriber.email).where(col(Subscriber.id) == number)).scalar_one()
        connection.execute(
            update(Delivery)
            .where(col(Delivery.id) == row.id, col(Delivery.state) == State.DOUBT)
            .values(state=State.DEFERRED)  # kept from the next trial's sender; it counts as a doubt all the same
        )
    time.sleep(0.01)
    return row.state, sum(note.recipient == email for note in here.received())


@scenario("R10", "a worker stopped past its lease, before the mark and after it", quick=200, full=200)
def stop_past_the_lease(setting: Setting) -> Iterator[Verdict]:
    """The worker is stopped while the server keeps its answers back, its lease ends, and another takes over."""
    for name, held, doubts in (("R10 before", "DATA", False), ("R10 after", "DOT", True)):
        with world(setting, connections=1) as here:
            here.keep("broker", here.broker.command or ())
            here.wait_for(lambda here=here: answers_ping(here.broker.url), "the broker")  # type: ignore[misc]
            here.hold(held)
            here.come()
            here.keep_digestmail("worker1", "worker")
            wanted = State.DOTTED if doubts else State.CLAIMED
            here.wait_for(lambda here=here, wanted=wanted: here.count(wanted) > 0, "a delivery at work")  # type: ignore[misc]
            time.sleep(2)
            began = time.monotonic()
            here.signal(signal.SIGSTOP, "worker1")
            with here.database.transaction() as session:
                session.connection().execute(update(Claim).values(leased_until_at=here.slot_at))
            here.go_on()
            here.keep_digestmail("worker2", "worker")
            here.wait_until_done(name)
            here.signal(signal.SIGCONT, "worker1")
            time.sleep(5)
            verdict = judge(here, name, "1 worker stopped, its lease ended", seconds=time.monotonic() - began)
            verdict.to_be(duplicates=1 if doubts else 0)
            verdict.must(verdict.doubt == doubts, f"{verdict.doubt} were in doubt, and not {int(doubts)}")
            yield verdict


@scenario("R16", "a delivery that kills its worker", quick=2_000, full=5_000)
def poisoned_delivery(setting: Setting) -> Iterator[Verdict]:
    """It is held after five deaths, and nobody else with it."""
    poison = "reader0000700@mail0.example"
    with world(setting) as here:
        here.keep("broker", here.broker.command or ())
        here.wait_for(lambda: answers_ping(here.broker.url), "the broker")
        here.come()
        began = time.monotonic()
        for number in (1, 2):
            here.keep(f"worker{number}", POISONED, here.environment | {"CHAOS_KILLS": poison})
        here.wait_for(lambda: here.received_count() >= here.readers - 1, "everybody else", seconds=300)
        others = time.monotonic() - began
        here.wait_until_done("R16")
        deaths = sum(code == -signal.SIGKILL for kept in here.kept.values() for code in kept.ends)
        verdict = judge(here, "R16", f"{deaths} deaths of workers", seconds=time.monotonic() - began)
        verdict.remarks = f"the others had theirs after {others:.0f} s"
        verdict.to_be(duplicates=verdict.doubt)
        verdict.must(verdict.settled == {"sent": here.readers - 1, "held": 1}, f"they ended as {verdict.settled}")
        verdict.must(deaths == CRASHES, f"{deaths} workers died, and not {CRASHES}")
        yield verdict


@scenario("R17 SIGTERM", "workers asked to leave in the middle of a run", quick=3_000, full=50_000)
def ask_workers_to_leave(setting: Setting) -> Iterator[Verdict]:
    """Each leaves within 15 seconds and leaves no doubt."""
    times = 50 if setting.full else 3
    with world(setting, faults=Faults(seconds=0.05)) as here:
        here.start(workers=2)
        here.come()
        began = time.monotonic()
        slowest = 0.0
        for _ in here.moments("R17 SIGTERM", times):
            numbers = here.pids("worker")
            here.signal(signal.SIGTERM, "worker")
            asked = time.monotonic()
            here.wait_for(lambda numbers=numbers: not set(numbers) & set(here.pids("worker")), "the workers to leave")  # type: ignore[misc]
            slowest = max(slowest, time.monotonic() - asked)
        here.wait_until_done("R17 SIGTERM")
        verdict = judge(here, "R17 SIGTERM", f"{times} × SIGTERM to 2 workers", seconds=time.monotonic() - began)
        verdict.remarks = f"the slowest was out after {slowest:.1f} s"
        verdict.to_be()
        verdict.must(slowest <= 15, f"one took {slowest:.1f} s to leave")
        verdict.must(verdict.doubt == 0, f"{verdict.doubt} were in doubt")
        yield verdict


@scenario("R18", "SQLite with 4 workers and the pages, kill -9 of any", quick=3_000, full=50_000, databases=("sqlite",))
def kill_anybody_on_sqlite(setting: Setting) -> Iterator[Verdict]:
    """While readers sign up; the file stays sound, and no reader meets an error."""
    kills = 50 if setting.full else 8
    with world(setting, faults=Faults(seconds=0.05)) as here:
        here.start(workers=4, web=True)
        here.come()
        began = time.monotonic()
        answers: list[tuple[int, float]] = []
        over = threading.Event()

        def knock() -> None:
            number = 0
            while not over.wait(0.2):
                number += 1
                with suppress(OSError, http.client.HTTPException):  # while the pages are dead
                    answers.append(here.sign_up(number))

        visitor = threading.Thread(target=knock)
        visitor.start()
        for _ in here.moments("R18", kills):
            here.kill(here.chance.choice(["worker1", "worker2", "worker3", "worker4", "web", "beat", "broker"]))
        here.wait_until_done("R18")
        over.set()
        visitor.join()
        here.wait_until_done("R18, the letters")
        verdict = judge(here, "R18", f"{kills} × kill -9 of a random process", seconds=time.monotonic() - began)
        bad = [status for status, _ in answers if status >= 500]
        slowest = max((seconds for _, seconds in answers), default=0.0)
        verdict.remarks = f"{len(answers)} sign-ups meanwhile, the slowest {slowest:.1f} s"
        verdict.to_be(duplicates=verdict.doubt)
        verdict.must(not bad, f"{len(bad)} of {len(answers)} sign-ups were answered with an error: {bad[:3]}")
        verdict.must(answers, "nobody could sign up")
        with here.database.reading() as session:
            found = session.connection().execute(text("PRAGMA integrity_check")).scalar_one()
        verdict.must(found == "ok", f"the file is damaged: {found}")
        yield verdict
