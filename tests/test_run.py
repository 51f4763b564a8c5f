"""The script `run`: its decisions, with a stand-in for every program that it would start."""

import ast
import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import pytest
from typer.main import get_command

from digestmail.cli import app

TOP = Path(__file__).parents[1]


class BecameError(Exception):
    """In place of a process that is replaced."""


class Steps:
    """Notes the programs that `run` starts, and does the little that the next step looks for."""

    def __init__(self, venv: Path) -> None:
        self.venv = venv
        self.commands: list[str] = []
        self.fails_at = "nothing"

    def __call__(self, command: list[str | Path], **_: object) -> int:
        words = " ".join(map(str, command)).replace(f"{self.venv.parent}/", "")
        self.commands.append(words.replace(sys.executable, "python3"))
        if self.fails_at in words:
            raise subprocess.CalledProcessError(1, command)
        if "venv" in command:
            (self.venv / "bin").mkdir()
            (self.venv / "bin" / "python").touch()
        return 0

    def become(self, _path: str, command: list[str]) -> NoReturn:
        raise BecameError(" ".join(command[1:]))


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, in a clone of its own."""
    for name in ("run", "uv.lock", "pyproject.toml"):
        shutil.copy(TOP / name, tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader = SourceFileLoader("run", str(tmp_path / "run"))
    spec = spec_from_loader("run", loader)
    assert spec
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture
def steps(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps(run.VENV)
    monkeypatch.setattr(run, "step", steps)
    monkeypatch.setattr(run, "quietly", steps)
    monkeypatch.setattr(run, "has_uv", lambda: any("pip install" in command for command in steps.commands))
    monkeypatch.setattr(os, "execv", steps.become)
    return steps


FIRST = [
    "python3 -m venv .venv",
    ".venv/bin/python -m ensurepip",
    ".venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9",
    ".venv/bin/uv sync --frozen --no-dev",
]


@pytest.mark.parametrize(
    ("arguments", "becomes"),
    [
        ([], "-m digestmail serve"),
        (["--port", "9000", "--no-demo"], "-m digestmail serve --port 9000 --no-demo"),
        (["topic", "list"], "-m digestmail topic list"),
        (["topic", "--help"], "-m digestmail topic --help"),
        (["test", "-k", "inbox"], "-m pytest -k inbox"),
        (["bench", "--runs", "3"], "-m tests.bench --runs 3"),
    ],
)
def test_it_becomes_the_command(run: ModuleType, steps: Steps, arguments: list[str], becomes: str) -> None:
    with pytest.raises(BecameError, match=f"^{re.escape(becomes)}$"):
        run.main(arguments)
    assert Path.cwd() == run.FOLDER


def test_the_first_start_sets_up_and_the_second_does_nothing(run: ModuleType, steps: Steps) -> None:
    run.set_up(tools=False)
    assert steps.commands == FIRST
    run.set_up(tools=False)
    assert steps.commands == FIRST


def test_tools_come_when_they_are_needed_and_stay(run: ModuleType, steps: Steps) -> None:
    run.set_up(tools=False)
    run.set_up(tools=True)
    assert steps.commands == [*FIRST, ".venv/bin/uv sync --frozen"]
    run.set_up(tools=False)
    assert len(steps.commands) == len(FIRST) + 1


def test_another_lock_is_synced(run: ModuleType, steps: Steps) -> None:
    run.set_up(tools=False)
    (run.FOLDER / "uv.lock").write_text("another")
    run.set_up(tools=False)
    assert steps.commands == [*FIRST, ".venv/bin/uv sync --frozen --no-dev"]


@pytest.mark.parametrize(("command", "tools"), [("test", True), ("bench", True), ("web", False)])
def test_a_command_comes_with_the_tools_that_it_needs(run: ModuleType, steps: Steps, command: str, tools: bool) -> None:
    with pytest.raises(BecameError):
        run.main([command])
    assert ("--no-dev" not in steps.commands[-1]) == tools


def test_an_interrupted_set_up_is_begun_afresh(run: ModuleType, steps: Steps) -> None:
    steps.fails_at = "uv sync"
    with pytest.raises(subprocess.CalledProcessError):
        run.set_up(tools=False)
    (run.VENV / "half").mkdir()
    steps.fails_at = "nothing"
    steps.commands.clear()
    run.set_up(tools=False)
    assert steps.commands == FIRST
    assert not (run.VENV / "half").exists()


def test_an_environment_that_somebody_else_made_is_kept(run: ModuleType, steps: Steps) -> None:
    (run.VENV / "bin").mkdir(parents=True)
    run.PYTHON.touch()
    run.set_up(tools=False)
    assert steps.commands == FIRST[1:]


def test_a_step_that_fails_is_named(run: ModuleType, steps: Steps, capsys: pytest.CaptureFixture[str]) -> None:
    steps.fails_at = "pip install"
    assert run.main(["topic"]) == 1
    assert "This step failed" in capsys.readouterr().err


def test_without_venv_it_says_what_to_install(
    run: ModuleType, steps: Steps, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "quietly", lambda _command: 1)
    with pytest.raises(SystemExit, match="1"):
        run.main([])
    assert "apt install python3-venv" in capsys.readouterr().err


def test_help_names_every_command(run: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert not run.VENV.exists()
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert [name for name in commands if not re.search(rf"\b{name}\b", shown)] == []


def test_an_older_python_can_read_it_and_is_told(run: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ast.parse((TOP / "run").read_text(), feature_version=(3, 8))
    monkeypatch.setattr(sys, "version_info", (3, 8, 18))
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name == "python3.12" else None)
    with pytest.raises(SystemExit, match=r"needs Python 3.11 or newer; this is 3.8. Try: python3.12 run"):
        run._need_newer_python()


def test_the_script_is_executable() -> None:
    assert os.access(TOP / "run", os.X_OK)
