"""What the system tells about a process: the CPU time it has used and the most memory it has had (proc(5))."""

import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of CPU, user and system, and octets of resident memory at its peak; None where nobody tells."""

    cpu_seconds: float | None = None
    peak_octets: int | None = None


@dataclass(frozen=True, slots=True)
class Stat:
    """One line of /proc/PID/stat; seconds of the ended children are apart from its own."""

    parent: int
    own_seconds: float
    children_seconds: float


def usage(process: int) -> Usage:
    """Of one process."""
    try:
        stat = read_stat((_PROC / str(process) / "stat").read_text())
        peak = read_peak((_PROC / str(process) / "status").read_text())
    except OSError:
        return Usage()
    return Usage(stat.own_seconds, peak)


def usage_of_family(process: int) -> Usage:
    """Of a process with its children, those that have ended too; the peak is that of the largest."""
    seconds, peaks = 0.0, [0]
    for folder in _PROC.glob("[0-9]*"):
        try:
            stat = read_stat((folder / "stat").read_text())
            if process in (int(folder.name), stat.parent):
                seconds += stat.own_seconds + stat.children_seconds
                peaks.append(read_peak((folder / "status").read_text()) or 0)
        except OSError:  # it has ended meanwhile
            continue
    return Usage(seconds, max(peaks)) if max(peaks) else Usage()


def read_stat(line: str) -> Stat:
    """Fields 4 and 14 to 17; the name in field 2 may hold anything."""
    after_name = line.rpartition(")")[2].split()
    ticks = [int(field) for field in after_name[11:15]]
    return Stat(int(after_name[1]), sum(ticks[:2]) / _TICKS, sum(ticks[2:]) / _TICKS)


def read_peak(status: str) -> int | None:
    """The octets of VmHWM; None for a process that has no memory any more."""
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return None
