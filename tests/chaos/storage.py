"""The database goes away, and its disk fills up."""

import re
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import make_url

from tests.bench.options import LackingError
from tests.chaos.judge import Verdict, judge
from tests.chaos.scenarios import scenario
from tests.chaos.sink import Faults
from tests.chaos.world import Setting, World, world

_AHEAD = 8.0
_NO_ROOM = re.compile(r"disk is full|No space left|disk I/O error")


@scenario("R17", "PostgreSQL stopped hard and away", quick=3_000, full=50_000)
def lose_postgresql(setting: Setting) -> Iterator[Verdict]:
    """Nothing is lost; what was answered meanwhile is settled when it is back."""
    times, seconds = (10, 60.0) if setting.full else (2, 5.0)
    with world(setting, faults=Faults(seconds=0.02)) as here:
        here.start()
        here.come()
        began = time.monotonic()
        for _ in here.moments("R17", times):
            stop_hard(here)
            time.sleep(seconds)
            start_again(here)
        here.wait_until_done("R17")
        verdict = judge(here, "R17", f"{times} × SIGQUIT, {seconds:.0f} s away", seconds=time.monotonic() - began)
        verdict.to_be(duplicates=verdict.doubt)
        ends = {kept.name: kept.ends for kept in here.kept.values() if kept.ends}
        verdict.must(not ends, f"these ended meanwhile: {ends}")
        yield verdict


def stop_hard(here: World) -> None:
    """End PostgreSQL as a crash of it does."""
    server = here.databases.server
    assert server is not None
    server.process.send_signal(signal.SIGQUIT)
    server.process.wait(30)


def start_if_it_ended(here: World) -> None:
    """Start PostgreSQL again, which ends by itself where it cannot write; whoever supervises it does so."""
    if here.databases.server is not None and here.databases.server.process.poll() is not None:
        start_again(here)


def start_again(here: World) -> None:
    """Start it on the same files."""
    server = here.databases.server
    assert server is not None
    arguments = server.process.args
    assert isinstance(arguments, list)
    here.databases.server = here.children.start(
        "PostgreSQL", arguments, folder=Path("/"), has_family=True, leaves_at=signal.SIGQUIT
    )
    here.wait_for(lambda: here.count() == 0, "PostgreSQL")


@scenario("R19", "the disk is full, twice", quick=3_000, full=10_000, databases=("sqlite", "postgresql"))
def fill_the_disk(setting: Setting) -> Iterator[Verdict]:
    """Where nothing can be marked, nothing is sent; and it goes on by itself when there is room."""
    seconds = 12.0 if setting.full else 6.0
    with small_disk(setting) as disk, world(setting, faults=Faults(seconds=0.02), data=disk) as here:
        here.start()
        here.come(ago=-timedelta(seconds=_AHEAD))
        began = time.monotonic()
        with full(here, disk):
            time.sleep(_AHEAD + seconds)
            early = here.received_count()
        start_if_it_ended(here)
        here.wait_for(lambda: here.received_count() > here.readers / 3, "mails", seconds=300)
        with full(here, disk):
            time.sleep(seconds)
        start_if_it_ended(here)
        here.wait_until_done("R19")
        verdict = judge(here, "R19", f"2 × no room for {seconds:.0f} s", seconds=time.monotonic() - began)
        verdict.to_be(duplicates=verdict.doubt)
        verdict.must(early == 0, f"{early} went out although nothing could be planned or marked")
        logs = "".join(path.read_text(errors="replace") for path in (here.folder / "logs").glob("*worker*"))
        verdict.must(_NO_ROOM.search(logs), "no worker has met the full disk")
        yield verdict


@contextmanager
def small_disk(setting: Setting) -> Iterator[Path | None]:
    """A disk of our own; None where we may not make one: then files are kept from growing instead, on SQLite alone."""
    with tempfile.TemporaryDirectory(prefix="dm-disk-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)
        size = "120m" if setting.database == "sqlite" else "400m"
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", name]
        made = subprocess.run(command, check=False, capture_output=True)
        if made.returncode and setting.database != "sqlite":
            raise LackingError("a small disk for PostgreSQL can be made by root alone")
        try:
            yield None if made.returncode else Path(name)
        finally:
            if not made.returncode:
                subprocess.run(["umount", "--lazy", name], check=False)


@contextmanager
def full(here: World, disk: Path | None) -> Iterator[None]:
    """No room on the disk for the length of the block."""
    if disk is None:
        with files_that_cannot_grow(here):
            yield
        return
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:  # else closing it would write once more
        fill(lambda: file.write(b"\0" * 65536))
    try:
        yield
    finally:
        filler.unlink()


def fill(write: Callable[[], object]) -> None:
    """Write until there is no room."""
    try:
        while True:
            write()
    except OSError:
        return


@contextmanager
def files_that_cannot_grow(here: World) -> Iterator[None]:
    """The workers may write no file beyond the size that the database has now."""
    path = Path(make_url(str(here.database.url)).database or "")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    for number in here.pids("worker"):
        resource.prlimit(number, resource.RLIMIT_FSIZE, (path.stat().st_size // 64, before[1]))
    try:
        yield
    finally:
        for number in here.pids("worker"):
            resource.prlimit(number, resource.RLIMIT_FSIZE, before)
