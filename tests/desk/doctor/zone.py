"""Name servers in a dictionary, and the sender of example.org."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.desk.doctor.identity import Sender
from digestmail.desk.doctor.lookup import Unanswered
from digestmail.settings import Relay

Records = Mapping[tuple[str, str], Sequence[str]]

RELAY = Relay("smtp.example.net", 587, "starttls")


class Zone:
    """A `Lookup`; what is in `silent` is not answered."""

    def __init__(self, records: Records, *, silent: Iterable[str] = ()) -> None:
        self._records = records
        self._silent = set(silent)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, kind: str) -> Sequence[str]:
        self.asked.append((name, kind))
        if name in self._silent:
            raise Unanswered(f"the name servers do not answer for {kind} of {name}")
        return self._records.get((name, kind), ())


def sender(**changes: Any) -> Sender:
    """The sender of example.org, whose relay is another's."""
    return Sender(
        **({"domain": "example.org", "bounces": "example.org", "relay": RELAY, "signs": "example.org"} | changes)
    )


def verdicts(findings: Iterable[Finding]) -> dict[str, Verdict]:
    """The verdict by name, of findings whose names differ."""
    found = list(findings)
    by_name = {finding.name: finding.verdict for finding in found}
    assert len(by_name) == len(found)
    return by_name
