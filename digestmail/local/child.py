"""One process under the supervisor: started, watched, started again after a growing delay, stopped."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 30.0
_RAN_WELL_SECONDS = 60.0
_LOG_BYTES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What is to run."""

    name: str
    command: tuple[str, ...]
    is_ready: Callable[[], bool] = lambda: True
    """Whether it does its work already."""
    goes_first: bool = False
    """The others start when it is ready."""
    patience: float = 5.0
    """How many seconds it has between SIGTERM and SIGKILL."""


class Child:
    """A service's process. It lives in the leash's group and writes to its own log. Seconds are monotonic."""

    def __init__(self, service: Service, *, group: int, environment: Mapping[str, str], logs: Path) -> None:
        self.service = service
        self.log = logs / f"{service.name}.log"
        self.start_again_at: float | None = None
        self._group = group
        self._environment = dict(environment)
        self._delay = _FIRST_DELAY
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended as far as `poll` saw."""
        return self._process is not None

    def start(self) -> None:
        """Start it, its output going to the end of its log; a log that grew large is put aside first."""
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands
                self.service.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                process_group=self._group,
            )
        self._started_at = time.monotonic()
        self.start_again_at = None

    def poll(self) -> int | None:
        """Its exit code, once, when it has ended since the last look (negative: the signal that ended it)."""
        code = self._process.poll() if self._process else None
        if code is not None:
            self._process = None
        return code

    def plan_restart(self) -> float:
        """Set `start_again_at`; the delay in seconds, which grows until the process has run well for a minute."""
        now = time.monotonic()
        if now - self._started_at >= _RAN_WELL_SECONDS:
            self._delay = _FIRST_DELAY
        delay, self._delay = self._delay, min(self._delay * 2, _LONGEST_DELAY)
        self.start_again_at = now + delay
        return delay

    def terminate(self) -> None:
        """Ask it to leave."""
        self.start_again_at = None
        if self._process:
            self._process.terminate()

    def kill(self) -> None:
        """Make it leave."""
        if self._process:
            self._process.kill()

    def last_lines(self, count: int = 15) -> str:
        """The end of its log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 8_000))
            return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    return f"ended with exit code {code}" if code >= 0 else f"was ended by {signal.Signals(-code).name}"
