"""The command line: `./run bench`, `./run bench --check`, `./run bench page FILE.json …`."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tests.bench.check import check as run_check
from tests.bench.check import check_feeds
from tests.bench.command import run_command
from tests.bench.figures import RunFigures, flat
from tests.bench.measure import Report, measure
from tests.bench.options import Options, Part, read_address, read_duration, read_parts
from tests.bench.page import plot as draw
from tests.bench.page import write_page
from tests.bench.screen import Screen
from tests.bench.show import PROCESS_HEAD, conditions, machine_of, process_rows, rows_of

_CHECKED = 3_000
_SUBSCRIBERS = 100_000
_CHECKED_FEEDS = 400
_FEEDS = 1_000

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def bench(
    context: typer.Context,
    subscribers: Annotated[
        int | None, typer.Option(min=20, help=f"How many are due; {_SUBSCRIBERS:,}, or {_CHECKED:,} with --check.")
    ] = None,
    total_subscribers: Annotated[int | None, typer.Option(help="How many there are; else as many as are due.")] = None,
    topics: Annotated[int, typer.Option(min=1, help="How many topics there are.")] = 20,
    items: Annotated[int, typer.Option(min=1, help="How many stories the slot has, in all topics together.")] = 30,
    database: Annotated[
        str, typer.Option(help="sqlite, postgresql (a private server), or the URL of an empty PostgreSQL database.")
    ] = "sqlite",
    connections: Annotated[int | None, typer.Option(min=1, help="SMTP connections of each worker.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 1,
    smtp: Annotated[str, typer.Option(help="HOST:PORT of a sink of your own; else smtp-sink is started.")] = "",
    latency: Annotated[str, typer.Option(help="What a round trip to the sink takes longer, such as 50ms.")] = "0ms",
    runs: Annotated[int, typer.Option(min=1, help="How often to measure; medians are shown.")] = 1,
    only: Annotated[str, typer.Option(help=f"Measure these alone, with commas: {', '.join(Part)}.")] = "",
    without: Annotated[str, typer.Option(help="Measure all but these.")] = "",
    sample: Annotated[int, typer.Option(min=1, help="Messages that are sent the usual way.")] = 300,
    feeds: Annotated[
        int | None,
        typer.Option(min=330, help=f"How many feeds there are; {_FEEDS:,}, or {_CHECKED_FEEDS} with --check."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Begins the chance by which readers and stories are made.")] = 20,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the rates as this SVG.")] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="A quick slot; what arrives is compared with the ledger. Fails if it differs."),
    ] = False,
) -> None:
    """Run a slot through real workers, and measure it beside its yardsticks on the same sink."""
    if context.invoked_subcommand:
        return
    due = subscribers or (_CHECKED if check else _SUBSCRIBERS)
    options = Options(
        subscribers=due,
        total=max(due, total_subscribers or due),
        topics=topics,
        items=items,
        database=database,
        connections=connections,
        workers=workers,
        smtp=read_address(smtp) if smtp else None,
        latency=read_duration(latency),
        runs=runs,
        parts=read_parts(only, without),
        sample=sample,
        seed=seed,
        feeds=feeds or (_CHECKED_FEEDS if check else _FEEDS),
    )
    screen = Screen()
    if check:
        raise typer.Exit(0 if _is_well(options, screen) else 1)
    report = measure(options, screen)
    document = report.document()
    show(report)
    if json_file:
        json_file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    if plot:
        plot.write_text(draw([document]))
    sent = all(run.slot is None or run.slot.sent == due for run in report.runs)
    collected = all(each.holds for run in report.runs if run.feeds for each in run.feeds.rounds)
    raise typer.Exit(0 if sent and collected else 1)


@app.command()
def page(
    files: Annotated[list[Path], typer.Argument(help="Files of --json; each is a column, the first gives the plot.")],
    into: Annotated[Path, typer.Option(help="The page.")] = Path("docs/performance.md"),
) -> None:
    """Write figures that were measured into the page, and draw its plots."""
    write_page([json.loads(file.read_text()) for file in files], into)


def show(report: Report) -> None:
    """Print the report."""
    console = Console(width=max(120, Console().width), highlight=False)
    document = report.document()
    for line in (*conditions(document), machine_of(document)):
        console.print(line, soft_wrap=True, markup=False)
    runs = [flat(run) for run in report.runs]
    many = len(runs) > 1
    columns = [report.medians, *(runs if many else [])]
    head = ["", "median" if many else "", *(f"run {number}" for number in range(1, len(runs) + 1) if many)]
    console.print(_table(head, rows_of(columns)))
    if (typical := _typical(report.runs)) and typical.slot:
        console.print(_table(PROCESS_HEAD, process_rows(typical)))
        console.print("In brackets: not a part of digestmail.", markup=False)
    for run in report.runs:
        if run.slot and run.slot.sent != run.slot.due:
            console.print(f"Of {run.slot.due:,} due the ledger says: {dict(run.slot.states)}", style="red")
    for run in report.runs:
        for collected in run.feeds.rounds if run.feeds else ():
            if not collected.holds:
                console.print(collected, style="red")
    for part, reason in report.left_out.items():
        console.print(f"{part} was left out: {reason}.", markup=False)


def _is_well(options: Options, screen: Screen) -> bool:
    """Check a slot and a round of collecting, and print what came out."""
    holds = []
    if Part.FEEDS in options.parts:
        for collected in check_feeds(options, screen):
            print(collected)
            holds.append(collected.holds)
    if options.mails:
        verdict = run_check(replace(options, parts=options.parts - {Part.CONFIRMATION}), screen)
        for fault in verdict.faults[:20]:
            screen.say(fault)
        print(verdict)
        holds.append(verdict.holds)
    return all(holds)


def _typical(runs: Sequence[RunFigures]) -> RunFigures | None:
    """The run whose time is the median."""
    timed = sorted((run for run in runs if run.slot), key=lambda run: run.slot.seconds if run.slot else 0.0)
    middle = statistics.median_low(range(len(timed))) if timed else 0
    return timed[middle] if timed else None


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


if __name__ == "__main__":
    run_command(app, "./run bench")
