"""A worker looks when rung and when nobody rings, once at a time, and lives on after a failure."""

import threading

from tests.services import wait_until
from workers.lookout import Bell


def test_a_bell_that_was_never_rung_looks_at_once() -> None:
    looks: list[int] = []
    bell = Bell("work", lambda: looks.append(1), patience=3600)
    bell.ring_if_quiet()
    bell.ring_if_quiet()
    assert looks == [1]
    bell.ring()
    assert looks == [1, 1]


def test_an_impatient_bell_looks_again_by_itself() -> None:
    looks: list[int] = []
    bell = Bell("work", lambda: looks.append(1), patience=-1)
    bell.ring_if_quiet()
    bell.ring_if_quiet()
    assert looks == [1, 1]


def test_a_ring_in_the_middle_makes_it_look_once_more_and_never_twice_at_once() -> None:
    entered, go_on = threading.Event(), threading.Event()
    running: list[int] = []
    most: list[int] = []

    def work() -> None:
        running.append(1)
        most.append(len(running))
        entered.set()
        assert go_on.wait(10)
        running.pop()

    bell = Bell("work", work, patience=3600)
    first = threading.Thread(target=bell.ring)
    first.start()
    assert entered.wait(10)
    bell.ring()
    bell.ring()
    assert not bell.wait_until_idle(0.01)
    go_on.set()
    first.join(10)
    assert bell.wait_until_idle(0.01)
    assert most == [1, 1]


def test_a_failure_does_not_silence_it() -> None:
    looks: list[int] = []

    def work() -> None:
        looks.append(1)
        raise RuntimeError

    bell = Bell("work", work, patience=3600)
    bell.ring()
    bell.ring()
    wait_until(lambda: len(looks) == 2, seconds=1)
