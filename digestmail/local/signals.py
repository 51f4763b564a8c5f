"""Signals as values: how often we were asked to stop, and a wait that any signal, also a child's end, cuts short."""

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Any, Self

_STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Within its block, SIGINT, SIGTERM and SIGHUP raise nothing and are counted. For the main thread alone."""

    def __init__(self) -> None:
        self.asked_to_stop = 0

    def __enter__(self) -> Self:
        self._reading, self._writing = os.pipe()
        for end in (self._reading, self._writing):
            os.set_blocking(end, False)
        self._former: dict[int, Any] = {number: signal.signal(number, self._count) for number in _STOP}
        self._former[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._former_fd = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._former_fd)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.close(self._reading)
        os.close(self._writing)

    def wait(self, seconds: float | None) -> None:
        """Wait so long, or until a signal arrives; None waits for a signal."""
        if select.select([self._reading], [], [], seconds)[0]:
            os.read(self._reading, 4096)

    def _count(self, number: int, frame: FrameType | None) -> None:
        self.asked_to_stop += 1
