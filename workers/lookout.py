"""Looks for what is due when the bell rings, and by itself when nobody has rung for a while.

So sending goes on while the broker or beat is away. Each kind of work runs once at a time in a process; a ring that
comes meanwhile makes it look once more.
"""

import math
import threading
import time
from collections.abc import Callable

import structlog

from digestmail.clock import Clock
from digestmail.desk.service import Service
from workers.schedule import COLLECT_EVERY, DELIVER_EVERY
from workers.watchdog import Watchdog

log = structlog.get_logger(__name__)

_PATIENCE = 3
"""How many rings may fail to come before a worker looks by itself."""

_SECONDS_TO_FINISH = 12
_SECONDS_TO_GIVE_BACK = 2


class Bell:
    """One kind of work, done when rung or when nobody has rung for `patience` seconds."""

    def __init__(self, name: str, work: Callable[[], None], *, patience: float) -> None:
        self._name = name
        self._work = work
        self._patience = patience
        self._busy = threading.Lock()
        self._again = False
        self._looked_at = -math.inf  # a worker that has just started looks at once

    def ring(self) -> None:
        """Do the work now; where another thread is at it, have that thread look once more."""
        self._again = True
        while self._again and self._busy.acquire(blocking=False):
            try:
                self._again = False
                self._work()
            except Exception:
                log.exception("the work failed; the next look tries again", work=self._name)
            finally:
                self._looked_at = time.monotonic()
                self._busy.release()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait, once nothing new is to begin, for the work that is being done; True when it has ended in time."""
        if ended := self._busy.acquire(timeout=seconds):
            self._busy.release()
        return ended

    def ring_if_quiet(self) -> None:
        """Do the work if nobody has asked for it for a while."""
        if time.monotonic() - self._looked_at > self._patience:
            self.ring()


class Lookout:
    """The work of one worker process: `deliver` (plan and send) and `collect`."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._stopping = threading.Event()
        self._loops = self._looks = 0
        self._watchdog = Watchdog(service.database, clock, loops=lambda: self._loops, looks=lambda: self._looks)
        self.deliver = Bell("deliver", self._deliver, patience=_PATIENCE * DELIVER_EVERY.total_seconds())
        self.collect = Bell("collect", self._collect, patience=_PATIENCE * COLLECT_EVERY.total_seconds())

    def start(self) -> None:
        """Begin to look by oneself, in threads that end with the process."""
        self._watchdog.start()
        for bell in (self.deliver, self.collect):
            threading.Thread(target=self._watch, args=(bell,), daemon=True).start()

    def stop(self) -> None:
        """Begin nothing new; the wave and the feeds that are out are finished and the rest given back."""
        self._stopping.set()

    def finish(self) -> None:
        """Wait, for a while, until nothing is being sent any more, and the feeds that were not asked are given back."""
        self.deliver.wait_until_idle(_SECONDS_TO_FINISH)
        self.collect.wait_until_idle(_SECONDS_TO_GIVE_BACK)
        self._watchdog.stop()

    def _watch(self, bell: Bell) -> None:
        while not self._stopping.wait(1):
            bell.ring_if_quiet()

    def _deliver(self) -> None:
        begun = time.monotonic()
        report = self._service.deliver(self._clock, stopping=self._stopping.is_set, on_loop=self._note_loop)
        self._looks += 1
        self._note_loop()
        if report.planned or report.results:
            figures = {str(result): count for result, count in report.results.items()}
            cpu = {f"cpu_{stage}": round(seconds, 3) for stage, seconds in report.cpu.items()}
            seconds = round(time.monotonic() - begun, 3)
            log.info("delivered", planned=report.planned, **figures, seconds=seconds, **cpu)

    def _note_loop(self) -> None:
        self._loops += 1

    def _collect(self) -> None:
        report = self._service.collect(self._clock, stopping=self._stopping.is_set)
        if report.new_items or report.failures:
            log.info("collected", new=report.new_items, failed=len(report.failures))
        if told := self._service.notify(self._clock):
            log.info("told the operator", notices=told)
