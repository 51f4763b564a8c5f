"""Looks before anything starts: nobody else serves this data folder, and the ports are free.

The lock is the system's own (flock), so it goes with the processes that hold it; the file's text only names them.
"""

import errno
import fcntl
import os
import socket
import time

from digestmail.errors import SettingsError
from digestmail.settings import PREFIX, Settings

LOOPBACK = "127.0.0.1"
"""Where the local inbox listens, whatever HOST says: it takes mail from this machine alone."""

_PATIENCE_SECONDS = 10


def lock_folder(settings: Settings) -> int:
    """Take the data folder for this process; returns the lock's file descriptor, to be closed when all is over.

    Where a killed supervisor's processes are still being ended, it waits for them. Raises SettingsError where the
    folder is being served.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(settings.data_dir / "serve.lock", os.O_RDWR | os.O_CREAT, 0o644)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _lock(descriptor):
        process, _, address = os.pread(descriptor, 500, 0).decode().strip().partition(" ")
        if _is_running(process) or time.monotonic() > deadline:
            os.close(descriptor)
            raise SettingsError(
                f"The data folder {settings.data_dir.absolute()} is already served at {address or 'some address'} "
                f"(process {process or 'unknown'}). Open that, or stop it, "
                f"or choose another folder with --data FOLDER or {PREFIX}DATA_DIR."
            )
        time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()} {settings.public_url}\n".encode(), 0)
    return descriptor


def check_ports(settings: Settings) -> None:
    """Raises SettingsError that names the port which cannot be had and says how to choose another."""
    if settings.relay is None and settings.port == settings.inbox_port:
        raise SettingsError(
            f"Port {settings.port} is wanted for the web pages and for the local inbox. "
            f"Choose another for one of them with --port NUMBER or {PREFIX}INBOX_PORT=NUMBER."
        )
    _check(settings.host, settings.port, purpose="the web pages", mend=f"--port NUMBER or {PREFIX}PORT=NUMBER")
    if settings.relay is None:
        _check(LOOPBACK, settings.inbox_port, purpose="the local inbox", mend=f"{PREFIX}INBOX_PORT=NUMBER")


def reach(settings: Settings) -> tuple[str, int]:
    """The host and port at which this machine itself reaches the web pages."""
    loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
    return loopback.get(settings.host, settings.host), settings.port


def listens(host: str, port: int) -> bool:
    """Whether somebody takes connections there."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:  # it runs as somebody else
        return True
    return True


def _check(host: str, port: int, *, purpose: str, mend: str) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(f"Port {port} ({purpose}) is taken. Choose another with {mend}.") from error
        if error.errno == errno.EACCES:
            raise SettingsError(
                f"Port {port} ({purpose}) needs the rights of root. Choose one above 1023 with {mend}."
            ) from error
        raise SettingsError(
            f"Nobody can listen on {host}, port {port} ({purpose}): {error.strerror}. "
            f"Use an address of this machine for {PREFIX}HOST, such as 127.0.0.1."
        ) from error
