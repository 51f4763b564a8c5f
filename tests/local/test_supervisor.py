"""A row of stand-in services under a supervisor of its own process."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.services import wait_until

Start = Callable[..., "subprocess.Popen[str]"]

PATIENT = "echo $$ >> pids/{name}; trap 'echo {name} >> order; exit 0' TERM; while :; do sleep 0.05; done"
STUBBORN = "echo $$ >> pids/{name}; trap '' TERM; while :; do sleep 0.05; done"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a supervisor over services, given as NAME=COMMAND; `{name}` in a command is the service's."""
    (tmp_path / "pids").mkdir()
    started: list[subprocess.Popen[str]] = []

    def run(**commands: str) -> subprocess.Popen[str]:
        row = [f"{name}={command.format(name=name)}" for name, command in commands.items()]
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.local.row", str(tmp_path), *row],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.terminate()
        process.wait()
        assert process.stdout
        process.stdout.close()


def wait_for_line(process: "subprocess.Popen[str]", wanted: str) -> str:
    """Read what it prints up to the line that holds `wanted`, and return that line."""
    assert process.stdout
    for line in process.stdout:
        if wanted in line:
            return line
    pytest.fail(f"it ended without saying “{wanted}”")


def pids(folder: Path) -> list[int]:
    return [int(pid) for path in (folder / "pids").iterdir() for pid in path.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")  # somebody ended whom no one has waited for yet is not alive
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_for_pids(folder: Path, count: int) -> list[int]:
    wait_until(lambda: len(pids(folder)) >= count, what=f"{count} processes")
    return pids(folder)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_the_last_started_first(start: Start, tmp_path: Path, number: int) -> None:
    process = start(broker=PATIENT, worker=PATIENT, web=PATIENT)
    wait_for_line(process, "up")
    wait_for_pids(tmp_path, 3)
    process.send_signal(number)
    wait_for_line(process, "stopped")
    assert process.wait() == 0
    assert (tmp_path / "order").read_text().split() == ["web", "worker", "broker"]


def test_it_kills_who_does_not_leave(start: Start, tmp_path: Path) -> None:
    process = start(broker=PATIENT, web=STUBBORN)
    wait_for_line(process, "up")
    found = wait_for_pids(tmp_path, 2)
    process.terminate()
    wait_for_line(process, "web does not leave and is killed")
    wait_for_line(process, "stopped")
    assert (tmp_path / "order").read_text().split() == ["broker"]
    assert not any(map(is_alive, found))


def test_a_second_signal_kills_at_once(start: Start, tmp_path: Path) -> None:
    process = start(broker=PATIENT, web=STUBBORN)
    wait_for_line(process, "up")
    found = wait_for_pids(tmp_path, 2)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)  # two of a kind could be folded into one
    wait_for_line(process, "stopped")
    wait_until(lambda: not any(map(is_alive, found)), what="the end of all processes")


def test_nobody_outlives_a_killed_supervisor(start: Start, tmp_path: Path) -> None:
    process = start(broker=STUBBORN, worker="sleep 1000 & echo $! > pids/grandchild; " + PATIENT, web=PATIENT)
    wait_for_line(process, "up")
    found = wait_for_pids(tmp_path, 4)
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(is_alive, found)), seconds=10, what="the end of all processes")


def test_it_brings_back_who_dies(start: Start, tmp_path: Path) -> None:
    process = start(worker=PATIENT, web=PATIENT)
    wait_for_line(process, "up")
    wait_for_pids(tmp_path, 2)
    os.kill(int((tmp_path / "pids" / "worker").read_text()), signal.SIGKILL)
    assert "worker was ended by SIGKILL; it starts again in 0.5 s" in wait_for_line(process, "worker")
    wait_for_pids(tmp_path, 3)
    os.kill(int((tmp_path / "pids" / "worker").read_text().split()[-1]), signal.SIGKILL)
    assert "in 1 s" in wait_for_line(process, "worker")


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc")
def test_it_finds_another_leash(start: Start, tmp_path: Path) -> None:
    process = start(web=PATIENT)
    wait_for_line(process, "up")
    (web,) = wait_for_pids(tmp_path, 1)
    leash = os.getpgid(web)
    os.kill(leash, signal.SIGKILL)
    wait_until(lambda: not is_alive(leash), what="the leash's end")
    wait_until(lambda: any("leash" in command_of(pid) for pid in group(leash)), what="a new leash")
    process.kill()
    wait_until(lambda: not is_alive(web), seconds=10, what="the end of all processes")


def test_it_shows_the_log_of_who_does_not_start(start: Start, tmp_path: Path) -> None:
    process = start(broker=PATIENT, worker="echo the disk is full; exit 3")
    output, _ = process.communicate()
    assert "worker did not start: it ended with exit code 3" in output
    assert "the disk is full" in output
    assert "up" not in output.split()


def group(leader: int) -> list[int]:
    """The living processes of a group."""
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
    return [pid for pid in found if group_of(pid) == leader and is_alive(pid)]


def group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
