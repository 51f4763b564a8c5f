"""A worker that is not seen to go on is ended, and one that does is left alone."""

import signal
import subprocess
import sys
import time

import pytest

from tests.services import wait_until

WORKER = """
import sys, time
from workers.dog import Dog
dog = Dog.start(patience=1)
print(dog._process.pid, flush=True)
if sys.argv[1] == "feed":
    while True:
        dog.feed()
        time.sleep(0.2)
if sys.argv[1] == "leave":
    dog.leave()
    sys.exit(7)
time.sleep(60)
"""


def start(what: str) -> tuple[subprocess.Popen[bytes], int]:
    """A worker and the number of its dog."""
    process = subprocess.Popen([sys.executable, "-c", WORKER, what], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_who_feeds_it_no_more_is_ended() -> None:
    worker, _ = start("sleep")
    assert worker.wait(20) == -signal.SIGKILL
    assert worker.stderr is not None
    assert b"does nothing any more and is ended" in worker.stderr.read()


def test_a_stopped_worker_is_ended() -> None:
    worker, _ = start("feed")
    time.sleep(2)
    assert worker.poll() is None
    worker.send_signal(signal.SIGSTOP)
    assert worker.wait(20) == -signal.SIGKILL


@pytest.mark.parametrize("end", ["leave", "kill"])
def test_it_leaves_with_the_worker(end: str) -> None:
    worker, dog = start("leave" if end == "leave" else "feed")
    if end == "kill":
        worker.kill()
    assert worker.wait(10) == (7 if end == "leave" else -signal.SIGKILL)
    wait_until(lambda: subprocess.run(["kill", "-0", str(dog)], check=False, capture_output=True).returncode, seconds=5)


def test_a_dog_that_was_killed_does_no_harm() -> None:
    worker, dog = start("feed")
    subprocess.run(["kill", "-9", str(dog)], check=True)
    time.sleep(1)
    assert worker.poll() is None
    worker.kill()
    worker.wait(10)
