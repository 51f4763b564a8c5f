"""The broker forgets, fills up, stands still and dies; beats and planners are many. Nothing is asked of them."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import redis

from digestmail.local.broker import answers_ping
from tests.chaos.judge import Verdict, judge
from tests.chaos.scenarios import scenario
from tests.chaos.sink import Faults
from tests.chaos.world import Setting, world

_SLOW = Faults(seconds=0.02)
"""Else a quick load is over before anything could be done to it."""


@scenario("R3", "FLUSHALL again and again, then a broker that is full", quick=5_000, full=100_000)
def forget_everything(setting: Setting) -> Iterator[Verdict]:
    """Finished within the time of an undisturbed run and 90 seconds."""
    with world(setting, faults=_SLOW) as here:
        here.start()
        here.come()
        undisturbed = here.wait_until_done("R3, undisturbed")
    with world(setting, faults=_SLOW) as here:
        here.start()
        here.come()
        client = redis.Redis.from_url(here.broker.url)
        every = 5.0 if setting.full else 0.5
        flushes = 0

        def forget() -> None:
            nonlocal flushes
            flushes += 1
            client.flushall()
            if flushes == 3:
                client.config_set("maxmemory", "1")
                client.config_set("maxmemory-policy", "noeviction")

        with again_and_again(forget, every=every):
            seconds = here.wait_until_done("R3")
        verdict = judge(here, "R3", f"{flushes} × FLUSHALL, and maxmemory reached", seconds=seconds)
        verdict.remarks = f"undisturbed {undisturbed:.0f} s"
        verdict.to_be()
        verdict.must(verdict.doubt == 0, f"{verdict.doubt} were in doubt")
        verdict.must(seconds <= undisturbed + 90, f"it took {seconds:.0f} s instead of {undisturbed:.0f} s")
        yield verdict


@scenario("R4", "the broker killed, stopped, its connections reset", quick=2_000, full=20_000)
def lose_the_broker(setting: Setting) -> Iterator[Verdict]:
    """A slot that comes meanwhile is sent all the same, and who signs up gets an answer."""
    dead, stopped = (300.0, 120.0) if setting.full else (18.0, 18.0)
    with world(setting, faults=Faults(seconds=0.01)) as here:
        here.start(web=True)
        time.sleep(5)
        here.away("broker")
        here.come()
        began = time.monotonic()
        here.wait_for(lambda: here.received_count() > 0, "mail without a broker", seconds=90)
        first = time.monotonic() - began
        answers = [here.sign_up(number) for number in range(3)]
        here.wait_until_done("R4, the broker is dead")
        time.sleep(max(0.0, dead - (time.monotonic() - began)))
        here.back("broker")
        here.wait_for(lambda: answers_ping(here.broker.url), "the broker")
        time.sleep(10)
        here.signal(signal.SIGSTOP, "broker")
        stopped_at = time.monotonic()
        answers += [here.sign_up(number) for number in range(3, 6)]
        here.wait_until_done("R4, the broker stands still")
        letters = time.monotonic() - stopped_at
        time.sleep(max(0.0, stopped - (time.monotonic() - stopped_at)))
        here.signal(signal.SIGCONT, "broker")
        client = redis.Redis.from_url(here.broker.url)
        for _ in range(20):
            client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            time.sleep(0.2)
        reset_at = time.monotonic()
        answers.append(here.sign_up(6))
        here.wait_until_done("R4, after the resets")
        back = time.monotonic() - reset_at
        faults = f"dead {dead:.0f} s, stopped {stopped:.0f} s, 20 resets"
        verdict = judge(here, "R4", faults, seconds=time.monotonic() - began)
        slowest = max(seconds for _, seconds in answers)
        verdict.remarks = f"the first mail after {first:.0f} s, sign-ups answered within {slowest:.1f} s"
        verdict.to_be()
        verdict.must(first <= 60, f"without a broker the first mail came after {first:.0f} s")
        verdict.must(letters <= 60, f"while it stood still the letters took {letters:.0f} s")
        verdict.must(back <= 60, f"after the resets a letter took {back:.0f} s")
        verdict.must({status for status, _ in answers} <= {200, 303}, f"sign-ups were answered {answers}")
        verdict.must(slowest <= 10, f"a sign-up took {slowest:.1f} s")
        restarts = {kept.name: kept.ends for kept in here.kept.values() if kept.ends and kept.name != "broker"}
        verdict.must(not restarts, f"these ended by themselves: {restarts}")
        yield verdict


@scenario("R5", "three beats and three planners at once", quick=5_000, full=100_000)
def many_beats_and_planners(setting: Setting) -> Iterator[Verdict]:
    """One digest for each reader and day, whoever plans."""
    with world(setting) as here:
        here.start(workers=3, beats=3)
        for number in range(1, 4):
            here.keep(f"planner{number}", (sys.executable, "-m", "tests.chaos.planner"))
        time.sleep(3)
        here.come()
        seconds = here.wait_until_done("R5")
        verdict = judge(here, "R5", "3 beats, 3 planners, 3 workers", seconds=seconds)
        verdict.to_be()
        verdict.must(verdict.planned == here.readers, f"{verdict.planned} were planned for {here.readers} readers")
        yield verdict


class again_and_again:  # noqa: N801 - reads as a statement
    """Does something every so many seconds, for the length of a block; what fails is tried again."""

    def __init__(self, do: Callable[[], object], *, every: float) -> None:
        self._do = do
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._every):
            try:
                self._do()
            except (OSError, redis.RedisError):
                continue
