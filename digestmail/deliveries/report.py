"""What a run did: how many tries ended how, what kept the rest from being tried, and what it cost."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from digestmail.deliveries.outcome import Result


@dataclass(slots=True)
class SendReport:
    """The figures of one run so far."""

    planned: int = 0
    results: Counter[Result] = field(default_factory=Counter)
    relay_error: str = ""
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds of CPU that the sending thread took for each of plan, compose, wire and ledger."""

    @contextmanager
    def measured(self, stage: str) -> Iterator[None]:
        """Count this thread's CPU towards a stage."""
        begun = time.thread_time()
        try:
            yield
        finally:
            self.cpu[stage] = self.cpu.get(stage, 0.0) + time.thread_time() - begun
