"""Runs checks side by side within a bounded time. One that crashes or hangs is a finding, and holds up no other."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from digestmail.desk.doctor.finding import Finding, Group, Verdict, problem, sentence

T = TypeVar("T")

SECONDS = 15.0
"""For everything together; each check bounds its own waiting within that."""


@dataclass(frozen=True, slots=True)
class Check:
    """A function that finds something, and the name under which its failing is shown."""

    name: str
    look: Callable[[], Iterable[Finding]]

    @property
    def group(self) -> Group:
        """What it looks at."""
        return Group(self.name.partition(".")[0])


def examine(
    checks: Sequence[Check], *, seconds: float = SECONDS, on_done: Callable[[int], None] = lambda _: None
) -> list[Finding]:
    """The findings of all checks, in the checks' order. `on_done` hears how many have ended.

    What has not ended after so many seconds goes on in a thread that ends with the process.
    """
    ended = queue.SimpleQueue[tuple[int, list[Finding]]]()
    found: dict[int, list[Finding]] = {}
    for number, check in enumerate(checks):
        threading.Thread(target=lambda n=number, c=check: ended.put((n, _findings_of(c))), daemon=True).start()
    deadline = time.monotonic() + seconds
    while len(found) < len(checks):
        try:
            number, findings = ended.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        found[number] = findings
        on_done(len(found))
    late = {number: [_late(check, seconds)] for number, check in enumerate(checks) if number not in found}
    return [finding for _, findings in sorted((found | late).items()) for finding in findings]


def once(find: Callable[[], T]) -> Callable[[], T]:
    """A function that several checks need the result of: the first one to ask finds it, and the others wait."""
    lock = threading.Lock()
    known: list[T] = []

    def found() -> T:
        with lock:
            if not known:
                known.append(find())
            return known[0]

    return found


def is_problem(findings: Iterable[Finding]) -> bool:
    """Whether one of them must be seen to."""
    return any(finding.verdict is Verdict.PROBLEM for finding in findings)


def _findings_of(check: Check) -> list[Finding]:
    try:
        return list(check.look())
    except Exception as error:  # whatever it is, the others go on
        reason = sentence(f"{type(error).__name__}: {error}".rstrip(": "))
        return [
            problem(
                check.name,
                f"This check failed: {reason}",
                "Nothing is known of what it looks at. Run it again, and report it where it fails again.",
            )
        ]


def _late(check: Check, seconds: float) -> Finding:
    return problem(
        check.name,
        f"This check did not end within {seconds:.0f} seconds.",
        "Something that it asks does not answer; look whether that runs, and whether a firewall lets nothing through.",
    )
