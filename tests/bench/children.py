"""The processes of a bench: started in one group that ends with us however we end, each with its own log."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from digestmail.local.leash import Leash
from tests.bench.options import BenchError
from tests.bench.proc import Usage, usage, usage_of_family

_SECONDS_TO_LEAVE = 15.0
_WIDEST = 500  # characters; a trace in a log is one line


@dataclass(slots=True)
class Child:
    """One process that runs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    has_family: bool = False
    """Its work is done by children of its own."""
    leaves_at: signal.Signals = signal.SIGTERM

    def usage(self) -> Usage:
        """What it has used so far."""
        return usage_of_family(self.process.pid) if self.has_family else usage(self.process.pid)

    def last_lines(self, count: int = 20) -> str:
        """The end of its log, long lines cut."""
        return "\n".join(line[:_WIDEST] for line in self.log.read_text(errors="replace").splitlines()[-count:])

    def stop(self) -> None:
        """Ask it to leave, and make it leave."""
        if self.process.poll() is None:
            self.process.send_signal(self.leaves_at)
            try:
                self.process.wait(_SECONDS_TO_LEAVE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Children:
    """All processes that we have started; the block's end stops them, the last started first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[Child] = []

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._held = os.open(self._logs, os.O_RDONLY)
        self._leash = Leash.start(keep=self._held)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop(*self._running)
        finally:
            self._leash.kill_group()
            os.close(self._leash.pipe)
            os.close(self._held)

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        has_family: bool = False,
        leaves_at: signal.Signals = signal.SIGTERM,
    ) -> Child:
        """Start a process; its output goes to a log of its own."""
        log = self._logs / f"{len(list(self._logs.iterdir())):03}-{name.replace(' ', '-')}.log"
        with log.open("xb") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=environment,
                cwd=folder,
                process_group=self._leash.group,
            )
        child = Child(name, process, log, has_family, leaves_at)
        self._running.append(child)
        return child

    def stop(self, *children: Child) -> None:
        """Stop these, the last one first."""
        for child in reversed(children):
            child.stop()
            if child in self._running:
                self._running.remove(child)

    def check(self) -> None:
        """Raise BenchError when somebody has ended who should run."""
        for child in self._running:
            if (code := child.process.poll()) is not None:
                raise BenchError(f"{child.name} ended with {code}. The end of its log:\n{child.last_lines()}")

    def wait_for(self, true: Callable[[], object], what: str, *, seconds: float = 60) -> None:
        """Look again and again until it is true. Raises BenchError when it does not become so, or somebody ends."""
        deadline = time.monotonic() + seconds
        while not true():
            self.check()
            if time.monotonic() > deadline:
                logs = "\n".join(f"-- {child.name}:\n{child.last_lines(5)}" for child in self._running)
                raise BenchError(f"Waited {seconds:.0f} s in vain for {what}.\n{logs}")
            time.sleep(0.05)
