"""Figures: what is formed within a run, and what over runs."""

import pytest

from tests.bench.figures import ProcessFigures, Ruler, RunFigures, SlotFigures, Yardstick, flat, medians


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
