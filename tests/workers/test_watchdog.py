"""The watchdog feeds while loops come to their end or nothing is due, and shows that the worker lives."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlmodel import select, update

from digestmail.clock import standing_still
from digestmail.deliveries.heartbeat import beat, living, work_is_due
from digestmail.deliveries.owner import this_process
from digestmail.store.database import Database, present
from digestmail.store.models import Worker
from tests.deliveries.conftest import SLOT, due
from tests.services import wait_until
from workers import watchdog as module
from workers.watchdog import Watchdog

__all__ = ("due",)


class Bowl:
    """Counts how often the dog was fed."""

    def __init__(self) -> None:
        self.fed = 0
        self.left = False

    def feed(self) -> None:
        """Count."""
        self.fed += 1

    def leave(self) -> None:
        """Note."""
        self.left = True


@pytest.fixture
def bowl(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Bowl, list[int]]]:
    """A watchdog of little patience: what it feeds, and the loops that it believes in."""
    monkeypatch.setattr(module, "_PATIENCE", 2)
    monkeypatch.setattr(module, "_BEAT_SECONDS", 0.02)
    monkeypatch.setattr(module, "_FEED_SECONDS", 0.1)
    found, loops = Bowl(), [0]
    watchdog = Watchdog(database, standing_still(SLOT), loops=lambda: loops[0], looks=lambda: 3, dog=lambda: found)
    watchdog.start()
    yield found, loops
    watchdog.stop()
    assert found.left
    with database.reading() as session:
        assert session.exec(select(Worker)).all() == []


def test_who_does_nothing_while_nothing_is_due_is_fed(bowl: tuple[Bowl, list[int]]) -> None:
    time.sleep(0.8)
    assert bowl[0].fed >= 5


def test_who_finishes_nothing_while_work_is_due_is_not(
    bowl: tuple[Bowl, list[int]], due: Callable[[int], list[int]]
) -> None:
    due(1)
    time.sleep(0.8)
    fed = bowl[0].fed
    time.sleep(0.5)
    assert bowl[0].fed == fed
    bowl[1][0] += 1
    wait_until(lambda: bowl[0].fed > fed, seconds=3)


def test_a_worker_is_seen_while_it_lives(database: Database, bowl: tuple[Bowl, list[int]]) -> None:
    def seen() -> list[tuple[str, int]]:
        with database.reading() as session:
            return [(worker.owner, worker.looks) for worker in living(session.connection())]

    wait_until(lambda: seen() == [(this_process(), 3)], seconds=5)


def test_who_was_not_seen_lately_or_has_ended_does_not_live(database: Database) -> None:
    gone = this_process().rpartition("|")[0] + "|0"
    with database.writing() as connection:
        for owner in (this_process(), gone, "elsewhere |a|b|1|2"):
            beat(connection, owner, looks=1)
        assert len(living(connection)) == 2
        connection.execute(update(Worker).values(seen_at=present(connection) - timedelta(minutes=2)))
        assert living(connection) == []


def test_what_is_due_is_known(database: Database, due: Callable[[int], list[int]]) -> None:
    with database.writing() as connection:
        assert not work_is_due(connection, now=SLOT)
    due(1)
    with database.writing() as connection:
        assert work_is_due(connection, now=SLOT)
        assert not work_is_due(connection, now=SLOT - timedelta(seconds=1))
