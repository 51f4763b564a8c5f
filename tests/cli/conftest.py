"""A command line on a folder of its own."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import typer.testing
from typer.testing import CliRunner, Result

from digestmail.cli import app
from tests.services import free_port

Run = Callable[..., Result]


# The commands are read from the annotations of all functions, which takes longer than most of what they do.
typer.testing._get_command = cache(typer.testing._get_command)


@pytest.fixture
def environment(tmp_path: Path, sqlite_template: Path) -> dict[str, str]:
    """The settings of an installation that may fetch from this machine."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "digestmail.db").write_bytes(sqlite_template.read_bytes())
    return {
        "DIGESTMAIL_DATA_DIR": str(data),
        "DIGESTMAIL_INBOX_PORT": str(free_port()),
        "DIGESTMAIL_FEED_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs a command there."""

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environment)

    return run
