"""Commands for the people: in from a file, out to a file, and one looked at."""

import csv
import dataclasses
import io
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from digestmail.cli.application import Json, app, fail, opened, progress, say, show, to_stderr
from digestmail.clock import system_clock
from digestmail.deliveries.bounces.suppressions import lift, suppress_by_hand
from digestmail.desk.reader import find_reader
from digestmail.secret import secret_of
from digestmail.subscribers.import_export import export_csv, import_csv
from digestmail.tokens import Tokens

subscriber = typer.Typer(no_args_is_help=True, help="Who gets the digest.", rich_markup_mode=None)
app.add_typer(subscriber, name="subscriber")


@subscriber.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="A CSV file; its first line names the columns.")], as_json: Json = False
) -> None:
    """Add subscribers from a CSV file: email,topics,time_zone,hour,days,locale,format,confirmed_at,source.

    Good rows are taken, bad ones are reported by line and reason. Who has unsubscribed stays so. A row without
    confirmed_at is mailed a confirmation first.
    """
    if not file.is_file():
        fail(f"There is no file {file}.")
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        total = sum(1 for _ in lines)
        lines.seek(0)
        with opened() as (settings, database), progress() as bar:
            task = bar.add_task("Importing", total=total)
            report = import_csv(
                database,
                lines,
                fingerprint=Tokens(secret_of(settings)).fingerprint,
                default_time_zone=settings.default_time_zone,
                default_locale=settings.language,
                now=system_clock(),
                on_rows=lambda line: bar.update(task, completed=line),
            )
    if as_json:
        bad = [{"line": row.line, "reason": row.reason} for row in report.bad]
        show({"active": report.active, "to_confirm": report.to_confirm, "bad": bad}, as_json=True)
    else:
        say(
            f"Imported {report.active + report.to_confirm} subscribers: {report.active} active, "
            f"{report.to_confirm} to be asked for confirmation. {len(report.bad)} rows were left out."
        )
        for row in report.bad:
            to_stderr.print(f"  line {row.line}: {row.reason}", highlight=False, markup=False, soft_wrap=True)


@subscriber.command("export")
def export_file(
    file: Annotated[Path | None, typer.Argument(help="Where to write; standard output if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Write the active subscribers as CSV, in the columns that import reads."""
    with opened() as (_, database), database.reading() as session:
        buffer = io.StringIO()
        count = export_csv(session, buffer)
    text = buffer.getvalue()
    if as_json:
        rows = list(csv.DictReader(io.StringIO(text)))
        text = json.dumps(rows, ensure_ascii=False, indent=2) + "\n"
    if file is None:
        sys.stdout.write(text)
    else:
        file.write_text(text, encoding="utf-8")
        say(f"Wrote {count} subscribers to {file}.")


@subscriber.command("show")
def show_one(email: Annotated[str, typer.Argument(help="The subscriber's address.")], as_json: Json = False) -> None:
    """Show one subscriber: choices, standing, deliveries, what came back, lifted suppressions and consent."""
    with opened() as (_, database), database.reading() as session:
        reader = find_reader(session, email)
    facts = {field.name: getattr(reader, field.name) for field in dataclasses.fields(reader)}
    if as_json:
        show(facts, as_json=True)
        return
    deliveries, consent = facts.pop("deliveries"), facts.pop("consent")
    bounces, lifted = facts.pop("bounces"), facts.pop("lifted")
    show([{"": name.replace("_", " "), email: value} for name, value in facts.items()], as_json=False)
    show(deliveries, as_json=False, empty="No deliveries yet.")
    show(bounces, as_json=False, empty="Nothing came back.")
    if lifted:
        show(lifted, as_json=False)
    show(consent, as_json=False, empty="No consent on record.")


Reason = Annotated[str, typer.Option(help="Why; it is kept.")]


@subscriber.command()
def suppress(email: Annotated[str, typer.Argument(help="The address.")], reason: Reason) -> None:
    """Write no more to an address, whoever signs it up."""
    with opened() as (_, database), database.transaction() as session:
        suppress_by_hand(session, email, reason=reason, now=system_clock())
    say(f"{email} is written to no more. `digestmail subscriber unsuppress` takes it back.")


@subscriber.command()
def unsuppress(email: Annotated[str, typer.Argument(help="The address.")], reason: Reason) -> None:
    """Let an address be written to again. Who unsubscribed or complained stays unsubscribed, and may sign up again."""
    with opened() as (_, database), database.transaction() as session:
        was = lift(session, email, reason=reason, now=system_clock())
    say(f"{email} may be written to again. It had been suppressed for: {was}")
