"""The dog: a small process beside a worker, which is fed a byte a second and ends the worker when it is not fed.

It is a process of its own, since a worker that was stopped, or hangs in a library, runs no thread. It counts the
seconds that it was awake: a machine that was asleep is no reason to bite.
"""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

PATIENCE = 60
"""Seconds without food."""


class Dog:
    """A dog that watches this process."""

    def __init__(self, process: subprocess.Popen[bytes], pipe: int) -> None:
        self._process = process
        self._pipe = pipe

    @classmethod
    def start(cls, *, patience: int = PATIENCE) -> Self:
        """Get one. It leaves when this process ends, however that goes."""
        reading, writing = os.pipe()
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), str(patience)],
            stdin=reading,
            stdout=subprocess.DEVNULL,
        )
        os.close(reading)
        os.set_blocking(writing, False)
        return cls(process, writing)

    def feed(self) -> None:
        """Show that all is well."""
        try:
            os.write(self._pipe, b".")
        except BlockingIOError:
            pass  # it has more than enough
        except BrokenPipeError:
            pass  # somebody killed the dog: nobody watches us, and that is no reason to stop

    def leave(self) -> None:
        """Send it away."""
        os.close(self._pipe)
        self._process.wait()


def watch(worker: int, patience: int) -> None:
    """Wait for food on standard input; without any for `patience` seconds, end the worker."""
    hungry = 0
    while hungry < patience:
        if select.select([0], [], [], 1)[0]:
            if not os.read(0, 4096):
                return
            hungry = 0
        else:
            hungry += 1
    if os.getppid() == worker:
        print(f"worker {worker} does nothing any more and is ended", file=sys.stderr, flush=True)
        os.kill(worker, signal.SIGKILL)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it leaves after the worker
    watch(int(sys.argv[1]), int(sys.argv[2]))
