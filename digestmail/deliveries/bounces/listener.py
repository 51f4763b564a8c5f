"""Takes what came back over SMTP or LMTP: mail for signed addresses alone, and each is counted before its 250 is sent.

Nothing is ever sent in reply, so no loop can begin here. Nothing is relayed, nobody logs in, no address is told.
"""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy.exc import SQLAlchemyError

from digestmail.deliveries.bounces.intake import Intake

log = structlog.get_logger(__name__)

MAX_OCTETS = 5 * 1024 * 1024
"""What a mail server returns is at most our own message and its account of it, a few hundred kilobytes."""

_CONNECTIONS = 20
_AT_ONCE = 4
_RECIPIENTS = 20
_EACH_COMMAND = 50
"""How often a connection may use each command."""
_QUIET_SECONDS = 60
_LONGEST_SECONDS = 600
_LAST_SECONDS = 10
_LONGEST_LINE = 1 << 16

_NOT_OURS = "550 5.1.1 There is no such address here"
_TOO_MANY = "452 4.5.3 Too many recipients for one message"
_AWAY = "451 4.3.0 This cannot be counted just now, please try again later"
_COUNTED = "250 2.0.0 Counted"
_BUSY = b"421 4.7.0 Too many connections, please try again later\r\n"


class _Handler:
    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self.at_work = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self._intake.proofs.of_address(address) is None:
            return _NOT_OURS
        if len(envelope.rcpt_tos) >= _RECIPIENTS:
            return _TOO_MANY
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ours"

    async def handle_VRFY(self, *_arguments: object) -> str:  # noqa: N802
        return "502 5.5.1 Not here"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """One answer for SMTP, one for each recipient for LMTP (RFC 2033, 4.2)."""
        self.at_work += 1
        try:
            async with self._turns:
                answers = [await self._take(envelope, recipient) for recipient in envelope.rcpt_tos]
        finally:
            self.at_work -= 1
        if isinstance(server, LMTP):
            return "\r\n".join(answers)
        return _AWAY if _AWAY in answers else _COUNTED  # again is fine: what was counted is not counted twice

    async def _take(self, envelope: Envelope, recipient: str) -> str:
        data = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            taken = await asyncio.to_thread(self._intake.take_message, data, recipient=recipient)
        except SQLAlchemyError as error:
            log.warning("the database is away; the mail server will come again", error=type(error).__name__)
            return _AWAY
        log.info("took what came back", counted=str(taken.counted), suppressed=taken.suppressed)
        return _COUNTED


class _Guard:
    """How many connections there are, and the end of those that last too long."""

    def __init__(self) -> None:
        self.open_now: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}

    def admit(self, transport: asyncio.BaseTransport) -> bool:
        """Whether there is room for one more."""
        if len(self.open_now) >= _CONNECTIONS:
            return False
        self.open_now[transport] = asyncio.get_running_loop().call_later(_LONGEST_SECONDS, _abort, transport)
        return True

    def forget(self, transport: asyncio.BaseTransport | None) -> bool:
        """Whether it was one that had been admitted."""
        timer = self.open_now.pop(transport, None) if transport else None
        if timer:
            timer.cancel()
        return timer is not None


class _Guarded:
    """What both protocols have in common, before aiosmtpd's own class."""

    line_length_limit = _LONGEST_LINE
    guard: _Guard
    transport: asyncio.BaseTransport | None
    _mine: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.guard.admit(transport):
            self._mine = transport
            super().connection_made(transport)  # type: ignore[misc]
        elif isinstance(transport, asyncio.Transport):
            transport.write(_BUSY)
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if self.guard.forget(self._mine):
            super().connection_lost(error)  # type: ignore[misc]

    def data_received(self, data: bytes) -> None:
        if self._mine:
            super().data_received(data)  # type: ignore[misc]

    def eof_received(self) -> bool | None:
        return super().eof_received() if self._mine else None  # type: ignore[misc]


class _Smtp(_Guarded, SMTP):
    """SMTP (RFC 5321)."""


class _Lmtp(_Guarded, LMTP):
    """LMTP (RFC 2033), as a mail server hands mail on to a program on its own machine."""


def serve(
    intake: Intake, *, host: str = "", port: int = 0, path: Path | None = None, lmtp: bool, name: str = "localhost"
) -> None:
    """Take mail at a host and port, or at a socket in the file system, until SIGTERM or SIGINT.

    Raises OSError where nobody can listen there. What is being counted then is counted to its end.
    """

    def obey_signals(stop: asyncio.Event) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)

    asyncio.run(listen(intake, host=host, port=port, path=path, lmtp=lmtp, name=name, on_ready=obey_signals))


async def listen(
    intake: Intake,
    *,
    host: str,
    port: int,
    path: Path | None,
    lmtp: bool,
    name: str,
    on_ready: Callable[[asyncio.Event], Any],
) -> None:
    """The same within a loop; `on_ready` is given the event that ends it."""
    handler, guard = _Handler(intake), _Guard()

    def connection() -> asyncio.Protocol:
        protocol = (_Lmtp if lmtp else _Smtp)(
            handler,
            hostname=name,
            ident="digestmail",
            data_size_limit=MAX_OCTETS,
            enable_SMTPUTF8=True,
            timeout=_QUIET_SECONDS,
            command_call_limit=_EACH_COMMAND,
            loop=asyncio.get_running_loop(),
        )
        protocol.guard = guard
        return protocol

    loop = asyncio.get_running_loop()
    if path:
        path.unlink(missing_ok=True)
        server: asyncio.Server = await loop.create_unix_server(connection, path)
        path.chmod(0o666)  # the mail server is another user; the tokens say what is let in
    else:
        server = await loop.create_server(connection, host, port)
    stop = asyncio.Event()
    on_ready(stop)
    await stop.wait()
    server.close()
    if path:
        path.unlink(missing_ok=True)
    deadline = loop.time() + _LAST_SECONDS
    while handler.at_work and loop.time() < deadline:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.02)  # for the last answers
    for transport in list(guard.open_now):
        transport.close()
    await asyncio.sleep(0)


def _abort(transport: asyncio.BaseTransport) -> None:
    if isinstance(transport, asyncio.Transport):
        transport.abort()
