"""A command line on a folder of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digestmail.cli import app
from tests.services import free_port

Run = Callable[..., Result]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The settings of an installation that may fetch from this machine."""
    return {
        "DIGESTMAIL_DATA_DIR": str(tmp_path / "data"),
        "DIGESTMAIL_INBOX_PORT": str(free_port()),
        "DIGESTMAIL_FEED_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs a command there."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environment)

    return run
