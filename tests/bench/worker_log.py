"""What the workers' logs say about their runs: the lines of the event `delivered`, summed."""

import re
import time
from collections import Counter
from collections.abc import Sequence

from tests.bench.children import Child
from tests.bench.figures import STAGES

_NUMBER = re.compile(r"\b(\w+)=(\d+(?:\.\d+)?(?:e-?\d+)?)(?=\s|$)")
_PATIENCE_SECONDS = 5.0


class WorkerLogs:
    """The logs of the workers from now on."""

    def __init__(self, workers: Sequence[Child]) -> None:
        self._workers = workers
        self._read = {worker.name: worker.log.stat().st_size for worker in workers}

    def stages(self, *, sent: int) -> dict[str, dict[str, float]]:
        """CPU seconds by stage for each worker.

        A line comes when a run has ended, a moment after its last settle, so it waits a little until `sent` are there.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            sums = {worker.name: delivered(self._new(worker)) for worker in self._workers}
            if sum(found["sent"] for found in sums.values()) >= sent or time.monotonic() > deadline:
                return {name: stages(found) for name, found in sums.items()}
            time.sleep(0.1)

    def _new(self, worker: Child) -> str:
        return worker.log.read_bytes()[self._read[worker.name] :].decode(errors="replace")


def delivered(log: str) -> Counter[str]:
    """The sums of all numbers that stand in its lines, such as `planned`, `sent` and `cpu_wire`."""
    sums: Counter[str] = Counter()
    for line in log.splitlines():
        if "event='delivered'" in line:
            for name, value in _NUMBER.findall(line):
                sums[name] += float(value)  # type: ignore[assignment]  # counters add floats as well
    return sums


def stages(sums: Counter[str]) -> dict[str, float]:
    """CPU seconds by stage; those that the log does not name are absent."""
    return {stage: float(sums[f"cpu_{stage}"]) for stage in STAGES if f"cpu_{stage}" in sums}
