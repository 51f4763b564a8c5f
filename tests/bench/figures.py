"""What was measured, as values: one run's figures, and the medians of several (pure).

Ratios are formed within one run, where machine and sink are the same, and only then the median is taken.
"""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

STAGES = ("plan", "compose", "wire", "ledger")
"""In the order of a day; `wire` is SMTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFigures:
    """What one process used during the slot; None where nobody tells."""

    name: str
    ours: bool
    """Part of digestmail; a database server or a sink is not."""
    cpu_seconds: float | None
    peak_octets: int | None
    stages: Mapping[str, float] = field(default_factory=dict)
    """CPU seconds of the sending thread by stage, as a worker logs them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotFigures:
    """One slot, from the moment that it came to the last settle."""

    due: int
    states: Mapping[str, int]
    """How many digests ended in which state."""
    seconds: float
    processes: tuple[ProcessFigures, ...]
    confirmation_seconds: float | None = None
    """From a sign-up's POST in the middle of the slot to its settled confirmation."""
    watching_seconds: float = 0.0
    """CPU that the bench itself used meanwhile."""

    @property
    def planned(self) -> int:
        """How many digests stand in the ledger."""
        return sum(self.states.values())

    @property
    def sent(self) -> int:
        """How many were taken by the sink."""
        return self.states.get("sent", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """Another sender on the same sink."""

    messages: int
    seconds: float
    cpu_seconds: float
    sessions: int = 1

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    def __add__(self, other: "Yardstick") -> "Yardstick":
        """Both measures as one."""
        return Yardstick(
            messages=self.messages + other.messages,
            seconds=self.seconds + other.seconds,
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            sessions=self.sessions,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planning:
    """Planning alone, in seconds, beside one bare INSERT … SELECT of the same rows."""

    rows: int
    plan_seconds: float
    bare_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Composing:
    """Composing alone, in CPU seconds; the edition is rendered once before."""

    readers: int
    edition_seconds: float
    cpu_seconds: float
    signed: int
    """So many of the messages were signed (DKIM) as well, with a key of each kind."""
    rsa_seconds: float
    ed25519_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Collecting:
    """One round over many feeds, a few of which have news of one item each."""

    feeds: int
    news: int
    """How many have some."""
    polled: int
    not_modified: int
    failed: int
    new_items: int
    """As the report says."""
    stored: int
    """As the database says."""
    seconds: float
    cpu_seconds: float
    unchanged: int
    """How many had nothing new when they were asked once more."""
    unchanged_seconds: float
    peak_octets: int

    @property
    def rate(self) -> float:
        """Feeds a second."""
        return self.feeds / self.seconds

    @property
    def holds(self) -> bool:
        """Whether everything is as it must be."""
        counts = (self.polled, self.not_modified, self.failed, self.new_items, self.stored, self.unchanged)
        wanted = (self.feeds, self.feeds - self.news, 0, self.news, self.news, self.feeds)
        return self.news > 0 and counts == wanted

    def __str__(self) -> str:
        """In a line."""
        return (
            f"feeds {self.feeds}, polled {self.polled}, not modified {self.not_modified}, failed {self.failed}, "
            f"news {self.news}, new items {self.new_items}, stored {self.stored}, then unchanged {self.unchanged}; "
            f"{self.rate:,.0f} feeds a second: {'all is well' if self.holds else 'THIS IS WRONG'}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFigures:
    """Collecting, beside bare clients that ask for the same feeds and do nothing with the answers."""

    many: Collecting
    few: Collecting
    """A tenth of them."""
    one_host: Collecting
    """As many, all of one host."""
    bare: Yardstick
    """http.client."""
    library: Yardstick
    """httpx2."""

    @property
    def rounds(self) -> tuple[Collecting, ...]:
        """All of them."""
        return self.many, self.few, self.one_host


class Ruler(StrEnum):
    """The yardsticks."""

    KEPT = "source_kept"
    """smtp-source with 16 kept sessions."""
    SAME = "source_same"
    """smtp-source with as many sessions as we have connections."""
    USUAL = "usual"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """Everything of one run; what was left out is None or absent."""

    slot: SlotFigures | None = None
    unmarked: tuple[SlotFigures, ...] = ()
    """The same with the marks off."""
    yardsticks: Mapping[Ruler, Yardstick] = field(default_factory=dict)
    planning: Planning | None = None
    composing: Composing | None = None
    feeds: FeedFigures | None = None
    line_rate: float | None = None
    """Where there is latency: connections ÷ round trip, what one message a round trip and connection would give."""


def flat(run: RunFigures) -> dict[str, float]:
    """A run's figures by name; what was not measured is absent."""
    found: dict[str, float | None] = {}
    if slot := run.slot:
        rate = slot.sent / slot.seconds
        found |= {"messages": slot.sent, "seconds": slot.seconds, "rate": rate} | _costs(slot)
        if run.unmarked:
            found["unmarked_rate"] = sum(each.sent for each in run.unmarked) / sum(
                each.seconds for each in run.unmarked
            )
            found["of_unmarked"] = rate / found["unmarked_rate"]
        found["confirmation_seconds"] = slot.confirmation_seconds
        found["watching_us"] = _micro(slot.watching_seconds, slot.sent)
        found["of_line"] = rate / run.line_rate if run.line_rate else None
        found |= {f"of_{ruler}": rate / yardstick.rate for ruler, yardstick in run.yardsticks.items()}
    for ruler, yardstick in run.yardsticks.items():
        found[f"{ruler}_rate"] = yardstick.rate
        found[f"{ruler}_us"] = _micro(yardstick.cpu_seconds, yardstick.messages)
    if planning := run.planning:
        found["plan_seconds"], found["bare_seconds"] = planning.plan_seconds, planning.bare_seconds
        found["of_bare"] = planning.plan_seconds / planning.bare_seconds
    if composing := run.composing:
        found["composing_us"] = _micro(composing.cpu_seconds, composing.readers)
        found["edition_seconds"] = composing.edition_seconds
        found["rsa_us"] = _micro(composing.rsa_seconds, composing.signed)
        found["ed25519_us"] = _micro(composing.ed25519_seconds, composing.signed)
    if feeds := run.feeds:
        found |= _collecting(feeds)
    return {name: value for name, value in found.items() if value is not None}


def medians(runs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure over the runs that have it."""
    values: dict[str, list[float]] = {}
    for run in runs:
        for name, value in run.items():
            values.setdefault(name, []).append(value)
    return {name: statistics.median(found) for name, found in values.items()}


def _costs(slot: SlotFigures) -> dict[str, float | None]:
    """CPU µs a message and peak memory: of all our processes, of the workers and of each of their stages."""
    ours = [process for process in slot.processes if process.ours]
    workers = [process for process in ours if process.name.startswith("worker")]
    others = [process for process in slot.processes if not process.ours]
    costs: dict[str, float | None] = {
        "cpu_us": _micro(_sum(process.cpu_seconds for process in ours), slot.sent),
        "worker_us": _micro(_sum(process.cpu_seconds for process in workers), slot.sent),
        "worker_peak": max((process.peak_octets or 0 for process in workers), default=0) or None,
    }
    for stage in STAGES:
        costs[f"{stage}_us"] = _micro(_sum(process.stages.get(stage) for process in workers), slot.sent)
    for process in others:
        costs[f"{process.name.replace('-', '_').lower()}_us"] = _micro(process.cpu_seconds, slot.sent)
    return costs


def _collecting(feeds: FeedFigures) -> dict[str, float | None]:
    many, bare, library = feeds.many, feeds.bare, feeds.library
    unchanged_rate = many.feeds / many.unchanged_seconds
    return {
        "feeds": many.feeds,
        "feeds_seconds": many.seconds,
        "feeds_rate": many.rate,
        "feeds_bare_rate": bare.rate,
        "feeds_of_bare": many.rate / bare.rate,
        "feeds_library_rate": library.rate,
        "feeds_of_library": many.rate / library.rate,
        "feeds_unchanged_rate": unchanged_rate,
        "feeds_unchanged_of_bare": unchanged_rate / bare.rate,
        "feeds_unchanged_of_library": unchanged_rate / library.rate,
        "feeds_one_host_seconds": feeds.one_host.seconds,
        "feeds_us": _micro(many.cpu_seconds, many.feeds),
        "feeds_bare_us": _micro(bare.cpu_seconds, bare.messages),
        "feeds_library_us": _micro(library.cpu_seconds, library.messages),
        "feeds_peak": many.peak_octets,
        "feeds_of_few": many.peak_octets / feeds.few.peak_octets if feeds.few.peak_octets else None,
    }


def _micro(seconds: float | None, messages: int) -> float | None:
    return None if seconds is None or not messages else 1_000_000 * seconds / messages


def _sum(values: Iterable[float | None]) -> float | None:
    """The sum, None where one is unknown."""
    given = list(values)
    return None if None in given or not given else sum(value for value in given if value is not None)
