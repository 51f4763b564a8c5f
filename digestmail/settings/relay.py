"""The mail server that takes our messages, and the URL that names it."""

import ipaddress
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Relay:
    """The mail server that takes our messages, and how to speak to it."""

    host: str
    port: int
    security: Literal["plain", "starttls", "tls"]
    user: str | None = None
    password: str | None = None


def is_this_machine(host: str) -> bool:
    """Whether a host's name or address means the machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_relay(url: str) -> Relay:
    """Read an SMTP URL. STARTTLS is required unless the host is this machine or the URL ends in `?security=plain`.

    Raises ValueError with the mend.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("use smtp://user:password@host:587 or smtps://user:password@host:465")
    if parts.query not in ("", "security=plain"):
        raise ValueError("the only option is ?security=plain, for a relay on a network of your own")
    security: Literal["plain", "starttls", "tls"]
    if parts.scheme == "smtps":
        security = "tls"
    elif parts.query or is_this_machine(parts.hostname):
        security = "plain"
    else:
        security = "starttls"
    return Relay(
        host=parts.hostname,
        port=parts.port or {"tls": 465, "starttls": 587, "plain": 25}[security],
        security=security,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
