"""Asks the name servers, each question once and for a bounded time; what a check gets is plain text."""

import ipaddress
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

import dns.exception
import dns.name
import dns.resolver

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

Lookup = Callable[[str, str], Sequence[str]]
"""From a name and a type (TXT, MX, A, AAAA, PTR, NS, SOA) to the records: none where there are none.

An MX record is its preference and its host, `10 mail.example.org`; names have no dot at their end, but for the root.
Raises Unanswered.
"""

_QUERY_SECONDS = 3.0
_ALL_SECONDS = 10.0


class Unanswered(Exception):  # noqa: N818 - it is no fault of the question
    """The name servers did not say whether there is such a record."""


class Resolver:
    """The machine's own name servers, as a `Lookup`."""

    def __init__(
        self,
        *,
        seconds: float = _ALL_SECONDS,
        now: Callable[[], float] = time.monotonic,
        servers: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver,
    ) -> None:
        """All questions together get so many seconds, from the first one on. `servers` says whom to ask."""
        self._seconds = seconds
        self._servers = servers
        self._now = now
        self._deadline: float | None = None
        self._known: dict[tuple[str, str], Sequence[str]] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, kind: str) -> Sequence[str]:
        """The records of a name."""
        key = name.lower(), kind
        if key in self._known:
            return self._known[key]
        with self._lock:
            if self._deadline is None:
                self._deadline = self._now() + self._seconds
        left = min(_QUERY_SECONDS, self._deadline - self._now())
        if left <= 0:
            raise Unanswered(f"there was no time left to ask for {kind} of {name}")
        self._known[key] = answer = _ask(name, kind, seconds=left, servers=self._servers)
        return answer


def _ask(name: str, kind: str, *, seconds: float, servers: Callable[[], dns.resolver.Resolver]) -> Sequence[str]:
    try:
        asked = dns.name.from_text(name)
    except (dns.exception.DNSException, UnicodeError):
        return ()  # there is no such name
    try:
        resolver = servers()
        resolver.timeout = seconds / 2  # a packet may get lost
        answer = resolver.resolve(asked, kind, lifetime=seconds)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.YXDOMAIN):
        return ()
    except (dns.exception.DNSException, OSError) as error:
        raise Unanswered(f"the name servers do not answer for {kind} of {name}") from error
    return [_text_of(record) for record in answer]


def _text_of(record: object) -> str:
    if strings := getattr(record, "strings", None):
        return b"".join(strings).decode("utf-8", "replace")  # RFC 7208, 3.3: without spaces between
    text = str(record)
    return text if text.endswith(" .") or text == "." else text.removesuffix(".")


def addresses_of(lookup: Lookup, host: str) -> list[Address]:
    """The addresses of a host, or the one that it is."""
    try:
        return [ipaddress.ip_address(host)]
    except ValueError:
        find = partial(lookup, host)
        return [ipaddress.ip_address(found) for kind in ("A", "AAAA") for found in find(kind)]


def mail_hosts(lookup: Lookup, domain: str) -> list[str]:
    """The hosts of the domain's MX records, the preferred one first; `.` alone is a null MX (RFC 7505)."""
    records = [record.split() for record in lookup(domain, "MX")]
    return [host.lower() for _, host in sorted((int(number), host) for number, host in records)]
