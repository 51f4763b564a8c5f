"""The command line: `./run chaos`, `./run chaos R1 R3 --full --seed 7`."""

import json
import os
import random
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tests.bench.command import run_command
from tests.bench.options import BenchError, LackingError
from tests.bench.screen import Screen
from tests.chaos import scenarios_of_all_kinds
from tests.chaos.judge import Verdict
from tests.chaos.scenarios import SCENARIOS, Scenario
from tests.chaos.table import print_table, write_page
from tests.chaos.world import Setting

assert scenarios_of_all_kinds  # importing them enters them into SCENARIOS

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def chaos(
    names: Annotated[
        list[str] | None, typer.Argument(help="Scenarios such as R1 and R3; without any, all of them.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="The full loads, which take hours; else quick ones.")] = False,
    seed: Annotated[int | None, typer.Option(help="Repeats a run's chance; without it, a new one.")] = None,
    database: Annotated[
        str | None, typer.Option(help="sqlite or postgresql alone, where a scenario knows both.")
    ] = None,
    readers: Annotated[int | None, typer.Option(min=20, help="Another load than the usual one.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Add the results to this file.")] = None,
    page: Annotated[Path | None, typer.Option(help="Write the table of the JSON file into this page.")] = None,
    listing: Annotated[bool, typer.Option("--list", help="Show what there is, and do nothing.")] = False,
) -> None:
    """Do faults to real processes, and judge from outside what arrived. Fails if a promise was broken."""
    if listing:
        for each in _chosen(None):
            print(f"{each.name:<12} {each.title} ({each.quick:,} readers; --full: {each.full:,})")
        return
    if page and not names:
        if json_file is None:
            raise BenchError("Say --json FILE, whose results are written into the page.")
        write_page([Verdict(**row) for row in json.loads(json_file.read_text())], page)
        return
    seed = random.randrange(2**31) if seed is None else seed
    screen = Screen()
    screen.say(f"seed {seed}")
    verdicts: list[Verdict] = []
    for chosen in _chosen(names):
        for kind in chosen.databases if database is None else [each for each in chosen.databases if each == database]:
            load = readers or (chosen.full if full else chosen.quick)
            setting = Setting(readers=load, database=kind, full=full, seed=seed, screen=screen)
            verdicts += verdicts_of(chosen, setting)
    print_table(verdicts)
    if json_file:
        _add(json_file, verdicts)
    raise typer.Exit(1 if any(verdict.broken for verdict in verdicts) else 0)


def verdicts_of(chosen: Scenario, setting: Setting) -> list[Verdict]:
    """The verdicts of one scenario. What comes to no end is broken; what needs a program that is not here is left out.

    Where TESTS_REQUIRE_SERVICES=1 is set, as in CI, that is broken too.
    """
    setting.screen.say(f"{chosen.name} on {setting.database}: {chosen.title}, {setting.readers:,} readers")
    verdicts: list[Verdict] = []
    began = time.monotonic()
    try:
        for verdict in chosen.run(setting):
            verdict.database, verdict.seed = setting.database, setting.seed
            setting.screen.say(f"  {verdict.line()}")
            verdicts.append(verdict)
    except LackingError as error:
        if os.environ.get("TESTS_REQUIRE_SERVICES") == "1":
            verdicts.append(_broken(chosen, setting, str(error), time.monotonic() - began))
        else:
            setting.screen.say(f"  left out: {error}")
    except BenchError as error:
        verdicts.append(_broken(chosen, setting, str(error), time.monotonic() - began))
    except Exception:
        verdicts.append(_broken(chosen, setting, traceback.format_exc(), time.monotonic() - began))
    return verdicts


def _broken(chosen: Scenario, setting: Setting, why: str, seconds: float) -> Verdict:
    setting.screen.say(f"  {chosen.name} came to no end: {why}")
    return Verdict(
        name=chosen.name,
        load=setting.readers,
        faults=chosen.title,
        seconds=seconds,
        broken=[why.strip().splitlines()[-1][:200]],
        database=setting.database,
        seed=setting.seed,
    )


def _chosen(names: Sequence[str] | None) -> list[Scenario]:
    known = sorted(SCENARIOS.values(), key=lambda each: (each.number, each.name))
    wanted = [name.upper() for name in names or ()]
    if unknown := [name for name in wanted if name not in {f"R{each.number}" for each in known}]:
        raise BenchError(f"There is no scenario {', '.join(unknown)}. `./run chaos --list` shows what there is.")
    return [each for each in known if not wanted or f"R{each.number}" in wanted]


def _add(path: Path, verdicts: Sequence[Verdict]) -> None:
    """What is there of other scenarios stays."""
    there = json.loads(path.read_text()) if path.exists() else []
    new = [asdict(verdict) for verdict in verdicts]
    keys = {(row["name"], row["database"]) for row in new}
    rows = [row for row in there if (row["name"], row["database"]) not in keys] + new
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    run_command(app, "./run chaos")
