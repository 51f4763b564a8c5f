"""Who holds a claim: a process that can be told from every other, also from a later one with the same number."""

import functools
import os
import socket
from pathlib import Path


@functools.cache
def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = "-"
    return f"{socket.gethostname()}/{boot}"


def this_process() -> str:
    """The owner that this process is: host, boot, process number and its start."""
    return f"{_machine()}/{os.getpid()}/{_started(os.getpid())}"


def is_dead(owner: str) -> bool:
    """Whether an owner certainly runs no more. A process of another machine is not certain; its lease decides."""
    machine, _, process = owner.rpartition("/")[0].rpartition("/")
    started = owner.rpartition("/")[2]
    if machine != _machine():
        return machine.partition("/")[0] == socket.gethostname()  # this host, before its last boot
    return _started(int(process)) != started


def _started(process: int) -> str:
    """When a process started, in clock ticks since boot (proc(5), field 22); without /proc whether it exists."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return "gone"
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return "gone"
        except PermissionError:
            pass
        return "running"
    return "gone" if after_name[0] == "Z" else after_name[19]
