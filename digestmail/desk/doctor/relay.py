"""Speaks with the mail server up to where a message would begin, and judges what it says of itself."""

import smtplib
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digestmail.clock import Clock
from digestmail.desk.doctor.finding import Finding, certificate, ok, problem, sentence, skipped, warning
from digestmail.errors import RelayError
from digestmail.messages.budget import BUDGET
from digestmail.settings import Relay, is_this_machine

LARGEST = 4 * BUDGET
"""More octets than any digest has: its HTML within the budget, encoded, its text and its headers."""

_GOOD_TO_HAVE = {
    "PIPELINING": "without it each mail costs several journeys to the mail server and back",
    "8BITMIME": "letters to the operator may need it",
    "SIZE": "without it a mail that is too large is noticed late",
    "ENHANCEDSTATUSCODES": "without it a full mailbox can hardly be told from one that does not exist",
}
_SLOW_WITHOUT = ("PIPELINING", "ENHANCEDSTATUSCODES")

Converse = Callable[[Relay], AbstractContextManager[smtplib.SMTP]]
"""Begins a session, as `digestmail.deliveries.greeting.conversation` does."""


@dataclass(frozen=True, slots=True)
class Session:
    """What is known of a mail server that welcomed us."""

    extensions: Mapping[str, str]
    """By name in small letters, with their parameters (RFC 5321, 4.1.1.1)."""
    tls: str = ""
    """The version, where the connection is encrypted."""
    expires_at: datetime | None = None
    """When its certificate ends."""


def look_at_relay(relay: Relay, clock: Clock, *, converse: Converse) -> Iterator[Finding]:
    """Everything about the mail server, or the one thing that keeps us from talking to it."""
    try:
        with converse(relay) as smtp:
            session = _session_of(smtp)
    except RelayError as error:
        yield judge_failure(error)
        return
    where = f"{relay.host}:{relay.port}"
    yield ok("relay.reach", f"The mail server {where} answers.")
    yield from judge_tls(relay, session, now=clock())
    if relay.user is None:
        yield skipped("relay.auth", "SMTP_URL names no user, so none was tried.")
    else:
        yield ok("relay.auth", "It accepts the user and password of SMTP_URL.")
    yield judge_extensions(session)
    yield judge_size(session)


def judge_failure(error: RelayError) -> Finding:
    """What keeps us out, under the name of the check that it belongs to."""
    found = sentence(error)
    if isinstance(error.__cause__, smtplib.SMTPAuthenticationError):
        return problem("relay.auth", found, "Mend the user or the password; in a URL, a @ in them is written %40.")
    if isinstance(error.__cause__, ssl.SSLError) or "STARTTLS" in str(error):
        remedy = "Name the host in SMTP_URL as its certificate does, or have the certificate renewed."
        return problem("relay.tls", found, remedy)
    return problem(
        "relay.reach",
        found,
        "Look whether it runs, whether SMTP_URL names its host and port, and whether your hoster blocks that port.",
    )


def judge_tls(relay: Relay, session: Session, *, now: datetime) -> Iterator[Finding]:
    """Whether nobody on the way can read along, and for how long that lasts."""
    if not session.tls:
        if is_this_machine(relay.host):
            yield ok("relay.tls", "The mail server is on this machine, so the mail is not encrypted on its way there.")
        else:
            yield warning(
                "relay.tls",
                f"Mail goes to {relay.host} in the clear, as ?security=plain asks for.",
                "Leave that out, unless the network between is yours alone.",
            )
        return
    yield ok("relay.tls", f"The connection is encrypted with {session.tls}, and the certificate is of {relay.host}.")
    if session.expires_at is not None:
        yield certificate("relay.certificate", of="the mail server", left=session.expires_at - now)


def judge_extensions(session: Session) -> Finding:
    """Whether it offers what makes sending quick and its answers clear."""
    has = [name for name in (*_GOOD_TO_HAVE, "SMTPUTF8") if name.lower() in session.extensions]
    lacks = [name for name in _GOOD_TO_HAVE if name not in has]
    found = f"It offers {', '.join(has) or 'no extension of SMTP that we use'}."
    if not lacks:
        return ok("relay.extensions", found)
    reasons = "; ".join(f"{name}: {_GOOD_TO_HAVE[name]}" for name in lacks)
    if not any(name in _SLOW_WITHOUT for name in lacks):
        return ok("relay.extensions", f"{found} It lacks {', '.join(lacks)}, which does no harm.")
    return warning("relay.extensions", f"{found} It lacks {', '.join(lacks)}.", f"Turn on what can be ({reasons}).")


def judge_size(session: Session) -> Finding:
    """Whether our largest mail is taken (RFC 1870)."""
    said = session.extensions.get("size", "").strip()
    limit = int(said) if said.isascii() and said.isdigit() else 0
    if not limit:
        return ok("relay.size", "It names no limit for the size of a mail.")
    found = f"It takes mails of up to {limit:,} octets; ours have less than {LARGEST:,}."
    if limit >= LARGEST:
        return ok("relay.size", found)
    return problem("relay.size", found, "Have the limit raised (in Postfix: message_size_limit).")


def _session_of(smtp: smtplib.SMTP) -> Session:
    sock = smtp.sock
    if not isinstance(sock, ssl.SSLSocket):
        return Session(dict(smtp.esmtp_features))
    return Session(dict(smtp.esmtp_features), sock.version() or "TLS", expiry_of(sock))


def expiry_of(sock: ssl.SSLSocket) -> datetime | None:
    """When the certificate that was shown and checked ends."""
    ends = (sock.getpeercert() or {}).get("notAfter")
    if not isinstance(ends, str):
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=ssl.cert_time_to_seconds(ends))
