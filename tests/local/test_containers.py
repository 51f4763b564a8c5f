"""What can be said of Dockerfile and compose.yaml without an engine: what they name is there."""

import re
import tomllib
from pathlib import Path

from typer.main import get_command

from digestmail.cli import app
from digestmail.settings import PREFIX, Settings, load_settings

TOP = Path(__file__).parents[2]
COMPOSE = (TOP / "compose.yaml").read_text()
DOCKERFILE = (TOP / "Dockerfile").read_text()
DEFAULT = re.compile(r"\$\{(\w+):-(.*)\}")


def section(name: str) -> list[str]:
    """The names directly under a top-level key of compose.yaml."""
    body = re.split(r"^\S", COMPOSE.partition(f"\n{name}:\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^  ([\w-]+):", body, flags=re.MULTILINE)


def test_every_part_is_there() -> None:
    assert section("services") == ["migrate", "web", "worker", "beat", "postgres", "redis", "mail"]
    assert section("volumes") == ["data", "postgres", "redis"]


def test_every_command_is_one_of_ours() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = re.findall(r'\["digestmail", "(\w+)"', COMPOSE + DOCKERFILE)
    assert named == ["migrate", "web", "worker", "beat", "web"]
    assert set(named) <= known


def test_everybody_who_is_waited_for_is_there() -> None:
    waited = re.findall(r"^      (\w+):\n        condition:", COMPOSE, flags=re.MULTILINE)
    waited += re.findall(r"^  (\w+):\n    condition:", COMPOSE, flags=re.MULTILINE)
    assert set(waited) == {"migrate", "postgres", "redis"}
    assert set(re.findall(r"@(\w+)/|//(\w+):", COMPOSE)) >= {("postgres", ""), ("", "redis"), ("", "mail")}


def test_the_defaults_are_settings_that_start() -> None:
    lines = re.findall(rf"^    ({PREFIX}\w+): (.*?)(?: #.*)?$", COMPOSE, flags=re.MULTILINE)
    given = {name: DEFAULT.sub(r"\2", value) for name, value in lines}
    settings = load_settings(given, folder=TOP / "tests")
    assert settings.relay
    assert (settings.relay.host, settings.relay.port, settings.relay.security) == ("mail", 1025, "plain")
    assert settings.postal_address
    assert settings.secret_key is None


def test_every_setting_that_is_named_is_known() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(rf"{PREFIX}\w+", COMPOSE + DOCKERFILE)) <= known


def test_the_image_is_made_of_files_that_are_there_and_not_ignored() -> None:
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, flags=re.MULTILINE)
        for name in line.split()
    ]
    allowed = re.findall(r"^!(\S+)$", (TOP / ".dockerignore").read_text(), flags=re.MULTILINE)
    assert sorted(copied) == sorted(allowed)
    assert all((TOP / name).exists() for name in copied)
    project = tomllib.loads((TOP / "pyproject.toml").read_text())
    needed = {project["project"]["readme"], *project["project"]["license-files"]}
    assert needed <= set(copied)


def test_the_image_runs_without_rights_and_without_build_tools() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "\nUSER digestmail\n" in final
    assert "uv" not in final.split()
    assert "HEALTHCHECK" in final
    assert "\nVOLUME /data\n" in final


def test_the_same_uv_is_pinned_everywhere() -> None:
    pins = re.findall(r"uv==([\d.]+)", DOCKERFILE + (TOP / "run").read_text())
    assert len(set(pins)) == 1
    assert len(pins) == 2
