"""Reads DMARC (RFC 9989): the policy for a domain, and which domains belong together, by walking up their names."""

from collections.abc import Iterator
from dataclasses import dataclass

from digestmail.desk.doctor.lookup import Lookup

_LONGEST_WALK = 8
"""A name of more labels is cut to one less at the second step (RFC 9989, 4.10)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The record that stands at a name, and its tags."""

    at: str
    tags: dict[str, str]

    @property
    def wish(self) -> str:
        """What receivers are asked to do with mail that fails: none, quarantine or reject."""
        wish = self.tags.get("p", "").lower()
        if wish in ("none", "quarantine", "reject"):
            return wish
        return "none"  # a record without a policy that can be read only asks for reports (RFC 9989, 4.7)

    def wish_for(self, domain: str) -> str:
        """The same for mail of a domain, which may be one below."""
        below = self.tags.get("sp", "").lower()
        return below if domain != self.at and below in ("none", "quarantine", "reject") else self.wish

    def is_strict(self, *, of: str) -> bool:
        """Whether `aspf` or `adkim` asks for the very same domain."""
        return self.tags.get(of, "r").lower() == "s"


def records_of(lookup: Lookup, domain: str) -> list[Policy]:
    """The DMARC records of a domain itself; more than one count for none."""
    texts = [tags for text in lookup(f"_dmarc.{domain}", "TXT") if (tags := _tags(text)).get("v") == "DMARC1"]
    return [Policy(domain, tags) for tags in texts]


def policy_for(lookup: Lookup, domain: str) -> Policy | None:
    """The policy that counts for mail from a domain: its own, else that of its organizational domain."""
    walked = dict(_walk(lookup, domain))
    return walked.get(domain) or walked.get(organizational(lookup, domain)) or next(iter(walked.values()), None)


def organizational(lookup: Lookup, domain: str) -> str:
    """The domain that a name belongs to (RFC 9989, 4.10.2): the name itself where nothing above it has a record."""
    walked = list(_walk(lookup, domain))
    for name, policy in walked:
        if policy.tags.get("psd") == "n":
            return name
        if policy.tags.get("psd") == "y" and name != domain:
            labels = domain.split(".")
            return ".".join(labels[-name.count(".") - 2 :])  # one label below
    return walked[-1][0] if walked else domain


def are_aligned(lookup: Lookup, one: str, other: str, *, strict: bool) -> bool:
    """Whether two domains count as the same sender (RFC 9989, 4.4)."""
    if one == other or strict:
        return one == other
    return organizational(lookup, one) == organizational(lookup, other)


def _walk(lookup: Lookup, domain: str) -> Iterator[tuple[str, Policy]]:
    """The records on the way up, each at its name."""
    labels = domain.split(".")
    while labels:
        name = ".".join(labels)
        records = records_of(lookup, name)
        if len(records) == 1:
            yield name, records[0]
            if records[0].tags.get("psd") == "n" or (records[0].tags.get("psd") == "y" and name != domain):
                return
        labels = labels[-(_LONGEST_WALK - 1) :] if len(labels) > _LONGEST_WALK else labels[1:]


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    tags = {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}
    first = record.partition(";")[0].replace(" ", "")
    return tags if first == "v=DMARC1" else {}
