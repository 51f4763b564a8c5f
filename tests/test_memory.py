"""Memory that threads have needed does not stay with each of them."""

import subprocess
import sys

import pytest

_THREADS_ONE_AFTER_THE_OTHER = """
import threading
from digestmail.memory import share_arenas

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def read(go, done):
    go.wait()
    body = bytearray()
    while len(body) < 5_000_000:
        body += bytes(60_000)
    keep.append(bytes(1000))
    del body
    done.set()
    end.wait()

share_arenas()
before, keep, end = resident(), [], threading.Event()
steps = [(threading.Event(), threading.Event()) for _ in range(24)]
threads = [threading.Thread(target=read, args=step) for step in steps]
for thread in threads:
    thread.start()
for go, done in steps:
    go.set()
    done.wait()
print(resident() - before)
end.set()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell a process's memory")
def test_threads_share_what_they_need_one_after_the_other() -> None:
    done = subprocess.run([sys.executable, "-c", _THREADS_ONE_AFTER_THE_OTHER], capture_output=True, check=True)
    assert int(done.stdout) < 40_000_000  # with an arena each it is twice as much
