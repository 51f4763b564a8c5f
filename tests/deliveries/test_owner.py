"""A claim's owner is told dead or alive without doubt on its own machine."""

import signal
import subprocess
import sys

import pytest

from digestmail.deliveries.owner import Life, look, this_process
from tests.services import wait_until


def test_this_process_is_alive() -> None:
    assert look(this_process()) is Life.RUNS


def test_a_process_that_ended_is_dead() -> None:
    code = "from digestmail.deliveries.owner import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert ended != this_process()
    assert look(ended) is Life.GONE


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert look(changed(started="1")) is Life.GONE


def test_an_earlier_boot_of_a_machine_with_an_identity_is_dead() -> None:
    anonymous = this_process().partition("|")[0].endswith(" ")
    assert look(changed(boot="an-earlier-boot")) is (Life.UNKNOWN if anonymous else Life.GONE)


@pytest.mark.parametrize("other", [{"host": "elsewhere 123"}, {"host": "elsewhere "}, {"namespace": "pid:[1]"}])
def test_another_machine_or_container_is_not_known(other: dict[str, str]) -> None:
    assert look(changed(process="1", started="1", **other)) is Life.UNKNOWN


def test_whether_a_stopped_process_will_go_on_is_not_known() -> None:
    code = "from digestmail.deliveries.owner import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        owner = process.stdout.readline().decode().strip()
        assert look(owner) is Life.RUNS
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: look(owner) is Life.UNKNOWN, what="the process to stop")
        process.kill()
    assert look(owner) is Life.GONE


def changed(**parts: str) -> str:
    names = ("host", "boot", "namespace", "process", "started")
    ours = dict(zip(names, this_process().split("|"), strict=True))
    return "|".join((ours | parts).values())
