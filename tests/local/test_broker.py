import subprocess
from pathlib import Path

import pytest

from digestmail.errors import SettingsError
from digestmail.local.broker import Broker, answers_ping, choose_broker, find_broker_server, free_port
from digestmail.settings import Settings
from tests.services import lacking, wait_until


def test_the_url_that_was_set_comes_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, redis_url="redis://elsewhere:6379/0")
    assert choose_broker(settings) == Broker("redis://elsewhere:6379/0", command=None)


def test_without_any_server_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"apt install valkey-server.*DIGESTMAIL_REDIS_URL"):
        choose_broker(Settings(data_dir=tmp_path), find_server=lambda: None)


def test_a_server_on_path_is_found_where_there_is_no_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.system", lambda: "Plan 9")  # for which there is no wheel
    assert find_broker_server() == server


def test_the_private_broker_answers_and_keeps_its_own_file(tmp_path: Path) -> None:
    if find_broker_server() is None:
        lacking("a broker's server")
    folder = tmp_path / "a folder with spaces"
    broker = choose_broker(Settings(data_dir=folder))
    assert broker.command
    assert not answers_ping(broker.url)
    process = subprocess.Popen(broker.command, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers_ping(broker.url), what="the broker")
        assert (folder / "broker" / "appendonlydir").is_dir()
    finally:
        process.terminate()
        process.wait()


def test_a_free_port_is_free() -> None:
    assert not answers_ping(f"redis://127.0.0.1:{free_port()}/0")
