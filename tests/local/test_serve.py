import io
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from digestmail.local.broker import Broker
from digestmail.local.guard import listens
from digestmail.local.inbox import Inbox
from digestmail.local.serve import _show_addresses, _wants_demo, child_environment, services
from digestmail.settings import Settings, load_settings
from digestmail.store.database import Database
from digestmail.store.models import Topic
from tests.services import free_port, wait_until

PRIVATE = Broker("redis://127.0.0.1:1234/0", command=("valkey-server",))


def test_everything_starts_in_order(tmp_path: Path) -> None:
    found = services(Settings(data_dir=tmp_path), PRIVATE)
    assert [service.name for service in found] == ["broker", "inbox", "worker", "beat", "web"]
    assert [service.name for service in found if service.goes_first] == ["broker"]
    assert found[-1].command == (sys.executable, "-m", "digestmail", "web")


def test_what_runs_elsewhere_is_not_started(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="redis://elsewhere", smtp_url="smtp://localhost")
    found = services(settings, Broker("redis://elsewhere"))
    assert [service.name for service in found] == ["worker", "beat", "web"]


def test_children_see_the_settings_of_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(data_dir=Path("here"), port=8123, inbox_port=8124, host="::1")
    environment = child_environment(settings, PRIVATE, {"DIGESTMAIL_SITE_NAME": "Mine", "DIGESTMAIL_PORT": "1"})
    seen = load_settings(environment, folder=tmp_path)
    assert (seen.data_dir, seen.port, seen.inbox_port, seen.host) == (tmp_path / "here", 8123, 8124, "::1")
    assert (seen.redis_url, seen.site_name) == (PRIVATE.url, "Mine")


@pytest.fixture
def quiet() -> Console:
    """A console that is no terminal."""
    return Console(file=io.StringIO())


def test_the_demo_is_loaded_where_there_is_nothing_else(database: Database, tmp_path: Path, quiet: Console) -> None:
    settings = Settings(data_dir=tmp_path)
    assert _wants_demo(settings, demo=None, database=database, console=quiet)
    assert not _wants_demo(settings, demo=False, database=database, console=quiet)
    with database.transaction() as session:
        session.add(Topic(slug="own", name="My own"))
    assert not _wants_demo(settings, demo=None, database=database, console=quiet)
    assert _wants_demo(settings, demo=True, database=database, console=quiet)


def test_where_mail_leaves_there_is_no_demo_unless_asked(database: Database, tmp_path: Path, quiet: Console) -> None:
    settings = Settings(data_dir=tmp_path, smtp_url="smtp://localhost")
    assert not _wants_demo(settings, demo=None, database=database, console=quiet)
    assert _wants_demo(settings, demo=True, database=database, console=quiet)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_it_shows_the_three_addresses(tmp_path: Path, is_terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=is_terminal, width=80, color_system=None)
    _show_addresses(Settings(data_dir=tmp_path, port=8123), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for path in ("/", "/inbox", "/operator"):
        assert f"http://127.0.0.1:8123{path}" in shown
    assert "Ctrl-C stops everything" in shown


def test_without_a_local_inbox_none_is_shown(tmp_path: Path, quiet: Console) -> None:
    _show_addresses(Settings(data_dir=tmp_path, smtp_url="smtp://localhost"), quiet)
    assert "inbox" not in quiet.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Private ports and a private folder for a whole `digestmail serve`."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("DIGESTMAIL_")}
    ports = {"DIGESTMAIL_PORT": str(free_port()), "DIGESTMAIL_INBOX_PORT": str(free_port())}
    yield outside | ports | {"DIGESTMAIL_DATA_DIR": str(tmp_path / "data")}
    assert not any(listens("127.0.0.1", int(port)) for port in ports.values())


@pytest.mark.long
def test_the_whole_service_starts_and_stops(environment: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "digestmail", "serve"]
    address = f"http://127.0.0.1:{environment['DIGESTMAIL_PORT']}"
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        shown = ""
        while "Ctrl-C" not in shown:
            line = process.stdout.readline()
            assert line, f"it ended:\n{shown}"
            shown += line
        assert f"Sign-up page: {address}/\n" in shown
        with urllib.request.urlopen(f"{address}/") as page:
            assert "International Relations" in page.read().decode()

        second = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert second.returncode == 1
        assert f"already served at {address}" in second.stderr

        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert Inbox(tmp_path / "data" / "inbox").page(1).total == 0


@pytest.mark.long
def test_nothing_is_left_of_a_killed_service(environment: dict[str, str], tmp_path: Path) -> None:
    port = int(environment["DIGESTMAIL_PORT"])
    process = subprocess.Popen(
        [sys.executable, "-m", "digestmail", "serve", "--no-demo"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
    )
    try:
        wait_until(lambda: listens("127.0.0.1", port), seconds=60, what="the web pages")
    finally:
        process.kill()
        process.communicate()
    wait_until(lambda: not listens("127.0.0.1", port), seconds=10, what="the end of the web pages")
