"""Ends a whole group of processes when the one that holds the leash is gone, however it went.

The leash is a tiny process that leads the group and reads from a pipe. While the supervisor lives, nothing comes; when
it dies, even by SIGKILL, the system closes its end and the leash ends everybody in the group. This needs no help from
the processes, so it serves for the broker's binary too, on Linux and macOS alike.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

GRACE_SECONDS = 3


@dataclass(slots=True)
class Leash:
    """A running leash. Processes join it by `Popen(..., process_group=leash.group)`."""

    group: int
    process: subprocess.Popen[bytes]
    pipe: int

    @classmethod
    def start(cls, *, keep: int, group: int = 0) -> "Leash":
        """Start a leash for a new group, or for a `group` that has lost its own.

        `keep` is a file descriptor, such as a lock's, that stays open until the last of the group has been ended.
        """
        reading, writing = os.pipe()
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__],
            stdin=reading,
            stdout=subprocess.DEVNULL,  # whoever reads our output must not wait for the leash to end
            stderr=subprocess.DEVNULL,
            pass_fds=(keep,),
            process_group=group,
        )
        os.close(reading)
        return cls(group or process.pid, process, writing)

    def kill_group(self) -> None:
        """End everybody at once, the leash included."""
        os.killpg(self.group, signal.SIGKILL)
        self.process.wait()


def main() -> None:
    """Wait until the other end of standard input is closed, then end the group: SIGTERM, and SIGKILL a little later."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
