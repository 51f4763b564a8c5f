"""Judges what the sender's domain says of its mail: SPF, DKIM and DMARC, and whether they speak of the same domain."""

from collections.abc import Iterator, Sequence

from digestmail.desk.doctor import dmarc, spf
from digestmail.desk.doctor.dkim import judge_key
from digestmail.desk.doctor.finding import Finding, ok, problem, skipped, warning
from digestmail.desk.doctor.identity import Sender
from digestmail.desk.doctor.lookup import Address, Lookup


def judge_spf(lookup: Lookup, sender: Sender, relay: Sequence[Address]) -> Iterator[Finding]:
    """Three findings at most: the record, what it costs, and whether the relay may send."""
    records = spf.records_of(lookup, sender.bounces)
    if len(records) != 1:
        yield _no_single_spf(sender.bounces, len(records))
        return
    try:
        terms = spf.terms_of(records[0])
    except ValueError as error:
        yield problem(
            "sender.spf",
            f"The SPF record of {sender.bounces} is broken: {error}.",
            "Mend that word: with it receivers ignore the whole record, or refuse the mail.",
        )
        return
    if spf.allows_everybody(terms):
        yield problem(
            "sender.spf",
            f"The SPF record of {sender.bounces} ends in +all: everybody may send in your name.",
            "End it in ~all or -all.",
        )
    else:
        yield ok("sender.spf", f"{sender.bounces} has one SPF record: {records[0]}")
    yield _judge_cost(sender.bounces, spf.cost_of(lookup, sender.bounces))
    yield _judge_relay(lookup, sender, relay)


def _no_single_spf(domain: str, count: int) -> Finding:
    if count:
        return problem(
            "sender.spf",
            f"{domain} has {count} SPF records, and with more than one receivers take none.",
            "Join them into one TXT record that begins with v=spf1.",
        )
    return problem(
        "sender.spf",
        f"{domain}, the domain of the envelope, has no SPF record.",
        f"Publish a TXT record at {domain}, such as: v=spf1 include:(what your relay's operator names) ~all",
    )


def _judge_cost(domain: str, cost: spf.Cost) -> Finding:
    name = "sender.spf-lookups"
    if cost.faults:
        return problem(
            name,
            f"The SPF record of {domain} leads to something broken: {'; '.join(sorted(set(cost.faults)))}.",
            "Take out the include that leads there, or have it mended.",
        )
    if cost.lookups > spf.MOST_LOOKUPS:
        return problem(
            name,
            f"The SPF record of {domain} costs {cost.lookups} lookups, and receivers stop after {spf.MOST_LOOKUPS}.",
            "Take out includes of services that you do not use any more, or name networks with ip4: and ip6: instead.",
        )
    if cost.void > spf.MOST_VOID:
        return problem(
            name,
            f"The SPF record of {domain} asks for {cost.void} names that do not exist; "
            f"receivers stop after {spf.MOST_VOID}.",
            "Take out the names that are gone.",
        )
    return ok(name, f"The SPF record of {domain} costs {cost.lookups} of at most {spf.MOST_LOOKUPS} lookups.")


def _judge_relay(lookup: Lookup, sender: Sender, relay: Sequence[Address]) -> Finding:
    name = "sender.spf-relay"
    public = [address for address in relay if address.is_global]
    if not public:
        return skipped(name, "The mail server has no public address here, so which one receivers see is not known.")
    results = {str(address): spf.result_of(lookup, sender.bounces, address) for address in public}
    listed = ", ".join(f"{address} ({result})" for address, result in results.items())
    if all(result in ("pass", "unknown") for result in results.values()):
        return ok(name, f"SPF allows the mail server's addresses: {listed}.")
    if sender.delivers_itself:
        return problem(
            name,
            f"SPF does not allow every address of this machine, which delivers by itself: {listed}.",
            f"Add the missing ones to the SPF record of {sender.bounces} with ip4: and ip6:.",
        )
    return warning(
        name,
        f"SPF does not name every address of {sender.relay.host}: {listed}.",
        "Ask its operator which include belongs into the record. The addresses that it sends from may be others than "
        "these; then all is well.",
    )


def judge_dkim(lookup: Lookup, sender: Sender) -> Iterator[Finding]:
    """A finding for each key, or what must sign instead."""
    if not sender.keys:
        yield skipped(
            "sender.dkim",
            "No key is set in DKIM_KEY, so the mail server must sign; its signature cannot be seen from here.",
            "Have a test mail sent with --send and look in it for dkim=pass with "
            f"header.d={sender.domain} in Authentication-Results.",
        )
    for path, selector in sender.keys:
        yield judge_key(lookup, path, selector=selector, domain=sender.signs)


def judge_dmarc(lookup: Lookup, sender: Sender) -> Iterator[Finding]:
    """The policy, where reports go, and whether what is authenticated is the domain that readers see."""
    own = dmarc.records_of(lookup, sender.domain)
    if len(own) > 1:
        yield problem(
            "sender.dmarc", f"{sender.domain} has {len(own)} DMARC records, so none counts.", "Leave one of them."
        )
        return
    policy = dmarc.policy_for(lookup, sender.domain)
    if policy is None:
        yield problem(
            "sender.dmarc",
            f"{sender.domain} has no DMARC record, and none of the domains above it has one.",
            f"Publish a TXT record at _dmarc.{sender.domain}, such as: "
            f"v=DMARC1; p=none; rua=mailto:dmarc@{sender.domain}",
        )
        return
    wish = policy.wish_for(sender.domain)
    found = f"The DMARC policy of {sender.domain} is {wish}{_where(policy, sender.domain)}."
    if wish == "none":
        yield warning(
            "sender.dmarc",
            found,
            "Once reports show that all your mail passes, ask for p=quarantine: until then others can use your name.",
        )
    else:
        yield ok("sender.dmarc", found)
    if not policy.tags.get("rua"):
        yield warning(
            "sender.dmarc-reports",
            "The DMARC record asks for no reports, so nobody notices when mail fails.",
            f"Add rua=mailto: and an address to the record at _dmarc.{policy.at}.",
        )
    yield _judge_alignment(lookup, sender, policy)


def _where(policy: dmarc.Policy, domain: str) -> str:
    return "" if policy.at == domain else f", as _dmarc.{policy.at} says"


def _judge_alignment(lookup: Lookup, sender: Sender, policy: dmarc.Policy) -> Finding:
    name = "sender.alignment"
    envelope = dmarc.are_aligned(lookup, sender.domain, sender.bounces, strict=policy.is_strict(of="aspf"))
    signature = dmarc.are_aligned(lookup, sender.domain, sender.signs, strict=policy.is_strict(of="adkim"))
    if sender.keys and not signature:
        return problem(
            name,
            f"Our signature speaks for {sender.signs}, which DMARC does not take for {sender.domain}.",
            f"Set DKIM_DOMAIN to {sender.domain}, and publish the key there.",
        )
    if not envelope:
        rest = "so DKIM alone must carry it" if sender.keys else f"so only a signature of {sender.domain} counts"
        return warning(
            name,
            f"The envelope is of {sender.bounces}, which DMARC does not take for {sender.domain}, {rest}.",
            f"Set BOUNCES to an address under {sender.domain}.",
        )
    both = f"the envelope ({sender.bounces})"
    signed = f" and the signature ({sender.signs})" if sender.keys else ""
    return ok(name, f"DMARC takes {both}{signed} for the From ({sender.domain}).")
