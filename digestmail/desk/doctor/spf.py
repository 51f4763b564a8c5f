"""Reads SPF (RFC 7208): the record of a domain, how many lookups it costs a receiver, and which addresses it allows."""

import ipaddress
import re
from dataclasses import dataclass, field

from digestmail.desk.doctor.lookup import Address, Lookup, addresses_of, mail_hosts

MOST_LOOKUPS = 10
MOST_VOID = 2
"""Both RFC 7208, 4.6.4: one more, and receivers take the record for broken."""

_COUNTED = ("include", "a", "mx", "ptr", "exists", "redirect")
_DEEPEST = 20

_MECHANISMS = ("all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists")
_TERM = re.compile(
    r"(?P<qualifier>[+?~-]?)(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)(?P<rest>[:/].*)?", re.IGNORECASE
)
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>\S*)", re.IGNORECASE)
_NETWORKS = re.compile(r"(?P<domain>[^/]*)(?:/(?P<four>\d{1,3}))?(?://(?P<six>\d{1,3}))?")
_RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


@dataclass(frozen=True, slots=True)
class Term:
    """One word of a record: a mechanism with its qualifier, or the modifier `redirect`."""

    qualifier: str
    name: str
    value: str


@dataclass(slots=True)
class Cost:
    """What evaluating a record to its end takes, whichever address is asked about."""

    lookups: int = 0
    void: int = 0
    faults: list[str] = field(default_factory=list)
    """What a receiver could not read, in words."""


def records_of(lookup: Lookup, domain: str) -> list[str]:
    """The SPF records of a domain; there must be one."""
    return [text for text in lookup(domain, "TXT") if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def terms_of(record: str) -> list[Term]:
    """The terms of a record, in its order. Raises ValueError with what cannot be read."""
    terms = []
    for word in record.split()[1:]:
        if found := _TERM.fullmatch(word):
            term = Term(found["qualifier"] or "+", found["name"].lower(), (found["rest"] or "").removeprefix(":"))
        elif found := _MODIFIER.fullmatch(word):
            term = Term("+", found["name"].lower(), found["value"])
        else:
            raise ValueError(f"“{word}” is no term of SPF")
        if _is_wrong(term):
            raise ValueError(f"“{word}” cannot be read")
        if term.name in _MECHANISMS or term.name == "redirect":
            terms.append(term)
    # Where there is an `all`, a redirect is not followed (RFC 7208, 6.1); else it comes last.
    has_all = any(term.name == "all" for term in terms)
    return [term for term in terms if term.name != "redirect"] + [
        term for term in terms if term.name == "redirect" and not has_all
    ]


def allows_everybody(terms: list[Term]) -> bool:
    """Whether the record ends in `+all`."""
    return any(term.name == "all" and term.qualifier == "+" for term in terms)


def cost_of(lookup: Lookup, domain: str) -> Cost:
    """What the domain's record costs with all that it includes. Raises Unanswered."""
    cost = Cost()
    _add_cost(lookup, domain, cost, inside=())
    return cost


def _add_cost(lookup: Lookup, domain: str, cost: Cost, *, inside: tuple[str, ...]) -> None:
    for term in _terms_at(lookup, domain, cost.faults):
        if term.name not in _COUNTED:
            continue
        cost.lookups += 1
        target, _, _ = _target(term, domain)
        if "%" in target or term.name == "ptr":  # depends on who sends
            continue
        if term.name in ("include", "redirect"):
            if target in inside or len(inside) > _DEEPEST:
                cost.faults.append(f"{target} includes itself")
            else:
                _add_cost(lookup, target, cost, inside=(*inside, domain))
        else:
            found = mail_hosts(lookup, target) if term.name == "mx" else addresses_of(lookup, target)
            cost.void += not found


def _terms_at(lookup: Lookup, domain: str, faults: list[str]) -> list[Term]:
    records = records_of(lookup, domain)
    if len(records) != 1:
        faults.append(f"{domain} has {'more than one SPF record' if records else 'no SPF record'}")
        return []
    try:
        return terms_of(records[0])
    except ValueError as error:
        faults.append(f"in the record of {domain} {error}")
        return []


def result_of(lookup: Lookup, domain: str, address: Address, *, depth: int = 0) -> str:
    """What a receiver finds for mail from an address: pass, fail, softfail, neutral, none, permerror, or unknown.

    It is unknown where that depends on a macro, which stands for something of the mail. Raises Unanswered.
    """
    records = records_of(lookup, domain)
    if not records:
        return "none"
    try:
        terms = terms_of(records[0])
    except ValueError:
        return "permerror"
    if len(records) > 1 or depth > MOST_LOOKUPS:
        return "permerror"
    for term in terms:
        if term.name == "redirect":
            return result_of(lookup, term.value, address, depth=depth + 1)
        matched = _matches(lookup, term, domain, address, depth)
        if matched is None:
            return "unknown"
        if matched:
            return _RESULTS[term.qualifier]
    return "neutral"


def _matches(lookup: Lookup, term: Term, domain: str, address: Address, depth: int) -> bool | None:
    target, four, six = _target(term, domain)
    if term.name == "all":
        return True
    if "%" in target or term.name == "ptr":
        return None
    if term.name in ("ip4", "ip6"):
        network = ipaddress.ip_network(term.value, strict=False)
        return address.version == network.version and address in network
    if term.name == "include":
        included = result_of(lookup, target, address, depth=depth + 1)
        return None if included == "unknown" else included == "pass"
    if term.name == "exists":
        return bool(lookup(target, "A"))
    hosts = [target] if term.name == "a" else [host for host in mail_hosts(lookup, target) if host != "."]
    length = four if address.version == 4 else six
    return any(
        found.version == address.version and address in ipaddress.ip_network((found, length), strict=False)
        for host in hosts
        for found in addresses_of(lookup, host)
    )


def _target(term: Term, domain: str) -> tuple[str, int, int]:
    """The domain that a term speaks of, and the prefix lengths for IPv4 and IPv6."""
    found = _NETWORKS.fullmatch(term.value) if term.name in ("a", "mx") else None
    if found is None:
        return (term.value.rstrip(".") or domain).lower(), 32, 128
    return (found["domain"].rstrip(".") or domain).lower(), int(found["four"] or 32), int(found["six"] or 128)


def _is_wrong(term: Term) -> bool:
    if term.name == "all":
        return bool(term.value)
    if term.name in ("include", "exists", "redirect"):
        return not term.value
    if term.name in ("a", "mx"):
        found = _NETWORKS.fullmatch(term.value)
        return not found or int(found["four"] or 0) > 32 or int(found["six"] or 0) > 128
    if term.name in ("ip4", "ip6"):
        try:
            return ipaddress.ip_network(term.value, strict=False).version != int(term.name[-1])
        except ValueError:
            return True
    return False
