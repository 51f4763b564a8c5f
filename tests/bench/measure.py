"""A whole measure: seeds once, takes every run's figures one after the other, and clears everything away."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from digestmail.settings import Settings
from digestmail.store.database import Database
from tests.bench import inside, sinks, yardsticks
from tests.bench.children import Children
from tests.bench.feeds import feeds
from tests.bench.figures import Ruler, RunFigures, SlotFigures, Yardstick, flat, medians
from tests.bench.installation import Installation
from tests.bench.options import Options, Part
from tests.bench.scratch import Scratch, scratch
from tests.bench.screen import Screen
from tests.bench.seed import Seeded, seed
from tests.bench.sinks import Sink
from tests.bench.slot import Slot

_MOST_OF_A_YARDSTICK = 50_000
"""Messages; more tell nothing new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What all runs share: the seeded database, the sink, and who keeps the processes."""

    options: Options
    folder: Path
    children: Children
    databases: Scratch
    sink: Sink
    seeded: Seeded
    octets: int
    """Mean size of a message."""
    screen: Screen


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was asked for, where it ran, and what came out."""

    options: dict[str, Any]
    machine: dict[str, str]
    database: dict[str, str]
    topic_sets: int
    octets: int
    """Mean size of a message."""
    sink: str
    round_trip: float
    """Seconds, measured."""
    left_out: dict[str, str]
    """What was asked for and could not be had, with the reason."""
    runs: list[RunFigures]

    @property
    def medians(self) -> dict[str, float]:
        """The median of each figure over the runs."""
        return medians(map(flat, self.runs))

    def document(self) -> dict[str, Any]:
        """Everything as plain values: what `--json` writes and `page` reads."""
        document: dict[str, Any] = json.loads(json.dumps({"bench": 1} | asdict(self) | {"medians": self.medians}))
        return document


def measure(options: Options, screen: Screen) -> Report:
    """Run everything that was asked for. Raises BenchError where it cannot go on."""
    options, left_out = _possible(options)
    if not options.mails:
        options = without_readers(options)
    with place(options, screen, sink=lambda children, _folder: _sink(options, children)) as here:
        runs = [_run(here, number) for number in range(1, options.runs + 1)]
        return Report(
            options=_asked(options),
            machine=machine(),
            database=here.databases.described(),
            topic_sets=here.seeded.topic_sets,
            octets=here.octets,
            sink=here.sink.name,
            round_trip=here.sink.round_trip() if options.mails else 0.0,
            left_out=left_out,
            runs=runs,
        )


@contextmanager
def place(options: Options, screen: Screen, *, sink: Callable[[Children, Path], Sink]) -> Iterator[Place]:
    """A seeded scratch folder with a sink, which vanishes whatever happens, and every process with it."""
    folder = Path(tempfile.mkdtemp(prefix="digestmail-bench-"))
    folder.chmod(0o711)  # PostgreSQL's own user passes through
    try:
        with Children(folder / "logs") as children:
            mail = sink(children, folder)
            with scratch(options.database, folder=folder, children=children) as databases:
                with (
                    screen.progress("seeding subscribers", options.total) as update,
                    databases.opened(databases.seeded) as database,
                ):
                    database.migrate()
                    update(0, options.total)
                    seeded = seed(
                        database, options, now=datetime.now(UTC), on_rows=lambda done: update(done, options.total)
                    )
                    octets = inside.mean_octets(database, seeded)
                yield Place(
                    options=options,
                    folder=folder,
                    children=children,
                    databases=databases,
                    sink=mail,
                    seeded=seeded,
                    octets=octets,
                    screen=screen,
                )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def slot(
    here: Place, *, with_sign_up: bool, marked: bool = True, look: Callable[[Database], None] = lambda _: None
) -> SlotFigures:
    """One slot on a copy of the database; at its end, when all have stopped, `look` may look into it."""
    options = here.options
    beside = [child for child in (here.sink.child, here.sink.line, here.databases.server) if child]
    with here.databases.copy() as url, here.databases.opened(url) as database:
        home = Path(tempfile.mkdtemp(dir=here.folder)) / "data"
        installation = Installation(
            options,
            children=here.children,
            folder=home,
            database_url=url,
            sink=here.sink,
            with_web=with_sign_up,
            marked=marked,
        )
        try:
            installation.start()
            with here.screen.progress("sending", options.subscribers) as update:
                found = Slot(database, installation, here.children, due=options.subscribers).run(
                    here.seeded, sinks=beside, with_sign_up=with_sign_up, on_progress=update
                )
        finally:
            installation.stop()
        look(database)
        return found


def machine() -> dict[str, str]:
    """On what it ran."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "digestmail": metadata.version("digestmail"),
        "cores": str(os.cpu_count()),
        "processor": models[0] if models else platform.processor() or platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def without_readers(options: Options) -> Options:
    """The same with as few readers as there can be, where none are mailed to."""
    return replace(options, subscribers=20, total=20)


def sessions_of(options: Options) -> int:
    """How many connections all workers have together."""
    return options.workers * _connections(options)


def _connections(options: Options) -> int:
    return options.connections or int(Settings.model_fields["smtp_connections"].default)


def _sink(options: Options, children: Children) -> Sink:
    if not options.mails:
        return sinks.NO_SINK
    sink = sinks.given_sink(*options.smtp) if options.smtp else sinks.own_sink(children)
    return sinks.delayed(sink, children, seconds=options.latency) if options.latency else sink


def _possible(options: Options) -> tuple[Options, dict[str, str]]:
    """What can be had here, and what was left out with the reason."""
    if Part.SOURCE not in options.parts or sinks.postfix_program("smtp-source"):
        return options, {}
    return replace(options, parts=options.parts - {Part.SOURCE}), {Part.SOURCE: sinks.INSTALL}


def _run(here: Place, number: int) -> RunFigures:
    options, parts = here.options, here.options.parts
    rulers: dict[Ruler, Yardstick] = {}
    found = composed = planned = collected = None

    def say(what: str) -> None:
        here.screen.say(f"run {number} of {options.runs}: {what} …" if options.runs > 1 else f"{what} …")

    if Part.FEEDS in parts:
        say("collecting")
        collected = feeds(here.children, here.databases, count=options.feeds)
    if Part.COMPOSE in parts:
        say("composing alone")
        with here.databases.opened(here.databases.seeded) as database:
            composed = inside.composing(database, here.seeded, due=options.subscribers)
    if Part.PLAN in parts:
        say("planning alone")
        planned = inside.planning(here.databases, here.seeded, due=options.subscribers)
    if Part.SOURCE in parts:
        say("smtp-source, one half")
        rulers = _sources(here)
    unmarked: list[SlotFigures] = []

    def take_the_marks_off() -> None:
        if Part.UNMARKED in parts:
            say("the slot with the marks off")
            unmarked.append(slot(here, with_sign_up=Part.CONFIRMATION in parts, marked=False))

    take_the_marks_off()
    if Part.SLOT in parts:
        say("the slot")
        found = slot(here, with_sign_up=Part.CONFIRMATION in parts)
    take_the_marks_off()
    if Part.SOURCE in parts:
        say("smtp-source, the other half")  # so that a machine that changes its pace meanwhile counts on both sides
        rulers = {ruler: rulers[ruler] + half for ruler, half in _sources(here).items()}
    if Part.USUAL in parts:
        say("the usual way")
        sample = min(options.sample, options.subscribers - 1)
        rulers[Ruler.USUAL] = yardsticks.usual(
            here.sink, here.children, scratch=here.databases, seeded=here.seeded, messages=sample
        )
    return RunFigures(
        slot=found,
        unmarked=tuple(unmarked),
        yardsticks=rulers,
        planning=planned,
        composing=composed,
        feeds=collected,
        line_rate=sessions_of(options) / options.latency if options.latency else None,
    )


def _sources(here: Place) -> dict[Ruler, Yardstick]:
    """smtp-source, half of its messages each."""
    sessions = {Ruler.KEPT: yardsticks.KEPT_SESSIONS}
    if sessions_of(here.options) != yardsticks.KEPT_SESSIONS:
        sessions[Ruler.SAME] = sessions_of(here.options)
    most = min(here.options.subscribers, _MOST_OF_A_YARDSTICK)
    return {
        ruler: yardsticks.source(
            here.sink,
            here.children,
            sessions=count,
            octets=here.octets,
            messages=yardsticks.bearable(most, sessions=count, latency=here.options.latency) // 2,
        )
        for ruler, count in sessions.items()
    }


def _asked(options: Options) -> dict[str, Any]:
    """The options as they may be shown: a database's URL can hold a password."""
    given = {"parts": sorted(options.parts), "database": options.database.partition(":")[0]}
    return asdict(options) | given | {"connections": _connections(options)}


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
