"""Reading /proc: fields at their places, whatever a process is called."""

import os

from tests.bench.proc import read_peak, read_stat, usage


def test_the_fields_are_found_behind_a_strange_name() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    after = ["S", "7", *["0"] * 9, str(3 * ticks), str(ticks), str(2 * ticks), "0", "20"]
    stat = read_stat(f"42 (a ) strange (name) {' '.join(after)}")
    assert (stat.parent, stat.own_seconds, stat.children_seconds) == (7, 4.0, 2.0)


def test_the_peak_is_in_octets() -> None:
    assert read_peak("Name:\tpython\nVmHWM:\t   2048 kB\nVmRSS:\t 1024 kB\n") == 2 * 1024 * 1024
    assert read_peak("Name:\tkthreadd\n") is None


def test_a_process_that_is_gone_tells_nothing() -> None:
    assert usage(2**22 + 1).cpu_seconds is None
