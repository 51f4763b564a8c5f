"""Who holds a claim: a process that can be told from every other, also from a later one with the same number."""

import functools
import os
import socket
from pathlib import Path


@functools.cache
def _machine() -> tuple[str, str, str]:
    """This machine's name and identity, its boot, and the namespace of process numbers (a container has its own)."""
    identity = _first_line("/etc/machine-id")
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return f"{socket.gethostname()} {identity}", _first_line("/proc/sys/kernel/random/boot_id"), namespace


def this_process() -> str:
    """The owner that this process is: machine, boot, namespace, process number and its start."""
    return "|".join((*_machine(), str(os.getpid()), _started(os.getpid())))


def is_dead(owner: str) -> bool:
    """Whether an owner certainly runs no more; where that cannot be known, the lease decides."""
    host, boot, namespace, process, started = owner.split("|")
    here = _machine()
    if host != here[0]:
        return False
    if boot != here[1]:
        return not host.endswith(" ")  # a machine with an identity runs one boot at a time
    return namespace == here[2] and _started(int(process)) not in (started, _HIDDEN)


_HIDDEN = "hidden"


def _started(process: int) -> str:
    """When a process started, in clock ticks since boot (proc(5), field 22); "gone" where there is none."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        return _HIDDEN
    try:
        after_name = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # no /proc here
        return "running"
    return "gone" if after_name[0] == "Z" else after_name[19]


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
