"""The doorbell."""

import logging

import pytest

from digestmail.web.doorbell import COLLECT, DELIVER, doorbell
from tests import services


def test_without_a_broker_it_is_mute() -> None:
    doorbell(None)()


@pytest.mark.parametrize("task", [DELIVER, COLLECT])
def test_a_dead_broker_is_noted_and_nothing_more(caplog: pytest.LogCaptureFixture, task: str) -> None:
    ring = doorbell(f"redis://127.0.0.1:{services.free_port()}/0", task)
    with caplog.at_level(logging.WARNING):
        ring()
    assert "the doorbell could not be rung" in caplog.text
