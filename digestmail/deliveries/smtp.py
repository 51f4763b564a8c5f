"""The wire: one connection to the mail server, with the final dot in a step of its own (RFC 5321).

`offer` sends a message up to its dot, `send_dot` the dot, and `dot_replies` waits for the answers. Until the dot is
out the server has nothing, and `drop` takes everything back.
"""

import selectors
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from digestmail.deliveries.outcome import NO_REPLY, Reply
from digestmail.errors import RelayError
from digestmail.messages.message import Message
from digestmail.settings import Relay

CONNECT_SECONDS = 30
COMMAND_SECONDS = 300
DOT_SECONDS = 600
"""RFC 5321 section 4.5.3.2: five minutes for a command, ten for the answers to a wave's dots."""

Connect = Callable[[], "Connection"]


class Connection:
    """A conversation with the mail server. Raises RelayError where it cannot even begin."""

    def __init__(self, relay: Relay) -> None:
        self._smtp = _greet(relay)

    def offer(self, message: Message) -> Reply | None:
        """Send the envelope and the body without its dot. None: the server waits for the dot; else its refusal.

        Raises RelayError when the server refuses our sender, which is no fault of the recipient's.
        """
        smtp = self._smtp
        try:
            sender = _reply(smtp.mail(message.sender, _mail_options(smtp, message)))
            if sender.code >= 500 and sender.code != 552:  # 552: too large for this server
                raise RelayError(
                    f"The mail server refuses mail from {message.sender}: {sender}. Check SENDER and SMTP_URL."
                )
            for reply in (sender, *self._rcpt_and_data(message, sender)):
                if reply.code not in (250, 251, 354):
                    self._reset(reply)
                    return reply
            smtp.send(_dot_stuffed(message.data))
        except (OSError, smtplib.SMTPException):
            self.drop()
            return NO_REPLY
        return None

    def send_dot(self) -> None:
        """End the message. From here on the server may have it."""
        try:
            self._smtp.send(b".\r\n")
        except (OSError, smtplib.SMTPException):
            self.drop()

    def dot_reply(self) -> Reply | None:
        """The server's answer to the dot; None where none came, so that nobody knows who has the message."""
        if not self.alive:
            return None
        try:
            return _reply(self._smtp.getreply())
        except (OSError, smtplib.SMTPException):
            self.drop()
            return None

    def fileno(self) -> int:
        """The socket's, so that many connections can be waited for at once."""
        return self._smtp.sock.fileno() if self._smtp.sock is not None else -1

    @property
    def alive(self) -> bool:
        """Whether the connection can take another message."""
        return self._smtp.sock is not None

    def drop(self) -> None:
        """Break off at once; a message without its dot is forgotten by the server."""
        self._smtp.close()

    def quit(self) -> None:
        """Part politely."""
        try:
            self._smtp.quit()
        except (OSError, smtplib.SMTPException):
            self.drop()

    def _rcpt_and_data(self, message: Message, sender: Reply) -> "list[Reply]":
        if sender.code != 250:
            return []
        recipient = _reply(self._smtp.rcpt(message.recipient))
        if recipient.code not in (250, 251):
            return [recipient]
        return [recipient, _reply(self._smtp.docmd("DATA"))]

    def _reset(self, refusal: Reply) -> None:
        """Make the connection ready for another message; the refusal stands, whatever comes of it."""
        try:
            if refusal.code == 421 or self._smtp.rset()[0] != 250:  # 421: the server is closing
                self.drop()
        except (OSError, smtplib.SMTPException):
            self.drop()


def dot_replies(connections: Iterable[Connection]) -> Iterator[tuple[Connection, Reply | None]]:
    """The answers to dots that are out, each as it comes.

    They share one deadline, so that a silent connection cannot keep the answers on the others past their lease.
    """
    waiting = selectors.DefaultSelector()
    for connection in connections:
        if connection.alive:
            waiting.register(connection, selectors.EVENT_READ)
        else:
            yield connection, None
    deadline = time.monotonic() + DOT_SECONDS
    while waiting.get_map():
        ready = waiting.select(max(0.0, deadline - time.monotonic()))
        for key, _ in ready:
            waiting.unregister(key.fileobj)
            connection = cast("Connection", key.fileobj)
            yield connection, connection.dot_reply()
        if not ready:
            for key in list(waiting.get_map().values()):
                waiting.unregister(key.fileobj)
                connection = cast("Connection", key.fileobj)
                connection.drop()
                yield connection, None
    waiting.close()


def _greet(relay: Relay) -> smtplib.SMTP:
    where = f"{relay.host}:{relay.port}"
    try:
        if relay.security == "tls":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                relay.host, relay.port, timeout=CONNECT_SECONDS, context=ssl.create_default_context()
            )
        else:
            smtp = smtplib.SMTP(relay.host, relay.port, timeout=CONNECT_SECONDS)
        smtp.ehlo_or_helo_if_needed()
        if relay.security == "starttls":
            if not smtp.has_extn("starttls"):
                smtp.close()
                raise RelayError(
                    f"The mail server {where} does not offer STARTTLS, so nothing was sent. Try smtps:// in SMTP_URL."
                )
            smtp.starttls(context=ssl.create_default_context())
        if relay.user is not None:
            smtp.login(relay.user, relay.password or "")
    except smtplib.SMTPAuthenticationError as error:
        raise RelayError(f"The mail server {where} does not accept the user and password of SMTP_URL.") from error
    except (OSError, smtplib.SMTPException) as error:
        raise RelayError(f"The mail server {where} cannot be reached: {error}") from error
    if smtp.sock is not None:
        smtp.sock.settimeout(COMMAND_SECONDS)
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else the dot waits 40 ms for the body's ACK
    return smtp


def _mail_options(smtp: smtplib.SMTP, message: Message) -> list[str]:
    return [f"SIZE={len(message.data)}"] if smtp.has_extn("size") else []


def _reply(answer: tuple[int, bytes]) -> Reply:
    code, text = answer
    if code < 200:  # smtplib's way to say that no reply could be read
        raise smtplib.SMTPServerDisconnected(text.decode("utf-8", "replace"))
    return Reply(code, " ".join(text.decode("utf-8", "replace").split()))


def _dot_stuffed(data: bytes) -> bytes:
    """Double each dot that begins a line (RFC 5321 section 4.5.2)."""
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed
