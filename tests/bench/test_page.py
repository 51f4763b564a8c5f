"""The page's figures: written between their marks, a column for each file, and the plot of the same numbers."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.bench.options import BenchError
from tests.bench.page import BEGIN, END, comparisons, figures, write_page
from tests.bench.plot import DARK, Bar, svg

ON = {"digestmail": "1.0", "python": "3.12", "cores": "2", "processor": "an EPYC", "system": "Linux 6"}


def report(
    database: str = "SQLite 3.45", readers: int = 100_000, latency: float = 0.0, **medians: float
) -> dict[str, Any]:
    options = {"subscribers": readers, "total": readers, "topics": 20, "items": 30, "workers": 1, "connections": 16}
    return {
        "options": options | {"latency": latency, "runs": 3, "seed": 20},
        "machine": ON,
        "database": {"version": database, "fsync": "on"},
        "topic_sets": 28_000,
        "octets": 30_465,
        "sink": "smtp-sink",
        "round_trip": 0.00004,
        "medians": medians,
    }


def test_figures_stand_between_the_marks_and_nothing_else_changes(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n\n{BEGIN}\nold\n{END}\n\nAfter\n")
    write_page([report(rate=10_234.5)], page)
    first = page.read_text()
    assert first.startswith("# Before\n")
    assert first.endswith(f"{END}\n\nAfter\n")
    assert "old" not in first
    assert "| messages a second | 10,234 |" in first
    write_page([report(rate=10_234.5)], page)
    assert page.read_text() == first
    assert {path.name for path in (tmp_path / "images").iterdir()} == {"performance.svg", "performance-dark.svg"}


def test_our_page_has_a_place_for_figures() -> None:
    text = (Path(__file__).parents[2] / "docs" / "performance.md").read_text()
    assert text.count(BEGIN) == text.count(END) == 1


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Nothing\n")
    with pytest.raises(BenchError, match="no place for figures"):
        write_page([report()], page)


def test_a_figure_that_one_file_lacks_is_not_available_there() -> None:
    text = figures([report(rate=1.0), report("PostgreSQL 15", rate=2.0, postgresql_us=55.0)])
    assert "| CPU of the database server, a message | n/a | 55.0 µs |" in text
    assert "SQLite, 100,000 readers" in text


def test_sizes_of_one_database_are_compared() -> None:
    small, large = report(cpu_us=50, worker_peak=90e6), report(readers=1_000_000, cpu_us=55, worker_peak=99e6)
    [sentence] = comparisons([small, large, report("PostgreSQL 15", cpu_us=1)])
    assert "1,000,000 readers instead of 100,000: 1.10 times the CPU a message, 1.10 times the memory" in sentence


def test_bars_are_as_long_as_their_numbers_and_text_is_escaped() -> None:
    drawn = ElementTree.fromstring(
        svg([Bar("ours & <more>", 1000, True), Bar("half", 500, False)], caption="“a” & b", palette=DARK)
    )
    widths = [float(rect.attrib["width"]) for rect in drawn.iter("{http://www.w3.org/2000/svg}rect")][1:]
    assert widths[0] == pytest.approx(2 * widths[1])
    assert "ours & <more>" in "".join(drawn.itertext())
    assert "1,000" in drawn.attrib["aria-label"]
