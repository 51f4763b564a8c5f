"""The figures as tables, for the terminal and for a page (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.figures import STAGES, ProcessFigures, RunFigures

NOT_MEASURED = "n/a"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: what it is called, and how its number is written."""

    name: str
    label: str
    write: Callable[[float], str]


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _seconds(value: float) -> str:
    return f"{value:,.1f} s" if value >= 1 else f"{1000 * value:,.0f} ms"


def _times(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.2f}"


def _micro(value: float) -> str:
    return f"{_short(value)} µs"


def megabytes(octets: float) -> str:
    """Octets for people."""
    return f"{octets / 1_000_000:,.0f} MB"


ROWS = (
    Row("messages", "messages", _count),
    Row("seconds", "from the slot to the last settle", _seconds),
    Row("rate", "messages a second", _count),
    Row("source_kept_rate", "smtp-source, 16 kept sessions: messages a second", _count),
    Row("of_source_kept", "our rate ÷ smtp-source’s", _times),
    Row("source_same_rate", "smtp-source, as many sessions as ours: messages a second", _count),
    Row("of_source_same", "our rate ÷ that of as many sessions", _times),
    Row("unmarked_rate", "with the marks off: messages a second", _count),
    Row("of_unmarked", "our rate ÷ that with the marks off", _times),
    Row("usual_rate", "the usual way: messages a second", _count),
    Row("of_usual", "our rate ÷ the usual way’s", _times),
    Row("of_line", "our rate ÷ (connections ÷ latency)", _times),
    Row("cpu_us", "CPU of all our processes, a message", _micro),
    Row("worker_us", "CPU of the workers, a message", _micro),
    Row("plan_us", "– planning", _micro),
    Row("compose_us", "– composing", _micro),
    Row("wire_us", "– SMTP", _micro),
    Row("ledger_us", "– the ledger", _micro),
    Row("postgresql_us", "CPU of the database server, a message", _micro),
    Row("smtp_sink_us", "CPU of smtp-sink, a message", _micro),
    Row("source_kept_us", "CPU of smtp-source, a message", _micro),
    Row("usual_us", "CPU of the usual way, a message", _micro),
    Row("worker_peak", "peak memory of a worker", megabytes),
    Row("confirmation_seconds", "a sign-up in the middle: POST to settled confirmation", _seconds),
    Row("composing_us", "composing alone: CPU a reader", _micro),
    Row("rsa_us", "signing alone (DKIM), RSA of 2048 bits: CPU a message", _micro),
    Row("ed25519_us", "signing alone (DKIM), Ed25519: CPU a message", _micro),
    Row("edition_seconds", "rendering the edition, once", _seconds),
    Row("plan_seconds", "planning alone", _seconds),
    Row("bare_seconds", "one bare INSERT … SELECT of the same rows", _seconds),
    Row("of_bare", "planning ÷ the bare INSERT", _times),
    Row("feeds", "feeds", _count),
    Row("feeds_seconds", "collecting them, 3 % with news", _seconds),
    Row("feeds_rate", "feeds a second", _count),
    Row("feeds_bare_rate", "http.client alone: feeds a second", _count),
    Row("feeds_of_bare", "our rate ÷ http.client’s", _times),
    Row("feeds_library_rate", "httpx2 alone: feeds a second", _count),
    Row("feeds_of_library", "our rate ÷ httpx2’s", _times),
    Row("feeds_unchanged_rate", "where none has news: feeds a second", _count),
    Row("feeds_unchanged_of_bare", "that ÷ http.client’s", _times),
    Row("feeds_unchanged_of_library", "that ÷ httpx2’s", _times),
    Row("feeds_one_host_seconds", "collecting as many of one host", _seconds),
    Row("feeds_us", "CPU of the collector, a feed", _micro),
    Row("feeds_bare_us", "CPU of http.client, a feed", _micro),
    Row("feeds_library_us", "CPU of httpx2, a feed", _micro),
    Row("feeds_peak", "peak memory of the collector", megabytes),
    Row("feeds_of_few", "that ÷ with a tenth of the feeds", _times),
    Row("watching_us", "CPU of the bench itself meanwhile, a message", _micro),
)


def rows_of(columns: Sequence[Mapping[str, float]]) -> list[list[str]]:
    """A line for each figure that one of the columns has: its label, then its value in each column."""
    return [
        [row.label, *(row.write(column[row.name]) if row.name in column else NOT_MEASURED for column in columns)]
        for row in ROWS
        if any(row.name in column for column in columns)
    ]


def process_rows(run: RunFigures) -> list[list[str]]:
    """CPU µs a message and stage, and peak memory, of each process in a run's slot."""
    if run.slot is None:
        return []
    return [_process_row(process, run.slot.sent) for process in run.slot.processes]


PROCESS_HEAD = ("process, CPU µs a message", "plan", "compose", "SMTP", "ledger", "rest", "all", "peak memory")


def conditions(report: Mapping[str, Any]) -> list[str]:
    """What a report's figures hold for, in a line each; the report as it stands in its JSON."""
    asked, database = report["options"], report["database"]
    settings = ", ".join(f"{name} {value}" for name, value in database.items() if name != "version")
    workers = "1 worker" if asked["workers"] == 1 else f"{asked['workers']} workers"
    if not report["sink"]:
        return [f"{database['version']} with {settings}"]
    sentences: tuple[tuple[str, Mapping[str, Any]], ...] = (
        ("{subscribers:,} due among {total:,} subscribers, {topics} topics, {items} items", asked),
        ("{topic_sets:,} different choices of topics, {octets:,} octets a mail", report),
        (f"{workers} with {asked['connections']} connections", {}),
        (f"{report['sink']}, a round trip of {1000 * report['round_trip']:.2f} ms", {}),
        (f"{database['version']} with {settings}", {}),
    )
    return [sentence.format(**values) for sentence, values in sentences]


def machine_of(report: Mapping[str, Any]) -> str:
    """On what a report was measured."""
    return "digestmail {digestmail}, Python {python}, {cores} cores of {processor}, {system}".format(
        **report["machine"]
    )


def _process_row(process: ProcessFigures, messages: int) -> list[str]:
    def each(seconds: float | None) -> str:
        return NOT_MEASURED if seconds is None or not messages else _short(1_000_000 * seconds / messages)

    stages: list[str]
    if process.name.startswith("worker"):
        known = len(process.stages) == len(STAGES) and process.cpu_seconds is not None
        rest = max(0.0, (process.cpu_seconds or 0.0) - sum(process.stages.values())) if known else None
        stages = [*(each(process.stages.get(stage)) for stage in STAGES), each(rest)]
    else:
        stages = [""] * (len(STAGES) + 1)
    peak = NOT_MEASURED if process.peak_octets is None else megabytes(process.peak_octets)
    name = process.name if process.ours else f"({process.name})"
    return [name, *stages, each(process.cpu_seconds), peak]
