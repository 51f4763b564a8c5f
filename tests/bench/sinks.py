"""Who takes the mail: Postfix's smtp-sink, our recorder, or somebody else's server, with a delay in front if wanted."""

import os
import shutil
import smtplib
import socket
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from digestmail.local.broker import free_port
from tests.bench.children import Child, Children
from tests.bench.options import BenchError

INSTALL = "Postfix's programs were not found; on Debian: `apt install postfix`"


@dataclass(frozen=True, slots=True)
class Sink:
    """A mail server that runs. `host` and `port` are where clients connect to."""

    name: str
    host: str
    port: int
    child: Child | None = None
    """Its process, where it is ours."""
    line: Child | None = None
    """The process that delays."""

    def round_trip(self) -> float:
        """Seconds from a command to its reply: the median of a few."""
        took = []
        with smtplib.SMTP(self.host, self.port, timeout=30) as client:
            for _ in range(9):
                began = time.perf_counter()
                client.noop()
                took.append(time.perf_counter() - began)
        return statistics.median(took)


NO_SINK = Sink("", "", 0)
"""Where nothing is mailed."""


def own_sink(children: Children) -> Sink:
    """Postfix's smtp-sink, which takes everything and keeps nothing. Raises BenchError where it is not installed."""
    program = postfix_program("smtp-sink")
    if program is None:
        raise BenchError(f"{INSTALL}. Or give a sink of your own with --smtp HOST:PORT.")
    port = free_port()
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    child = children.start("smtp-sink", [program, *as_nobody, f"127.0.0.1:{port}", "2000"])
    children.wait_for(lambda: _listens("127.0.0.1", port), "smtp-sink")
    return Sink("smtp-sink", "127.0.0.1", port, child)


def recorder(children: Children, folder: Path, *, keep: int) -> Sink:
    """Our recorder, which notes each message in `folder` and keeps one in `keep`."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.recorder", str(port), str(folder), str(keep)]
    child = children.start("recorder", command)
    children.wait_for(lambda: _listens("127.0.0.1", port), "the recorder")
    return Sink("our recorder", "127.0.0.1", port, child)


def given_sink(host: str, port: int) -> Sink:
    """Somebody else's. Raises BenchError where nobody listens."""
    if not _listens(host, port):
        raise BenchError(f"Nobody takes mail at {host}:{port}.")
    return Sink(f"{host}:{port}", host, port)


def delayed(sink: Sink, children: Children, *, seconds: float) -> Sink:
    """The same sink, a round trip to which takes so many seconds longer."""
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.delay", *map(str, (port, sink.host, sink.port, seconds))]
    line = children.start("delay", command)
    children.wait_for(lambda: _listens("127.0.0.1", port), "the delaying line")
    return Sink(f"{sink.name} behind {1000 * seconds:g} ms", "127.0.0.1", port, sink.child, line)


def postfix_program(name: str) -> str | None:
    """The path of one of Postfix's programs; /usr/sbin is not on everybody's PATH."""
    return shutil.which(name, path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False
