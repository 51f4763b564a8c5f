"""Watches the loops of this worker: one that finishes none any more while work is due is ended by its dog.

Whoever supervises the worker starts another. One thread tells the database that we live and learns whether work is due;
another feeds the dog and waits for nobody. So a database that hangs does not starve it.
"""

import threading
from collections.abc import Callable
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from digestmail.clock import Clock
from digestmail.deliveries.heartbeat import beat, leave, work_is_due
from digestmail.deliveries.owner import this_process
from digestmail.store.database import Database
from workers.dog import Dog

log = structlog.get_logger(__name__)

_BEAT_SECONDS = 10.0
_FEED_SECONDS = 1.0
_LAST_BEAT_SECONDS = 5.0
_PATIENCE = 120
"""So many feeds may come and go without a loop that came to its end; in health the longest takes a few seconds."""


class Fed(Protocol):
    """What is fed while all is well."""

    def feed(self) -> None:
        """Show that all is well."""

    def leave(self) -> None:
        """Nobody is to be watched any more."""


class Watchdog:
    """`loops` tells how many loops this worker has finished, and `looks` how often it has looked for work."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        loops: Callable[[], int],
        looks: Callable[[], int],
        dog: Callable[[], Fed] = Dog.start,
    ) -> None:
        self._database = database
        self._clock = clock
        self._loops = loops
        self._looks = looks
        self._get_dog = dog
        self._work_is_due = False
        self._leaving = threading.Event()

    def start(self) -> None:
        """Begin, in threads that end with the process."""
        self._dog = self._get_dog()
        self._threads = [
            threading.Thread(target=task, name="watchdog", daemon=True) for task in (self._tell, self._feed)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, once the work has ended."""
        self._leaving.set()
        self._dog.leave()
        for thread in self._threads:
            thread.join(_LAST_BEAT_SECONDS)  # a beat that waits for the database would show us again
        try:
            with self._database.writing() as connection:
                leave(connection, this_process())
        except SQLAlchemyError:
            pass  # the row is forgotten by the next that starts

    def _tell(self) -> None:
        while True:
            try:
                with self._database.writing() as connection:
                    beat(connection, this_process(), looks=self._looks())
                    self._work_is_due = work_is_due(connection, now=self._clock())
            except SQLAlchemyError:
                self._work_is_due = False  # for all that is known
            if self._leaving.wait(_BEAT_SECONDS):
                return

    def _feed(self) -> None:
        finished, idle = -1, 0
        while not self._leaving.wait(_FEED_SECONDS):
            loops = self._loops()
            finished, idle = loops, 0 if loops != finished else idle + 1
            if idle < _PATIENCE or not self._work_is_due:
                self._dog.feed()
            elif idle == _PATIENCE:
                log.error("no loop came to its end while work is due; this worker will be ended")
