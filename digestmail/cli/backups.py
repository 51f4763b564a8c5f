"""Commands that keep the database and put it back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from digestmail.cli.application import app, opened, progress, say
from digestmail.clock import system_clock
from digestmail.errors import InputError
from digestmail.secret import secret_of
from digestmail.settings import load_settings
from digestmail.store.backup import check_is_ours, copy_database, file_of, put_back
from digestmail.store.database import Database
from digestmail.store.shared_clock import shared_clock
from digestmail.store.states import State
from digestmail.subscribers.erasure import erase_again, erasures
from digestmail.tokens import Tokens


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to; it must not be there yet.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that is there.")] = False,
) -> None:
    """Copy the database to a file, whole and as of one moment, while everything goes on.

    The file has every reader's address. Keep it beside a copy of secret.key from the data folder, which signs the
    links in mails. A PostgreSQL is backed up with pg_dump.
    """
    with opened() as (settings, database), progress() as bar:
        if file.exists() and not overwrite:
            raise InputError(f"{file} is there already: choose another name, or say --overwrite.")
        task = bar.add_task("Copying", total=None)
        copy_database(
            file_of(database), file, on_pages=lambda done, total: bar.update(task, completed=done, total=total)
        )
    say(f"Wrote {file} ({file.stat().st_size / 1e6:.1f} MB).")
    if settings.secret_key is None:
        say(f"Keep {settings.data_dir / 'secret.key'} with it: the links in sent mails are signed with that.")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="A file that `backup` wrote.")]) -> None:
    """Put a backup back, while the service is stopped, and keep readers from getting mails a second time.

    What the database that is replaced had is kept beside it. A PostgreSQL is put back with pg_restore.
    """
    from digestmail.desk.reconcile import check_that_nobody_works

    settings = load_settings()
    database = Database(settings.database)
    ours = file_of(database)
    check_is_ours(file)
    forgotten: dict[str, datetime] | None = None
    if ours.exists():
        with opened() as (_, replaced):
            check_that_nobody_works(replaced)
            with replaced.reading() as session:
                forgotten = erasures(session)
        kept = ours.with_name(f"{ours.name}.before-{system_clock().astimezone(UTC):%Y%m%dT%H%M%SZ}")
        copy_database(ours, kept)
        say(f"Kept what was there as {kept}.")
    with progress() as bar:
        task = bar.add_task("Copying", total=None)
        put_back(file, ours, on_pages=lambda done, total: bar.update(task, completed=done, total=total))
    say(f"Put {file} back.")
    _forget_again(forgotten)
    _reconcile()


@app.command()
def reconcile() -> None:
    """After an older database was put back by other means, settle what may have been sent since its backup.

    Run it before any worker starts. `restore` does it by itself.
    """
    from digestmail.desk.reconcile import check_that_nobody_works

    with opened() as (_, database):
        check_that_nobody_works(database)
    _reconcile()


def _forget_again(forgotten: dict[str, datetime] | None) -> None:
    """Whoever asked to be forgotten after the backup is in it still; None where nobody can tell who that was."""
    if forgotten is None:
        say("Whoever asked to be forgotten since the backup is in it still: `digestmail subscriber erase EMAIL`.")
        return
    with opened() as (settings, database), database.transaction() as session:
        again = erase_again(session, forgotten, fingerprint=Tokens(secret_of(settings)).fingerprint, now=system_clock())
    if again:
        say(f"Forgot {again} {'reader' if again == 1 else 'readers'} again, who had asked for that since.")


def _reconcile() -> None:
    from digestmail.desk.reconcile import reconcile as settle
    from digestmail.desk.service import Service

    with opened() as (settings, database), progress() as bar:
        task = bar.add_task("Asking the mail server", total=None)
        settled = settle(
            Service(settings),
            shared_clock(database),
            on_wait=lambda left: bar.update(task, description=f"Asking the mail server about {left} deliveries"),
        )
    if not settled:
        say("Nothing was open or due, so nobody can get a mail a second time.")
        return
    had = settled[State.SENT] + settled[State.FAILED]
    say(f"Of {settled.total()} deliveries that may have gone out since the backup, the mail server had taken {had}.")
    if settled[State.DUE]:
        say(f"It has not taken {settled[State.DUE]}, which are sent when the service starts.")
    if settled[State.HELD]:
        say(
            f"Nobody can tell of {settled[State.HELD]}, so they are held. Look at them with `digestmail deliveries "
            "list`; `digestmail deliveries release --all` sends them, and `drop --all` does not."
        )
