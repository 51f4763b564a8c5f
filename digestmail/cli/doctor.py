"""The command that looks at the whole installation and says what to do."""

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

import typer
from rich.console import Group as RowsOf
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from digestmail.address import parse_address
from digestmail.cli.application import Json, app, console, progress, show
from digestmail.clock import system_clock
from digestmail.desk.doctor.examine import examine, is_problem
from digestmail.desk.doctor.finding import Finding, Group, Verdict, counted
from digestmail.errors import InputError
from digestmail.settings import PREFIX, Settings, load_settings

_HEADINGS = {
    Group.SENDER: "The sender's domain",
    Group.RELAY: "The mail server",
    Group.MACHINE: "This machine",
    Group.SITE: "The address of the pages",
    Group.DIGEST: "The next digest",
    Group.TEST: "The test mail",
}

_SIGNS = {
    Verdict.OK: ("✓", "green"),
    Verdict.WARNING: ("!", "bold yellow"),
    Verdict.PROBLEM: ("✗", "bold red"),
    Verdict.SKIPPED: ("–", "dim"),
}
"""A sign for each verdict and its colour, which says nothing that the sign does not."""

_OPERATOR = "operator"

_NAME_COLUMNS = 13
"""Those of the longest name, so that all groups stand in line."""


@app.command()
def doctor(
    send: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help=f"Send the next digest there as a test mail; `{_OPERATOR}` is {PREFIX}OPERATOR."
        ),
    ] = None,
    only: Annotated[list[Group] | None, typer.Option(help="Look at this alone; repeatable.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show only what is not fine.")] = False,
    as_json: Json = False,
) -> None:
    """Look at everything that an installation stands on, and say what to do. Nothing is changed.

    The status is 1 where there is a problem, and 0 where there are warnings at most: let your monitoring run it.
    """
    from digestmail.desk.doctor.visit import Instruments, checks_of, without_secrets

    settings = load_settings()
    send_to = _recipient(send, settings) if send else None
    checks = checks_of(settings, system_clock, instruments=Instruments(), only=only or (), send_to=send_to)
    with progress() as bar:
        task = bar.add_task("Looking", total=len(checks))
        found = examine(checks, on_done=lambda done: bar.update(task, completed=done))
    findings = without_secrets(found, settings)
    shown = [finding for finding in findings if not quiet or finding.verdict in (Verdict.WARNING, Verdict.PROBLEM)]
    if as_json:
        show([_row(finding) for finding in shown], as_json=True)
    else:
        _print(shown)
        console.print(counted(findings), style="bold", highlight=False)
    raise typer.Exit(1 if is_problem(findings) else 0)


def _recipient(typed: str, settings: Settings) -> str:
    if typed != _OPERATOR:
        return parse_address(typed).text
    if settings.operator is None:
        raise InputError(f"{PREFIX}OPERATOR is not set. Set it, or name an address: --send you@example.org")
    return settings.operator


def _row(finding: Finding) -> dict[str, str]:
    return {
        "name": finding.name,
        "group": finding.group,
        "verdict": finding.verdict,
        "found": finding.found,
        "remedy": finding.remedy,
    }


def _print(findings: Sequence[Finding]) -> None:
    for group, rows in groupby(findings, key=lambda finding: finding.group):
        table = Table(
            title=_HEADINGS[group],
            title_style="bold",
            title_justify="left",
            box=None,
            show_header=False,
            pad_edge=False,
        )
        table.add_column(no_wrap=True)
        table.add_column(no_wrap=True, width=_NAME_COLUMNS)
        table.add_column(overflow="fold")
        for finding in rows:
            sign, colour = _SIGNS[finding.verdict]
            table.add_row(Text(sign, style=colour), finding.name.partition(".")[2], _words(finding))
        console.print(table, highlight=False)
        console.print()


def _words(finding: Finding) -> RenderableType:
    found = Text(finding.found, style="dim" if finding.verdict is Verdict.SKIPPED else "")
    if not finding.remedy:
        return found
    remedy = Table.grid(padding=(0, 1))
    remedy.add_row("→", Text(finding.remedy))
    return RowsOf(found, remedy)
