"""Shows the verdicts: as a table on the terminal, and as one in the page."""

import re
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.judge import Verdict

HEAD = ("", "database", "readers", "faults", "planned", "received", "lost", "twice", "in doubt", "ended", "seconds")
_NUMBERS = (2, 4, 5, 6, 7, 8, 10)
_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"


def print_table(verdicts: Sequence[Verdict]) -> None:
    """To standard output; below it, each promise that was broken."""
    table = Table(box=None, pad_edge=False)
    for number, name in enumerate(HEAD):
        table.add_column(name, justify="right" if number in _NUMBERS else "left", overflow="fold")
    for verdict in verdicts:
        table.add_row(*cells(verdict), style="red" if verdict.broken else "")
    console = Console(width=max(170, Console().width), highlight=False)
    console.print(table)
    for verdict in verdicts:
        for promise in verdict.broken:
            console.print(f"{verdict.name} on {verdict.database}: {promise}", style="red", markup=False)
    if not any(verdict.broken for verdict in verdicts):
        console.print("Every promise was kept.")


def cells(verdict: Verdict) -> tuple[str, ...]:
    """One row."""
    settled = ", ".join(f"{count:,} {state}" for state, count in sorted(verdict.settled.items()))
    return (
        verdict.name,
        verdict.database,
        f"{verdict.load:,}",
        verdict.faults + (f" ({verdict.remarks})" if verdict.remarks else ""),
        f"{verdict.planned:,}",
        f"{verdict.received:,}",
        f"{verdict.lost:,}",
        f"{verdict.duplicates:,}",
        f"{verdict.doubt:,}",
        settled,
        f"{verdict.seconds:,.0f}",
    )


def write_page(verdicts: Sequence[Verdict], page: Path) -> None:
    """Put the table between the page's marks."""
    order = sorted(verdicts, key=lambda verdict: (int(re.sub(r"\D", "", verdict.name.split()[0])), verdict.name))
    rule = "".join("--:|" if number in _NUMBERS else "---|" for number in range(len(HEAD)))
    lines = [f"| {' | '.join(HEAD)} | seed |", f"|{rule}--:|"]
    lines += ["| " + " | ".join((*cells(verdict), str(verdict.seed))) + " |" for verdict in order]
    text = page.read_text()
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    page.write_text(before + _BEGIN + "\n" + "\n".join(lines) + "\n" + _END + after)
