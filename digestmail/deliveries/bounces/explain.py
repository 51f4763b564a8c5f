"""Says how a message that came back is understood, for a person who wants to know before it counts."""

from collections.abc import Iterator
from dataclasses import dataclass

from digestmail.deliveries.bounces.report import Nature, Report, Returned


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """What a message says of one recipient."""

    what: str
    """A `Nature`."""
    verdict: str = ""
    """Of a bounce: a `Verdict`."""
    status: str = ""
    recipients: tuple[str, ...] = ()
    """Each name that the recipient goes by."""
    proven: bool
    """Whether it holds what only this installation, or a provider that signs, can have made: else it is not counted."""
    reason: str = ""


def explain(report: Report) -> Iterator[Understood]:
    """What a report says, one by one of those whom it tells apart."""
    for returned in report.returned or (None,):
        yield _understood(report, returned)


def _understood(report: Report, returned: Returned | None) -> Understood:
    what = str(report.nature)
    proven = report.proof.proves
    if returned is None:
        return Understood(what=what, proven=proven)
    return Understood(
        what=what,
        verdict=str(returned.verdict) if report.nature is Nature.BOUNCE else "",
        status=returned.status,
        recipients=tuple(sorted(returned.addresses)),
        proven=proven,
        reason=returned.reason,
    )
