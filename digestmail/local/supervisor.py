"""Keeps a row of services running: starts them in order, brings back whoever dies, stops them in reverse order.

Everything happens in one thread. Each service is a process in the group of one leash (see `digestmail.local.leash`), so
a terminal's Ctrl-C reaches the supervisor alone, and nobody outlives it.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from digestmail.local.child import Child, Service, how_it_ended
from digestmail.local.leash import Leash
from digestmail.local.signals import Signals

_START_SECONDS = 60.0
_LOOK_SECONDS = 0.1


class Supervisor:
    """The services of one data folder. `lock` is a file descriptor that is held until the last process is gone."""

    def __init__(
        self,
        services: Sequence[Service],
        *,
        environment: Mapping[str, str],
        logs: Path,
        lock: int,
        console: Console,
        signals: Signals,
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._lock = lock
        self._console = console
        self._signals = signals
        self._leash = Leash.start(keep=lock)
        self._children = [
            Child(service, group=self._leash.group, environment=environment, logs=logs) for service in services
        ]

    def start(self) -> bool:
        """Start everything; True when all are ready, else it has said what is wrong, or was asked to stop."""
        for child in self._children:
            child.start()
            if child.service.goes_first and not self._wait_for(child):
                return False
        return all(self._wait_for(child) for child in self._children)

    def watch(self) -> None:
        """Bring back whoever dies, until we are asked to stop."""
        while not self._signals.asked_to_stop:
            for child in self._children:
                self._look_after(child)
            if self._leash.process.poll() is not None:
                self._leash = Leash.start(keep=self._lock, group=self._leash.group)
            planned = [child.start_again_at for child in self._children if child.start_again_at is not None]
            self._signals.wait(max(0.0, min(planned) - time.monotonic()) if planned else None)

    def stop(self) -> None:
        """Stop everything, the last started first. Asked to stop a second time, it kills them all at once."""
        for child in reversed(self._children):
            child.terminate()
            deadline = time.monotonic() + child.service.patience
            while child.is_running and child.poll() is None and self._signals.asked_to_stop < 2:
                if time.monotonic() > deadline:
                    self._say(f"{child.service.name} does not leave and is killed")
                    child.kill()
                self._signals.wait(_LOOK_SECONDS)
        with suppress(ProcessLookupError, PermissionError):  # nobody is left
            self._leash.kill_group()

    def _wait_for(self, waited: Child) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while not waited.service.is_ready():
            if self._signals.asked_to_stop:
                return False
            if time.monotonic() > deadline:
                return self._did_not_start(waited, f"was not ready after {_START_SECONDS:.0f} s")
            self._signals.wait(_LOOK_SECONDS)
            if not self._all_alive():
                return False
        return self._all_alive()

    def _all_alive(self) -> bool:
        for child in self._children:
            if (code := child.poll()) is not None:
                return self._did_not_start(child, how_it_ended(code))
        return True

    def _did_not_start(self, child: Child, what: str) -> bool:
        self._say(f"{child.service.name} did not start: it {what}. The end of {child.log}:", style="bold red")
        self._say(child.last_lines() or "(nothing)")
        return False

    def _look_after(self, child: Child) -> None:
        if (code := child.poll()) is not None:
            delay = child.plan_restart()
            self._say(
                f"{child.service.name} {how_it_ended(code)}; it starts again in {delay:g} s (its log is {child.log})",
                style="yellow",
            )
        elif child.start_again_at is not None and time.monotonic() >= child.start_again_at:
            child.start()

    def _say(self, sentence: str, *, style: str = "") -> None:
        with suppress(OSError):  # the terminal may be gone; the services are not
            self._console.print(escape(sentence), style=style, soft_wrap=True, highlight=False)
