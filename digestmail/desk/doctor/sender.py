"""The checks of the sender's domain, which all need the name servers; where those are away, that is said once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial

from digestmail.desk.doctor.examine import Check, once
from digestmail.desk.doctor.finding import Finding, ok, problem, warning
from digestmail.desk.doctor.hosts import judge_mx, judge_ptr
from digestmail.desk.doctor.identity import Sender
from digestmail.desk.doctor.lookup import Address, Lookup, Unanswered, addresses_of
from digestmail.desk.doctor.policies import judge_dkim, judge_dmarc, judge_spf

_INVENTED = ("localhost", "localdomain", "example", "invalid", "test", "local", "internal", "lan", "home.arpa")
"""Top-level names that nobody can have mail under (RFC 6761, RFC 6762, RFC 8375)."""


def sender_checks(sender: Sender, lookup: Lookup, *, own_addresses: Callable[[], Sequence[Address]]) -> list[Check]:
    """The checks. `own_addresses` are those from which this machine reaches the Internet."""
    if domain_is_invented(sender.domain):
        return [Check("sender.domain", lambda: [_invented(sender)])]

    def relay_addresses() -> Sequence[Address]:
        return own_addresses() if sender.delivers_itself else addresses_of(lookup, sender.relay.host)

    reached = once(lambda: answers(lookup, sender.domain))
    looks: dict[str, Callable[[], Iterator[Finding]]] = {
        "sender.spf": lambda: judge_spf(lookup, sender, relay_addresses()),
        "sender.dkim": lambda: judge_dkim(lookup, sender),
        "sender.dmarc": lambda: judge_dmarc(lookup, sender),
        "sender.mx": lambda: judge_mx(lookup, sender),
        "sender.ptr": lambda: judge_ptr(lookup, sender, relay_addresses()),
    }
    return [
        Check("sender.dns", lambda: [judge_dns(reached=reached())]),
        *(Check(name, partial(_where_reached, reached, name, look)) for name, look in looks.items()),
    ]


def domain_is_invented(domain: str) -> bool:
    """Whether no domain of this name can exist for others."""
    return "." not in domain or any(f".{domain}".endswith(f".{name}") for name in _INVENTED)


def judge_dns(*, reached: bool) -> Finding:
    """Whether names can be looked up at all."""
    if reached:
        return ok("sender.dns", "The name servers answer.")
    return problem(
        "sender.dns",
        "The name servers of this machine do not answer, so nothing of the domain could be looked at.",
        "Look at /etc/resolv.conf and whether a firewall lets UDP and TCP to port 53 through.",
    )


def answers(lookup: Lookup, domain: str) -> bool:
    """Whether the name servers do: about our domain, or about the root where our domain's own are away."""
    for name, kind in ((domain, "SOA"), (".", "NS")):
        with suppress(Unanswered):
            lookup(name, kind)
            return True
    return False


def _where_reached(reached: Callable[[], bool], name: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    if not reached():
        return
    try:
        yield from look()
    except Unanswered as error:
        yield warning(name, f"It could not be looked at: {error}.", "Run it again; look at that domain's name servers.")


def _invented(sender: Sender) -> Finding:
    return problem(
        "sender.domain",
        f"The sender's domain, {sender.domain}, cannot exist, and mail leaves this machine.",
        "Set DIGESTMAIL_SENDER to an address of a domain of yours.",
    )
