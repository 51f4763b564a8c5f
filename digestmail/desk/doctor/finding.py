"""What a check found, as a value: its name, a verdict, a sentence of what there is and one of what to do."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Verdict(StrEnum):
    """How grave it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, and could be better or will not work for ever."""
    PROBLEM = "problem"
    """Readers get no mail, or find it in their junk folder."""
    SKIPPED = "skipped"
    """It could not be looked at, or need not be."""


class Group(StrEnum):
    """What a check looks at; its name begins with it."""

    SENDER = "sender"
    RELAY = "relay"
    MACHINE = "machine"
    SITE = "site"
    DIGEST = "digest"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's table."""

    name: str
    """The group and the check, such as `sender.spf`: it stays the same, for monitoring."""
    verdict: Verdict
    found: str
    remedy: str = ""

    @property
    def group(self) -> Group:
        """The heading that it stands under."""
        return Group(self.name.partition(".")[0])


def ok(name: str, found: str, remedy: str = "") -> Finding:
    """All is well."""
    return Finding(name, Verdict.OK, found, remedy)


def warning(name: str, found: str, remedy: str) -> Finding:
    """It should be seen to some day."""
    return Finding(name, Verdict.WARNING, found, remedy)


def problem(name: str, found: str, remedy: str) -> Finding:
    """It must be seen to."""
    return Finding(name, Verdict.PROBLEM, found, remedy)


def skipped(name: str, found: str, remedy: str = "") -> Finding:
    """Nothing was looked at, for the reason given."""
    return Finding(name, Verdict.SKIPPED, found, remedy)


def counted(findings: Iterable[Finding]) -> str:
    """Such as “3 problems, 2 warnings, 21 fine, 4 skipped.”"""
    counts = Counter(finding.verdict for finding in findings)
    problems, warnings = (counts[verdict] for verdict in (Verdict.PROBLEM, Verdict.WARNING))
    words = [
        f"{problems or 'no'} problem{'' if problems == 1 else 's'}",
        f"{warnings or 'no'} warning{'' if warnings == 1 else 's'}",
        f"{counts[Verdict.OK]} fine",
        *([f"{counts[Verdict.SKIPPED]} skipped"] if counts[Verdict.SKIPPED] else []),
    ]
    line = ", ".join(words)
    return f"{line[:1].upper()}{line[1:]}."


def sentence(text: object, *, limit: int = 300) -> str:
    """An error's own words on one line, without the number of the system's errors, and with a full stop."""
    words = _ERRNO.sub("", " ".join(str(text).split()))
    return f"{words[:limit].rstrip('. ')}."


_ERRNO = re.compile(r"\[Errno -?\d+\] ")


def span(time: timedelta) -> str:
    """Such as “40 seconds”, “3 minutes”, “5 hours” or “12 days”, the sign left out."""
    seconds = abs(time.total_seconds())
    for length, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}s"
    return f"{seconds:.0f} second{'' if round(seconds) == 1 else 's'}"


def certificate(name: str, *, of: str, left: timedelta) -> Finding:
    """How long a certificate that is valid now will be."""
    found = f"The certificate of {of} is valid for {span(left)} more."
    if left < _CERTIFICATE_ENDS:
        return problem(name, found, "Renew it today: without it nothing is reached any more.")
    if left < _CERTIFICATE_LATE:
        return warning(name, found, "Renew it, and see why that was not done by itself.")
    return ok(name, found)


_CERTIFICATE_ENDS = timedelta(days=3)
_CERTIFICATE_LATE = timedelta(days=14)
