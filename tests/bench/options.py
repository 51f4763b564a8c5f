"""What a run of the bench is asked to do (pure)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class BenchError(Exception):
    """The bench cannot go on; the text says why and what to do."""


class LackingError(BenchError):
    """A program is not here, or may not be used here, that this needs."""


DATABASE_URL = "BENCH_DATABASE_URL"
"""Not an argument: it can hold a password, and everybody on a machine sees the arguments of its processes."""


class Part(StrEnum):
    """One measure. All but the last are taken unless `--only` or `--without` says otherwise."""

    SLOT = "slot"
    """The slot itself, through real workers."""
    SOURCE = "smtp-source"
    """Postfix's own load generator on the same sink."""
    USUAL = "usual"
    """Jinja, premailer, EmailMessage and smtplib for each reader."""
    PLAN = "plan"
    """Planning alone against one bare INSERT … SELECT."""
    COMPOSE = "compose"
    """Composing alone."""
    CONFIRMATION = "confirmation"
    """A sign-up in the middle of the slot."""
    FEEDS = "feeds"
    """Collecting many feeds, beside a bare HTTP client."""
    UNMARKED = "unmarked"
    """The slot once before and once after with the marks off; for measuring what they cost, and only where named."""


USUAL_PARTS = frozenset(Part) - {Part.UNMARKED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that can be chosen. `total` is how many subscribers there are, of whom `subscribers` are due."""

    subscribers: int = 100_000
    total: int = 100_000
    topics: int = 20
    items: int = 30
    database: str = "sqlite"
    """`sqlite`, `postgresql` (a private server), or the URL of an empty PostgreSQL database."""
    connections: int | None = None
    """For each worker process; None leaves the product's default."""
    workers: int = 1
    smtp: tuple[str, int] | None = None
    """Somebody else's sink; None starts one."""
    latency: float = 0.0
    """Seconds of a round trip that are added between client and sink."""
    runs: int = 1
    parts: frozenset[Part] = USUAL_PARTS
    sample: int = 300
    """Messages of the usual way."""
    seed: int = 20
    feeds: int = 1_000

    @property
    def mails(self) -> bool:
        """Whether anything is measured for which there must be readers, and mostly a sink."""
        return bool(self.parts - {Part.FEEDS})


def read_parts(only: str, without: str) -> frozenset[Part]:
    """The parts to take, from two lists with commas; a sign-up needs a slot. Raises BenchError for an unknown name."""
    chosen = _parts(only) if only else USUAL_PARTS
    if chosen & {Part.CONFIRMATION, Part.UNMARKED}:
        chosen |= {Part.SLOT}
    chosen -= _parts(without)
    return chosen if Part.SLOT in chosen else chosen - {Part.CONFIRMATION, Part.UNMARKED}


def read_duration(text: str) -> float:
    """Seconds from such as `50ms` or `0.05s`. Raises BenchError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text.strip())
    if found is None:
        raise BenchError(f"“{text}” is no duration; write it like 50ms or 0.05s.")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def read_address(text: str) -> tuple[str, int]:
    """Host and port from `HOST:PORT`. Raises BenchError."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise BenchError(f"“{text}” is no address; write it like 127.0.0.1:2525.")
    return host.strip("[]"), int(port)


def is_due(number: int, *, due: int, total: int) -> bool:
    """Whether subscriber `number` (from 1) is among the `due`, who are spread evenly over the `total`."""
    return number * due // total > (number - 1) * due // total


def _parts(names: str) -> frozenset[Part]:
    def known(names: Iterable[str]) -> Iterable[Part]:
        for name in names:
            try:
                yield Part(name)
            except ValueError:
                raise BenchError(f"There is no measure “{name}”. There are: {', '.join(Part)}.") from None

    return frozenset(known(name.strip() for name in names.split(",") if name.strip()))
