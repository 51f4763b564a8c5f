"""The judge counts what is lost and what came twice, and a verdict says what was broken."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.bench.options import LackingError
from tests.bench.recorder import Note
from tests.bench.screen import Screen
from tests.chaos.__main__ import verdicts_of
from tests.chaos.judge import Verdict, copies
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.scenarios_of_all_kinds import __all__ as kinds
from tests.chaos.table import cells, write_page
from tests.chaos.world import Setting


def note(reader: int, *, day: str = "20261124", recipient: str = "") -> Note:
    return Note(f"<r{reader}.digest.{day}.ab@x>", recipient or f"r{reader}@x", 900, 0.0)


def verdict(**values: object) -> Verdict:
    return Verdict(**{"name": "R1", "load": 10, "faults": "5 × kill -9", "database": "sqlite"} | values)  # type: ignore[arg-type]


def test_a_copy_of_a_message_is_counted() -> None:
    assert copies([note(1), note(2)]) == 0
    assert copies([note(1), note(2), note(1), note(1)]) == 2


def test_two_messages_to_one_reader_and_day_are_copies_too() -> None:
    assert copies([note(1), note(2, recipient="r1@x")]) == 1
    assert copies([note(1), note(1, day="20261125")]) == 0


@pytest.mark.parametrize(
    ("lost", "duplicates", "allowed", "broken"), [(0, 0, 0, 0), (0, 3, 3, 0), (1, 0, 0, 1), (0, 4, 3, 1), (2, 1, 0, 2)]
)
def test_what_is_lost_or_came_twice_breaks_a_promise(lost: int, duplicates: int, allowed: int, broken: int) -> None:
    found = verdict(lost=lost, duplicates=duplicates)
    found.to_be(duplicates=allowed)
    assert len(found.broken) == broken
    assert ("kept" in found.line()) == (not broken)


def test_the_page_has_a_line_for_each_verdict_in_the_order_of_the_table(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: begin -->\nold\n<!-- figures: end -->\nafter\n")
    write_page([verdict(name="R14 Postfix", settled={"sent": 9_000}), verdict(name="R2")], page)
    lines = page.read_text().splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("before", "after", 8)
    assert [line.split("|")[1].strip() for line in lines[4:6]] == ["R2", "R14 Postfix"]
    assert "9,000 sent" in lines[5]
    assert len({line.count("|") for line in lines[2:6]}) == 1
    assert "old" not in lines


def test_a_verdict_can_be_kept_as_json() -> None:
    found = verdict(lost=1)
    found.to_be()
    assert Verdict(**json.loads(json.dumps(asdict(found)))) == found
    assert cells(found)[6] == "1"


def test_every_scenario_of_the_table_that_is_ours_is_there() -> None:
    assert kinds
    assert {each.number for each in SCENARIOS.values()} == {*range(1, 13), *range(14, 26)}
    assert all(each.quick <= each.full for each in SCENARIOS.values())


@pytest.mark.parametrize(("required", "broken"), [("0", []), ("1", [["Postfix was not found"]])])
def test_what_needs_a_program_that_lacks_is_left_out_unless_all_are_required(
    monkeypatch: pytest.MonkeyPatch, required: str, broken: list[list[str]]
) -> None:
    def needs_postfix(_: Setting) -> Iterator[Verdict]:
        raise LackingError("Postfix was not found")
        yield

    monkeypatch.setenv("TESTS_REQUIRE_SERVICES", required)
    chosen = Scenario(name="R1", title="x", quick=1, full=1, databases=("sqlite",), run=needs_postfix)
    setting = Setting(readers=1, database="sqlite", full=False, seed=1, screen=Screen())
    assert [found.broken for found in verdicts_of(chosen, setting)] == broken
