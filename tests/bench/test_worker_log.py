"""A worker's log: its lines of one event, summed."""

import pytest

from tests.bench.worker_log import delivered, stages

LOG = """\
timestamp='2026-11-23T06:00:09Z' level='info' event='delivered' planned=3 sent=3 cpu_plan=0.01 cpu_wire=1e-05
something else cpu_plan=9
timestamp='2026-11-23T06:00:10Z' level='info' event='collected' new=3 cpu_plan=9
timestamp='2026-11-23T06:00:12Z' level='info' event='delivered' planned=0 sent=4 cpu_plan=0.02
"""


def test_the_lines_of_deliveries_are_summed() -> None:
    sums = delivered(LOG)
    assert sums["sent"] == 7
    assert stages(sums) == pytest.approx({"plan": 0.03, "wire": 0.00001})


def test_a_stage_that_is_not_named_is_absent() -> None:
    assert stages(delivered("event='delivered' sent=1")) == {}
