"""Collecting many feeds in a process of its own, beside bare clients that ask the same server for the same."""

import json
import os
import sys
from typing import Any

from digestmail.local.broker import free_port
from digestmail.local.guard import listens
from tests.bench.children import Children
from tests.bench.figures import Collecting, FeedFigures, Yardstick
from tests.bench.options import DATABASE_URL, BenchError
from tests.bench.scratch import Scratch

HOSTS = 50
CLIENTS = ("http.client", "httpx2")


def feeds(children: Children, databases: Scratch, *, count: int) -> FeedFigures:
    """Collect so many feeds of fifty hosts, a tenth of them, and as many of one host; each in a fresh database."""
    port = free_port()
    server = children.start("feed server", [sys.executable, "-m", "tests.bench.feed_server", str(port)])
    children.wait_for(lambda: listens("127.0.0.1", port), "the feed server")
    try:
        before, library_before = (_bare(children, client, port, count) for client in CLIENTS)
        many = _collecting(children, databases, port, count, HOSTS)
        # Once more, so that a machine that changes its pace meanwhile counts on both sides.
        after, library_after = (_bare(children, client, port, count) for client in CLIENTS)
        return FeedFigures(
            many=many,
            few=_collecting(children, databases, port, count // 10, HOSTS),
            one_host=_collecting(children, databases, port, count, 1),
            bare=before + after,
            library=library_before + library_after,
        )
    finally:
        children.stop(server)


def _bare(children: Children, client: str, port: int, count: int) -> Yardstick:
    return Yardstick(**_told_by(children, client, "bare_client", client, port, count, HOSTS))


def _collecting(children: Children, databases: Scratch, port: int, count: int, hosts: int) -> Collecting:
    with databases.copy() as url:
        return Collecting(**_told_by(children, "collector", "collecting", port, count, hosts, database_url=url))


def _told_by(
    children: Children, name: str, module: str, *arguments: int | str, database_url: str = ""
) -> dict[str, Any]:
    """What the process prints in its last line."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    child = children.start(name, command, environment=os.environ | {DATABASE_URL: database_url})
    try:
        code = child.process.wait()
    finally:
        children.stop(child)
    if code != 0:
        raise BenchError(f"The {name} ended with {code}:\n{child.last_lines()}")
    told: dict[str, Any] = json.loads(child.log.read_text().splitlines()[-1])
    return told
