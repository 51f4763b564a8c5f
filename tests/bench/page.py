"""Writes figures from `--json` files into docs/performance.md, between two marks, and draws the page's plots.

So the page's numbers are never typed. Each file is a column of the table.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.bench.options import BenchError
from tests.bench.plot import DARK, LIGHT, Bar, Palette, svg
from tests.bench.show import conditions, machine_of, megabytes, rows_of

BEGIN = "<!-- figures: written by `python -m tests.bench page FILE.json …` -->"
END = "<!-- end of figures -->"

_OTHERS = {"Postfix’s smtp-source": "source_kept_rate", "Jinja, premailer, smtplib": "usual_rate"}
"""The yardsticks in the plot."""

Report = Mapping[str, Any]
"""A report as it stands in its JSON."""


def write_page(reports: Sequence[Report], page: Path) -> None:
    """Put the figures into the page and the plots into `images/` beside it. Raises BenchError without its marks."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise BenchError(f"{page} has no place for figures: put these two lines in it.\n{BEGIN}\n{END}")
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    images = page.parent / "images"
    images.mkdir(exist_ok=True)
    for name, palette in {"performance": LIGHT, "performance-dark": DARK}.items():
        (images / f"{name}.svg").write_text(plot(reports, palette=palette))
    page.write_text(f"{before}{BEGIN}\n\n{figures(reports)}\n{END}{after}")


def plot(reports: Sequence[Report], *, palette: Palette = LIGHT) -> str:
    """Our rates on each database, smtp-source's and the usual way's, of the reports that are like the first."""
    first = reports[0]
    bars = [
        Bar(f"digestmail on {_database(report)}", report["medians"]["rate"], True)
        for report in reports
        if "rate" in report["medians"] and (_size(report), _latency(report)) == (_size(first), _latency(first))
    ]
    for name, figure in _OTHERS.items():
        if figure in first["medians"]:
            bars.append(Bar(name, first["medians"][figure], False))
    asked = first["options"]
    caption = (
        f"{asked['subscribers']:,} digests of {first['octets'] / 1000:.0f} KB on {first['machine']['cores']} cores, "
        f"sink included; {_runs(first)}"
    )
    return svg(bars, caption=caption, palette=palette)


def figures(reports: Sequence[Report]) -> str:
    """Plot, table and conditions as Markdown."""
    alt = "Bars of messages a second; the table below has the same numbers."
    heads = [_head(report) for report in reports]
    lines = [
        "<picture>",
        '  <source media="(prefers-color-scheme: dark)" srcset="images/performance-dark.svg">',
        f'  <img src="images/performance.svg" alt="{alt}">',
        "</picture>",
        "",
        _line(["", *heads]),
        _line(["---", *["---:"] * len(heads)]),
        *(_line(row) for row in rows_of([report["medians"] for report in reports])),
        "",
        *(f"- {sentence}" for sentence in comparisons(reports)),
        *(
            f"- {head}: {'; '.join([*conditions(report), _runs(report)])}."
            for head, report in zip(heads, reports, strict=True)
        ),
        *(f"- With {machine}." for machine in dict.fromkeys(map(machine_of, reports))),
    ]
    return "\n".join(lines) + "\n"


def comparisons(reports: Sequence[Report]) -> list[str]:
    """What more readers cost, where the reports of one database differ in the number who are due."""
    slots = [
        report for report in reports if {"cpu_us", "worker_peak"} <= set(report["medians"]) and not _latency(report)
    ]
    found = []
    for first, second in combinations(slots, 2):
        less, more = sorted((first, second), key=_size)
        if _database(less) == _database(more) and _size(less)[0] < _size(more)[0]:
            cost = more["medians"]["cpu_us"] / less["medians"]["cpu_us"]
            peaks = [each["medians"]["worker_peak"] for each in (more, less)]
            found.append(
                f"{_database(less)}, {_size(more)[0]:,} readers instead of {_size(less)[0]:,}: "
                f"{cost:.2f} times the CPU a message, {peaks[0] / peaks[1]:.2f} times the memory "
                f"({megabytes(peaks[0])} instead of {megabytes(peaks[1])})."
            )
    return found


def _head(report: Report) -> str:
    due, total = _size(report)
    readers = f"{due:,} of {total:,}" if due < total else f"{total:,}"
    latency = f", {1000 * _latency(report):g} ms" if _latency(report) else ""
    return f"{_database(report)}, {readers} readers{latency}"


def _database(report: Report) -> str:
    name: str = report["database"]["version"].partition(" ")[0]
    return name


def _size(report: Report) -> tuple[int, int]:
    return report["options"]["subscribers"], report["options"]["total"]


def _latency(report: Report) -> float:
    latency: float = report["options"]["latency"]
    return latency


def _runs(report: Report) -> str:
    runs: int = report["options"]["runs"]
    return f"medians of {runs} runs" if runs > 1 else "one run"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
