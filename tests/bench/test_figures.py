"""Figures: what is formed within a run, and what over runs."""

from dataclasses import replace

import pytest

from tests.bench.figures import (
    Collecting,
    FeedFigures,
    ProcessFigures,
    Ruler,
    RunFigures,
    SlotFigures,
    Yardstick,
    flat,
    medians,
)


def worker(cpu: float | None = 2.0, **stages: float) -> ProcessFigures:
    return ProcessFigures(name="worker 1", ours=True, cpu_seconds=cpu, peak_octets=90_000_000, stages=stages)


def run_of(seconds: float, source_seconds: float, *processes: ProcessFigures) -> RunFigures:
    slot = SlotFigures(due=1000, states={"sent": 1000}, seconds=seconds, processes=processes)
    source = Yardstick(messages=1000, seconds=source_seconds, cpu_seconds=0.1)
    return RunFigures(slot=slot, yardsticks={Ruler.KEPT: source})


def test_a_ratio_is_formed_within_its_run_and_then_the_median_is_taken() -> None:
    runs = [run_of(1.0, 1.0), run_of(2.0, 4.0), run_of(4.0, 2.0)]
    found = medians(map(flat, runs))
    assert found["of_source_kept"] == pytest.approx(1.0)
    assert found["rate"] == pytest.approx(500)


def test_the_cost_of_a_message_is_that_of_our_processes_alone() -> None:
    sink = ProcessFigures(name="smtp-sink", ours=False, cpu_seconds=5.0, peak_octets=1)
    beat = ProcessFigures(name="beat", ours=True, cpu_seconds=1.0, peak_octets=200_000_000)
    found = flat(run_of(1.0, 1.0, worker(plan=0.5), beat, sink))
    assert found["cpu_us"] == pytest.approx(3000)
    assert found["worker_us"] == pytest.approx(2000)
    assert found["plan_us"] == pytest.approx(500)
    assert found["smtp_sink_us"] == pytest.approx(5000)
    assert found["worker_peak"] == 90_000_000


def test_what_nobody_tells_is_absent() -> None:
    found = flat(run_of(1.0, 1.0, worker(None)))
    assert "cpu_us" not in found
    assert "wire_us" not in found
    assert "of_usual" not in found


def test_two_halves_of_a_yardstick_are_one() -> None:
    half = Yardstick(messages=10, seconds=1.0, cpu_seconds=0.1, sessions=16)
    other = Yardstick(messages=30, seconds=1.0, cpu_seconds=0.3, sessions=16)
    assert (half + other).rate == 20
    assert (half + other).sessions == 16


ROUND = Collecting(
    feeds=1000,
    news=30,
    polled=1000,
    not_modified=970,
    failed=0,
    new_items=30,
    stored=30,
    seconds=2.0,
    cpu_seconds=1.0,
    unchanged=1000,
    unchanged_seconds=1.0,
    peak_octets=99_000_000,
)


def test_collecting_is_compared_with_bare_clients_and_with_few_feeds() -> None:
    bare = Yardstick(messages=2000, seconds=1.0, cpu_seconds=0.2)
    library = Yardstick(messages=2000, seconds=4.0, cpu_seconds=0.8)
    few = replace(ROUND, peak_octets=90_000_000)
    found = flat(RunFigures(feeds=FeedFigures(many=ROUND, few=few, one_host=ROUND, bare=bare, library=library)))
    assert found["feeds_of_bare"] == pytest.approx(0.25)
    assert found["feeds_unchanged_of_bare"] == pytest.approx(0.5)
    assert found["feeds_of_library"] == pytest.approx(1)
    assert found["feeds_unchanged_of_library"] == pytest.approx(2)
    assert found["feeds_us"] == pytest.approx(1000)
    assert found["feeds_bare_us"] == pytest.approx(100)
    assert found["feeds_library_us"] == pytest.approx(400)
    assert found["feeds_of_few"] == pytest.approx(1.1)


def test_a_round_holds_when_every_feed_was_polled_and_brought_its_news() -> None:
    assert ROUND.holds
    assert "all is well" in str(ROUND)
    for change in ({"polled": 999}, {"not_modified": 1000}, {"failed": 1}, {"new_items": 29}, {"stored": 31}):
        assert not replace(ROUND, **change).holds
    assert not replace(ROUND, unchanged=999).holds
    assert not replace(ROUND, news=0, not_modified=1000, new_items=0, stored=0).holds
