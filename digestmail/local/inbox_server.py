"""Catches mail over real SMTP: each one lies safely in a Maildir before its 250 is sent (RFC 5321, section 4.2.5)."""

import asyncio
import errno
import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from digestmail.local.inbox import RECIPIENTS_HEADER, SENDER_HEADER

_SIZE_LIMIT = 30 * 1024 * 1024
_HOSTNAME = "inbox.localhost"
_numbers = itertools.count()


class MailFolder:
    """A Maildir that is only written to."""

    def __init__(self, folder: Path, *, time_ns: Callable[[], int] = time.time_ns) -> None:
        self._folder = folder
        self._time_ns = time_ns
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def store(self, data: bytes, *, sender: str, recipients: list[str]) -> None:
        """Write one mail, its envelope in two lines before it; when this returns, it survives a power cut."""
        seconds, nanoseconds = divmod(self._time_ns(), 1_000_000_000)
        name = f"{seconds}.M{nanoseconds // 1000:06}P{os.getpid()}Q{next(_numbers)}.{_HOSTNAME}"
        envelope = f"{SENDER_HEADER}: <{sender}>\r\n{RECIPIENTS_HEADER}: {', '.join(recipients)}\r\n"
        written = self._folder / "tmp" / name
        with written.open("xb") as file:
            file.write(envelope.encode("utf-8", "surrogateescape"))
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        written.rename(self._folder / "new" / name)
        _sync_folder(self._folder / "new")


class _Handler:
    def __init__(self, mails: MailFolder) -> None:
        self._mails = mails

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        data = envelope.content
        if not isinstance(data, bytes):
            return "451 4.3.0 The message came without bytes"
        try:
            await asyncio.to_thread(
                self._mails.store, data, sender=envelope.mail_from or "", recipients=list(envelope.rcpt_tos)
            )
        except OSError as error:
            return f"452 4.3.1 The inbox cannot store the message: {error.strerror}"
        return "250 2.0.0 Caught"


class _Connection(SMTP):
    """One client's connection, known to the server so that it can be cut at the end."""

    def __init__(self, mails: MailFolder, *, open_now: set[asyncio.BaseTransport]) -> None:
        super().__init__(
            _Handler(mails),
            hostname=_HOSTNAME,
            ident="digestmail inbox",
            data_size_limit=_SIZE_LIMIT,
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
        )
        self._open_now = open_now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._open_now.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._open_now.discard(self.transport)
        super().connection_lost(error)


def serve_inbox(folder: Path, *, host: str, port: int) -> None:
    """Catch mail into `folder` until SIGTERM or SIGINT. Raises OSError where nobody can listen there."""

    def obey_signals(stop: asyncio.Event) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

    asyncio.run(_catch(folder, host=host, port=port, on_ready=obey_signals))


@contextmanager
def inbox_running(folder: Path, *, host: str, port: int) -> Iterator[None]:
    """Within the block mail is caught into `folder`; where somebody listens on the port already, that one catches it.

    Raises OSError where nobody can listen there for another reason.
    """
    outcome: Future[Callable[[], object]] = Future()

    def hand_over(stop: asyncio.Event) -> None:
        outcome.set_result(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))

    def run() -> None:
        try:
            asyncio.run(_catch(folder, host=host, port=port, on_ready=hand_over))
        except OSError as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="inbox", daemon=True)
    thread.start()
    stop = None
    try:
        stop = outcome.result()
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    try:
        yield
    finally:
        if stop:
            stop()
        thread.join()


async def _catch(folder: Path, *, host: str, port: int, on_ready: Callable[[asyncio.Event], None]) -> None:
    mails = MailFolder(folder)
    connections: set[asyncio.BaseTransport] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(mails, open_now=connections), host, port, backlog=1024
    )
    stop = asyncio.Event()
    on_ready(stop)
    await stop.wait()
    server.close()
    for transport in connections:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
