"""Commands for what comes back: a message from a pipe, a listener, a folder of messages; and who is suppressed."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, TaskID
from sqlalchemy.exc import SQLAlchemyError

from digestmail.cli.application import Json, app, fail, opened, progress, say, show, to_stderr, warn
from digestmail.clock import Clock, system_clock
from digestmail.deliveries.bounces.explain import explain
from digestmail.deliveries.bounces.intake import Intake
from digestmail.deliveries.bounces.mailbox import (
    KEPT,
    Summary,
    messages_in_maildir,
    messages_in_mbox,
    new_in_maildir,
    read_piped,
    take_file,
)
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.read import read_message
from digestmail.deliveries.bounces.suppressions import suppressions as find_suppressions
from digestmail.errors import InputError
from digestmail.messages.publication import Publication
from digestmail.secret import secret_of
from digestmail.settings import Settings, load_settings
from digestmail.store.database import Database
from digestmail.store.shared_clock import shared_clock
from digestmail.tokens import Tokens

_COME_AGAIN = 75  # EX_TEMPFAIL of sysexits.h, at which a mail server keeps the message and tries again
_MOST_SHOWN = 1_000_000


@app.command()
def bounces(
    recipient: Annotated[
        str | None, typer.Option(help="The address that the message was sent to; else $ORIGINAL_RECIPIENT.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="Take mail over SMTP at HOST:PORT, or over LMTP at lmtp:PATH, until stopped.")
    ] = None,
    lmtp: Annotated[bool, typer.Option("--lmtp", help="Speak LMTP also at a host and port.")] = False,
    maildir: Annotated[
        Path | None, typer.Option(help="Take the new messages of a Maildir, and move them to cur.")
    ] = None,
    mbox: Annotated[Path | None, typer.Option(help="Take the messages of an mbox, which is left as it is.")] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Remove from the Maildir what was understood.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Show how the messages are understood, and count nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take what came back: bounces, complaints and automatic replies. Without options, one message from standard input.

    As a mail server's pipe it ends with 0 when the message was counted or needs no counting, and with 75 when the mail
    server is to keep it and try again.
    """
    if sum(map(bool, (listen, maildir, mbox))) > 1:
        raise InputError("Say one of --listen, --maildir and --mbox.")
    if check:
        if listen:
            raise InputError("Nothing can be checked while listening. Say --maildir or --mbox, or pipe a message in.")
        _check(maildir, mbox, recipient or "", as_json=as_json)
    elif listen:
        _listen(listen, lmtp=lmtp)
    elif maildir or mbox:
        _take_files(maildir, mbox, remove=remove, as_json=as_json)
    else:
        _take_piped(recipient or os.environ.get("ORIGINAL_RECIPIENT", ""), as_json=as_json)


@app.command()
def suppressions(as_json: Json = False) -> None:
    """List the addresses that must not be written to, with the reason, the newest first."""
    with opened() as (_, database), database.reading() as session:
        found = find_suppressions(session, limit=_MOST_SHOWN)
    show(found, as_json=as_json, empty="No address is suppressed.")


def intake_of(settings: Settings, database: Database, clock: Clock = system_clock) -> Intake:
    """The intake of this installation."""
    return Intake(database, clock, _proofs_of(settings))


def _proofs_of(settings: Settings) -> Proofs:
    return Proofs(Publication.of(settings), Tokens(secret_of(settings)))


def _check(maildir: Path | None, mbox: Path | None, recipient: str, *, as_json: bool) -> None:
    proofs = _proofs_of(load_settings())
    if maildir:
        messages = messages_in_maildir(maildir)
    elif mbox:
        messages = (message for _, message in messages_in_mbox(_existing(mbox)))
    else:
        messages = iter([read_piped(sys.stdin.buffer)])
    reports = (read_message(message, proofs, recipient=recipient) for message in messages)
    show([row for report in reports for row in explain(report)], as_json=as_json, empty="There is no message.")


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise InputError(f"There is no file {file}.")
    return file


def _take_piped(recipient: str, *, as_json: bool) -> None:
    """Whatever fails here may work later: a mail server would throw the message away at any other status."""
    data = read_piped(sys.stdin.buffer)
    try:
        with opened() as (settings, database):
            taken = intake_of(settings, database).take_message(data, recipient=recipient)
        if as_json:
            show(taken._asdict(), as_json=True)
    except Exception as error:
        to_stderr.print(f"not counted, to be tried again: {_in_words(error)}", markup=False, soft_wrap=True)
        sys.exit(_COME_AGAIN)


def _listen(where: str, *, lmtp: bool) -> None:
    from digestmail.deliveries.bounces.listener import serve

    with opened() as (settings, database):
        if settings.bounce_pattern is None:
            raise InputError(
                "DIGESTMAIL_BOUNCES is none: no mail comes back to an address that could be told by its token."
            )
        intake = intake_of(settings, database, shared_clock(database))
        name = settings.bounce_pattern.rpartition("@")[2]
        kind, _, path = where.partition(":")
        if kind == "lmtp":
            warn(f"Taking what comes back to {settings.bounce_pattern} over LMTP at {path}.")
            serve(intake, path=Path(path), lmtp=True, name=name)
            return
        host, _, port = where.rpartition(":")
        if not host or not port.isdigit():
            raise InputError(f"“{where}” is neither HOST:PORT, such as 127.0.0.1:2525, nor lmtp:PATH.")
        warn(f"Taking what comes back to {settings.bounce_pattern} at {where}.")
        serve(intake, host=host.strip("[]"), port=int(port), lmtp=lmtp, name=name)


def _take_files(maildir: Path | None, mbox: Path | None, *, remove: bool, as_json: bool) -> None:
    summary = Summary()
    with opened() as (settings, database), progress() as bar:
        intake = intake_of(settings, database)
        try:
            if maildir:
                _take_maildir(maildir, intake, summary, bar, remove=remove)
            elif mbox:
                _take_mbox(mbox, intake, summary, bar)
        except SQLAlchemyError as error:
            _tell(summary, as_json=as_json, maildir=maildir)
            fail(f"The database went away, and the rest was left for the next time: {_in_words(error)}.")
    _tell(summary, as_json=as_json, maildir=maildir)


def _take_maildir(folder: Path, intake: Intake, summary: Summary, bar: Progress, *, remove: bool) -> None:
    files = new_in_maildir(folder)
    task: TaskID = bar.add_task("Reading", total=len(files))
    for path in files:
        if taken := take_file(path, intake.take_message, remove=remove):
            summary.note(taken)
        bar.advance(task)


def _take_mbox(file: Path, intake: Intake, summary: Summary, bar: Progress) -> None:
    task = bar.add_task("Reading", total=_existing(file).stat().st_size)
    for ends, message in messages_in_mbox(file):
        summary.note(intake.take_message(message))
        bar.update(task, completed=ends)


def _tell(summary: Summary, *, as_json: bool, maildir: Path | None) -> None:
    suppressed = summary.pop("suppressed", 0)
    if as_json:
        show({"messages": summary.total(), "suppressed": suppressed, "counted": dict(summary)}, as_json=True)
        return
    counted = ", ".join(f"{count} {what}" for what, count in summary.most_common()) or "nothing there"
    say(f"{summary.total()} messages: {counted}. {suppressed} addresses were suppressed.")
    kept = sum(summary[str(what)] for what in KEPT)
    if kept and maildir:
        say(f"{kept} of them changed nothing, and stand flagged in {maildir / 'cur'}.")


def _in_words(error: Exception) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split()) or type(error).__name__
