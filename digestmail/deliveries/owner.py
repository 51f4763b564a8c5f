"""Who holds a claim: a process that can be told from every other, also from a later one with the same number."""

import functools
import os
import socket
from enum import Enum
from pathlib import Path


class Life(Enum):
    """What can be told of an owner."""

    RUNS = "runs"
    GONE = "gone"
    UNKNOWN = "unknown"
    """It is on another machine or in another container, or it was stopped: its lease decides."""


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
    return "|".join((*_machine(), str(os.getpid()), _process(os.getpid())[0]))


def look(owner: str) -> Life:
    """Whether an owner still runs, as far as that can be told from here."""
    host, boot, namespace, process, started = owner.split("|")
    here = _machine()
    if host != here[0]:
        return Life.UNKNOWN
    if boot != here[1]:  # a machine with an identity runs one boot at a time
        return Life.UNKNOWN if host.endswith(" ") else Life.GONE
    if namespace != here[2]:
        return Life.UNKNOWN
    begun, state = _process(int(process))
    if begun == started:
        return Life.UNKNOWN if state in _STOPPED else Life.RUNS
    return Life.UNKNOWN if begun == _HIDDEN else Life.GONE


_HIDDEN = "hidden"
_STOPPED = ("T", "t")


def _process(number: int) -> tuple[str, str]:
    """When a process started, in clock ticks since boot, and its state (proc(5), fields 22 and 3).

    "gone" where there is none, "hidden" where we may not see it, "running" where there is no /proc.
    """
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return "gone", ""
    except PermissionError:
        return _HIDDEN, ""
    try:
        after_name = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # no /proc here
        return "running", ""
    return ("gone", "") if after_name[0] == "Z" else (after_name[19], after_name[0])


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
