"""A claim's owner is told dead or alive without doubt on its own machine."""

import subprocess
import sys

from digestmail.deliveries.owner import is_dead, this_process


def test_this_process_is_alive() -> None:
    assert not is_dead(this_process())


def test_a_process_that_ended_is_dead() -> None:
    code = "from digestmail.deliveries.owner import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert ended != this_process()
    assert is_dead(ended)


def test_a_later_process_of_the_same_number_is_another() -> None:
    machine, _, _started = this_process().rpartition("/")
    assert is_dead(f"{machine}/1")


def test_an_earlier_boot_of_this_machine_is_dead() -> None:
    host, _boot, process, started = this_process().rsplit("/", 3)
    assert is_dead(f"{host}/an-earlier-boot/{process}/{started}")


def test_another_machine_is_not_known() -> None:
    assert not is_dead("elsewhere.example.org/boot/1/2")
