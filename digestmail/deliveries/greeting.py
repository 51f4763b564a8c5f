"""Begins a conversation with the mail server: connect, EHLO, STARTTLS, AUTH (RFC 5321, 3207, 4954), by `smtplib`.

It waits for each answer, so it runs in threads of its own; what it gives is driven without waiting from then on.
"""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from digestmail.errors import RelayError
from digestmail.settings import Relay

CONNECT_SECONDS = 30
"""For each answer before the first message."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """A connection that is ready for its first message, and what its server can do."""

    sock: socket.socket
    """Never waits; with TCP_NODELAY, or a dot would wait 40 ms for the acknowledgement of the body before it."""
    pipelining: bool = False
    """Commands may be sent without waiting for the replies to those before (RFC 2920)."""
    takes_size: bool = False
    """MAIL may say the message's size (RFC 1870)."""
    size_limit: int = 0
    """Octets of the largest message that is taken; 0 where none is known."""
    eightbit: bool = False
    """Octets over 127 are taken (8BITMIME, RFC 6152)."""


def greet(relay: Relay) -> Greeted:
    """Connect, and speak until the server is ready. Raises RelayError with a sentence for the operator."""
    with conversation(relay) as smtp:
        return _take_over(smtp)


@contextmanager
def conversation(relay: Relay, *, seconds: float | None = None) -> Iterator[smtplib.SMTP]:
    """A session that is ready for its first message; it ends with the block. Raises RelayError, as `greet` does.

    Each answer is waited for `seconds`, or CONNECT_SECONDS.
    """
    where = f"{relay.host}:{relay.port}"
    smtp: smtplib.SMTP | None = None
    try:
        smtp = _connect(relay, seconds=CONNECT_SECONDS if seconds is None else seconds)
        smtp.ehlo_or_helo_if_needed()
        if relay.security == "starttls":
            if not smtp.has_extn("starttls"):
                raise RelayError(
                    f"The mail server {where} does not offer STARTTLS, so nothing was sent. Try smtps:// in SMTP_URL."
                )
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
        if relay.user is not None:
            smtp.login(relay.user, relay.password or "")
        yield smtp
    except smtplib.SMTPAuthenticationError as error:
        raise RelayError(f"The mail server {where} does not accept the user and password of SMTP_URL.") from error
    except UnicodeEncodeError as error:
        raise RelayError(f"The mail server {where} takes users and passwords in ASCII only; see SMTP_URL.") from error
    except smtplib.SMTPResponseException as error:
        raise RelayError(f"The mail server {where} does not welcome us: {_words(error)}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise RelayError(f"The mail server {where} cannot be reached: {error}") from error
    finally:
        if smtp is not None:
            smtp.close()


def _connect(relay: Relay, *, seconds: float) -> smtplib.SMTP:
    if relay.security == "tls":
        return smtplib.SMTP_SSL(
            relay.host,
            relay.port,
            local_hostname=_our_name(),
            timeout=seconds,
            context=ssl.create_default_context(),
        )
    return smtplib.SMTP(relay.host, relay.port, local_hostname=_our_name(), timeout=seconds)


def _words(error: smtplib.SMTPResponseException) -> str:
    text = error.smtp_error
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{error.smtp_code} {said}" if error.smtp_code > 0 else said


@cache
def _our_name() -> str:
    """What we call ourselves in EHLO: looked up once, since name servers may be slow."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


def _take_over(smtp: smtplib.SMTP) -> Greeted:
    """The socket out of smtplib's hands."""
    sock = smtp.sock
    if sock is None:
        raise smtplib.SMTPServerDisconnected("the server hung up")
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    smtp.sock = None  # so that closing the session leaves it open
    limit = smtp.esmtp_features.get("size", "").strip()
    return Greeted(
        sock=sock,
        pipelining=smtp.has_extn("pipelining"),
        takes_size=smtp.has_extn("size"),
        size_limit=int(limit) if limit.isascii() and limit.isdigit() else 0,
        eightbit=smtp.has_extn("8bitmime"),
    )
