"""What a test tells the relay and hears from it: how to behave, what to offer, and the messages that it took."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DROP = "drop"
"""In place of a reply: break the connection off."""

SILENT = "silent"
"""In place of a reply: never say anything again."""

Behave = Callable[[str, str], str | None]
"""From a command (CONNECT, EHLO, MAIL, RCPT, DATA, DOT, …) and the recipient to another reply than the usual one."""


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One message that the server took."""

    sender: str
    recipient: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What the server offers, and how it treats its clients."""

    most_connections: int = 100
    """Those beyond it are greeted with 421."""
    pipelining: bool = False
    size: int | None = 1_000_000
    """The SIZE that is offered, and held to; 0 is no limit."""
    eightbit: bool = False
    enhanced: bool = False
    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    """Speak TLS from the first octet on."""
    auth: Mapping[str, str] | None = None
    """The passwords by user; with it, mail is taken only from those who gave one."""
    mechanisms: str = "PLAIN LOGIN"
    auth_in_clear: bool = False
    """Ask for passwords without TLS too."""
    messages_per_connection: int | None = None
    """After so many, MAIL is answered with 421."""
    latency: float = 0.0
    """Seconds from a command to its reply; commands that come together are answered together."""
    slow_reader: float | None = None
    """How many octets of a body are read in a second."""
    crumbs: bool = False
    """Replies are sent octet by octet."""

    def keywords(self, *, encrypted: bool) -> list[str]:
        """The lines of the reply to EHLO."""
        offered = {
            f"SIZE {self.size}": self.size is not None,
            "PIPELINING": self.pipelining,
            "8BITMIME": self.eightbit,
            "ENHANCEDSTATUSCODES": self.enhanced,
            "STARTTLS": self.starttls is not None and not encrypted,
            f"AUTH {self.mechanisms}": self.takes_passwords(encrypted=encrypted),
        }
        return [keyword for keyword, is_offered in offered.items() if is_offered]

    def takes_passwords(self, *, encrypted: bool) -> bool:
        """Whether AUTH is offered."""
        return self.auth is not None and (encrypted or self.auth_in_clear)
