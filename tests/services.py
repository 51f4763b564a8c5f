"""Real servers for tests, on private ports and in folders that vanish. Nothing here touches a standard port.

A service that this machine lacks skips the tests that need it, with the reason; where TESTS_REQUIRE_SERVICES=1 is
set, as in CI, it fails them.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest


def lacking(what: str) -> NoReturn:
    """Skip the test, or fail it where every service is required."""
    if os.environ.get("TESTS_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required here and was not found")
    pytest.skip(f"{what} was not found on this machine")


def free_port() -> int:
    """A port of the loopback interface on which nothing listens."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], object], *, seconds: float = 30, what: str = "the condition") -> None:
    """Look again and again until it is true; fail the test when it does not become so."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            pytest.fail(f"waited {seconds} s in vain for {what}")
        time.sleep(0.05)


def chromium() -> str:
    """The path of a Chromium for browser tests."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    lacking("Chromium")


@contextmanager
def postgresql() -> Iterator[str]:
    """A PostgreSQL server of its own; yields the URL of an empty database's server, without the database's name."""
    programs = [shutil.which("postgres"), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")))]
    found = next(
        (Path(p).resolve().parent for p in reversed(programs) if p and Path(p).resolve().with_name("initdb").exists()),
        None,
    )
    if found is None:
        lacking("PostgreSQL (the server's programs)")
    # PostgreSQL refuses to run as root, so it is given to its own user there.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="dm-pg-", dir=_folder_in_memory()))
    try:
        if as_user:
            shutil.chown(folder, "postgres", "postgres")
        port = free_port()
        subprocess.run(
            [
                *as_user,
                found / "initdb",
                "-D",
                folder / "data",
                "-U",
                "tests",
                "-A",
                "trust",
                "--no-sync",
                "-E",
                "UTF8",
            ],
            check=True,
            capture_output=True,
            cwd="/",
        )
        server = subprocess.Popen(
            [
                *as_user,
                found / "postgres",
                "-D",
                folder / "data",
                "-p",
                str(port),
                "-k",
                folder,
                "-h",
                "127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "max_connections=60",
                "-c",
                "autovacuum=off",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )
        url = f"postgresql://tests@127.0.0.1:{port}"
        try:
            wait_until(lambda: _answers(f"{url}/postgres"), what="PostgreSQL")
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)  # at once: nothing is to be kept
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _folder_in_memory() -> Path | None:
    """Memory, where it has room: each test has a database of its own, and each of those has hundreds of files."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30:
        return memory
    return None


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
