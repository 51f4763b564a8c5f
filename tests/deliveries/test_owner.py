"""A claim's owner is told dead or alive without doubt on its own machine."""

import subprocess
import sys

import pytest

from digestmail.deliveries.owner import is_dead, this_process


def test_this_process_is_alive() -> None:
    assert not is_dead(this_process())


def test_a_process_that_ended_is_dead() -> None:
    code = "from digestmail.deliveries.owner import this_process; print(this_process())"
    ended = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert ended != this_process()
    assert is_dead(ended)


def test_a_later_process_of_the_same_number_is_another() -> None:
    assert is_dead(changed(started="1"))


def test_an_earlier_boot_of_a_machine_with_an_identity_is_dead() -> None:
    assert is_dead(changed(boot="an-earlier-boot")) != this_process().partition("|")[0].endswith(" ")


@pytest.mark.parametrize("other", [{"host": "elsewhere 123"}, {"host": "elsewhere "}, {"namespace": "pid:[1]"}])
def test_another_machine_or_container_is_not_known(other: dict[str, str]) -> None:
    assert not is_dead(changed(process="1", started="1", **other))


def changed(**parts: str) -> str:
    names = ("host", "boot", "namespace", "process", "started")
    ours = dict(zip(names, this_process().split("|"), strict=True))
    return "|".join((ours | parts).values())
