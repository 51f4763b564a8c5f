"""What a reader asks for by letter, the operator does by command."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

CSV = "email,topics,confirmed_at\nann@example.org,world,2026-01-01\nbob@example.org,world,2026-01-01\n"


@pytest.fixture
def file(run: Run, tmp_path: Path) -> str:
    """Two imported readers."""
    path = tmp_path / "readers.csv"
    path.write_text(CSV)
    run("topic", "add", "world", "--name", "World")
    run("subscriber", "import", str(path))
    return str(path)


def test_a_copy_of_everything_known_is_json(run: Run, file: str) -> None:
    found = json.loads(run("subscriber", "data", "ANN@example.org").stdout)
    assert found["subscriber"]["email"] == "ann@example.org"
    assert found["topics"] == [{"slug": "world", "name": "World"}]


def test_erasing_is_asked_about_and_cannot_be_imported_away(run: Run, file: str) -> None:
    refused = run("subscriber", "erase", "ann@example.org")
    assert refused.exit_code == 1
    assert "--yes" in refused.output
    assert "ann@example.org is forgotten" in run("subscriber", "erase", "ann@example.org", "--yes").stdout
    assert "line 2: asked to be forgotten" in run("subscriber", "import", file).output
    left = json.loads(run("subscriber", "export", "--json").stdout)
    assert [row["email"] for row in left] == ["bob@example.org"]


@pytest.mark.parametrize("command", [["data"], ["erase", "--yes"]])
def test_an_unknown_address_is_said_to_be_unknown(run: Run, command: list[str]) -> None:
    assert "no subscriber" in str(run("subscriber", *command, "nobody@example.org").exception)
