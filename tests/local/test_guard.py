import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from digestmail.errors import SettingsError
from digestmail.local.guard import check_ports, listens, lock_folder, reach
from digestmail.settings import Settings
from tests.services import free_port


def settings_on(folder: Path, **values: object) -> Settings:
    ports = {"port": free_port(), "inbox_port": free_port()}
    return Settings(data_dir=folder, **(ports | values))  # type: ignore[arg-type]


def test_it_names_who_serves_the_folder(tmp_path: Path) -> None:
    settings = settings_on(tmp_path / "data", port=8123)
    lock = lock_folder(settings)
    with pytest.raises(SettingsError, match=rf"http://127.0.0.1:8123 \(process {os.getpid()}\).*--data FOLDER"):
        lock_folder(settings)
    os.close(lock)


def test_the_folder_is_free_again_when_the_lock_is_closed(tmp_path: Path) -> None:
    settings = settings_on(tmp_path)
    os.close(lock_folder(settings))
    os.close(lock_folder(settings))


def test_it_waits_for_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    settings = settings_on(tmp_path)
    lock = lock_folder(settings)
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    os.pwrite(lock, gone.stdout.strip() + b" http://localhost:1 ", 0)
    # The heir holds the same lock and ends a little later, as a leash does.
    heir = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.3)"], pass_fds=(lock,))
    os.close(lock)
    os.close(lock_folder(settings))
    assert heir.wait() == 0


@pytest.mark.parametrize(
    ("taken", "says"),
    [
        ("port", r"Port \d+ \(the web pages\) is taken.*--port NUMBER or DIGESTMAIL_PORT=NUMBER"),
        ("inbox_port", r"Port \d+ \(the local inbox\) is taken.*DIGESTMAIL_INBOX_PORT=NUMBER"),
    ],
)
def test_it_names_the_port_that_is_taken(tmp_path: Path, taken: str, says: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = settings_on(tmp_path, **{taken: other.getsockname()[1]})
        with pytest.raises(SettingsError, match=says):
            check_ports(settings)


def test_the_inbox_needs_no_port_where_mail_leaves(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        check_ports(settings_on(tmp_path, inbox_port=other.getsockname()[1], smtp_url="smtp://localhost"))


def test_it_names_an_address_that_is_not_of_this_machine(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DIGESTMAIL_HOST"):
        check_ports(settings_on(tmp_path, host="192.0.2.1"))


def test_it_reaches_what_listens_everywhere(tmp_path: Path) -> None:
    assert reach(settings_on(tmp_path, host="0.0.0.0", port=8000)) == ("127.0.0.1", 8000)
    assert reach(settings_on(tmp_path, host="::", port=8000)) == ("::1", 8000)


def test_it_sees_who_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert listens("127.0.0.1", port)
    assert not listens("127.0.0.1", port)
