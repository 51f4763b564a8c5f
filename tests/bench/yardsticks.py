"""The other senders on the same sink: Postfix's smtp-source, and the usual way of a Python program."""

import json
import os
import resource
import sys
import time

from tests.bench.children import Children
from tests.bench.figures import Yardstick
from tests.bench.options import DATABASE_URL, BenchError
from tests.bench.scratch import Scratch
from tests.bench.seed import Seeded
from tests.bench.sinks import INSTALL, Sink, postfix_program

KEPT_SESSIONS = 16
_HEADERS = 110
"""About what smtp-source adds to the octets that it is asked for."""
_ROUND_TRIPS = 5
"""A message costs smtp-source so many: MAIL, RCPT, DATA, the message and, without pipelining, RSET or the next."""


def source(sink: Sink, children: Children, *, sessions: int, octets: int, messages: int) -> Yardstick:
    """smtp-source with so many kept sessions; messages of the same size, none of which it has to make."""
    program = postfix_program("smtp-source")
    if program is None:
        raise BenchError(INSTALL)
    sessions = min(sessions, messages)
    size = max(1, octets - _HEADERS)
    wanted = {"-s": sessions, "-l": size, "-m": messages}
    options = [word for name, value in wanted.items() for word in (name, str(value))]
    command = [program, "-d", *options, f"{sink.host}:{sink.port}"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    child = children.start("smtp-source", command)
    code = child.process.wait()
    seconds = time.perf_counter() - began
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    children.stop(child)
    if code != 0:
        raise BenchError(f"smtp-source ended with {code}:\n{child.last_lines()}")
    cpu = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    return Yardstick(messages=messages, seconds=seconds, cpu_seconds=cpu, sessions=sessions)


def bearable(messages: int, *, sessions: int, latency: float, seconds: float = 10.0) -> int:
    """So many messages, or fewer where latency makes smtp-source slow: for about so many seconds, and even."""
    if latency:
        messages = min(messages, max(4 * sessions, int(seconds * sessions / (_ROUND_TRIPS * latency))))
    return max(2, messages - messages % 2)


def usual(sink: Sink, children: Children, *, scratch: Scratch, seeded: Seeded, messages: int) -> Yardstick:
    """The usual way, in one process of its own."""
    since = seeded.since_at.isoformat()
    command = [sys.executable, "-m", "tests.bench.usual", since, sink.host, str(sink.port), str(messages)]
    environment = os.environ | {DATABASE_URL: scratch.seeded}
    child = children.start("the usual way", command, environment=environment)
    try:
        code = child.process.wait()
    finally:
        children.stop(child)
    if code != 0:
        raise BenchError(f"The usual way ended with {code}:\n{child.last_lines()}")
    return Yardstick(**json.loads(child.log.read_text().splitlines()[-1]))
