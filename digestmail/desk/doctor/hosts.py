"""Judges the hosts behind the sender's domain: where answers and bounces go (MX), and what delivers (PTR)."""

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress

from digestmail.desk.doctor.finding import Finding, ok, problem, skipped, warning
from digestmail.desk.doctor.identity import Sender
from digestmail.desk.doctor.lookup import Address, Lookup, addresses_of, mail_hosts


def judge_mx(lookup: Lookup, sender: Sender) -> Iterator[Finding]:
    """Whether answers and bounces have somewhere to go."""
    for domain in dict.fromkeys((sender.domain, sender.bounces)):
        name = "sender.mx" if domain == sender.domain else "sender.mx-bounces"
        hosts = mail_hosts(lookup, domain)
        if hosts == ["."]:
            yield problem(
                name,
                f"{domain} says by a null MX that it takes no mail, so receivers refuse mail from it (RFC 7505).",
                "Publish an MX record with a server that takes its mail.",
            )
        elif dead := [host for host in hosts if not addresses_of(lookup, host)]:
            every = len(dead) == len(hosts)
            yield (problem if every else warning)(
                name,
                f"The MX of {domain} names {', '.join(dead)}, which has no address.",
                "Mend the name, or take it out.",
            )
        elif hosts:
            yield ok(name, f"Mail to {domain} goes to {', '.join(hosts)}.")
        elif addresses_of(lookup, domain):
            yield warning(
                name, f"{domain} has no MX record; mail to it goes to its own address.", "Publish an MX record."
            )
        else:
            yield problem(
                name,
                f"{domain} has neither an MX record nor an address, so bounces go nowhere and its mail is refused.",
                "Publish an MX record with a server that takes its mail.",
            )


def judge_ptr(lookup: Lookup, sender: Sender, relay: Sequence[Address]) -> Iterator[Finding]:
    """Whether each address that delivers has a name which leads back to it, as the large providers require."""
    name = "sender.ptr"
    if not sender.delivers_itself:
        yield skipped(name, f"{sender.relay.host} delivers; its operator looks after the names of its addresses.")
        return
    public = [address for address in relay if address.is_global]
    if not public:
        yield skipped(
            name,
            "This machine has a private address only, so which one receivers see is not known.",
            "Where its mail server delivers by itself, look up the name of its public address with: dig -x ADDRESS",
        )
    for address in public:
        names = lookup(address.reverse_pointer, "PTR")
        if not names:
            found, remedy = f"{address} has no name (PTR).", "Have your hoster set the name of your mail server."
            yield problem(name, found, remedy)
        elif not any(address in addresses_of(lookup, host) for host in names):
            yield problem(
                name,
                f"{address} is called {', '.join(names)}, and no such name leads back to it.",
                "Publish an address record for that name, or have your hoster set another.",
            )
        else:
            yield ok(name, f"{address} is called {', '.join(names)}, which leads back to it.")


def own_addresses() -> list[Address]:
    """The addresses from which this machine would reach the Internet; no packet is sent to find out."""
    found: list[Address] = []
    for family, there in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((there, 9))
            found.append(ipaddress.ip_address(probe.getsockname()[0]))
    return found
