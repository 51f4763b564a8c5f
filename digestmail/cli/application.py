"""The Typer application, and what its commands share: settings, the database, errors and output."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from digestmail.errors import DigestmailError, InputError, SettingsError
from digestmail.logs import log_plainly
from digestmail.memory import share_arenas
from digestmail.settings import Settings, load_settings
from digestmail.store.database import Database


class _App(typer.Typer):
    """Shows our own errors as a sentence instead of a traceback."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        log_plainly()
        share_arenas()
        try:
            return super().__call__(*args, **kwargs)
        except DigestmailError as error:
            fail(str(error))
        except BrokenPipeError:
            sys.exit(1)
        except OSError as error:
            if error.filename is None:
                raise
            fail(f"{error.filename}: {error.strerror}.")


app = _App(
    name="digestmail",
    help="A self-hosted e-mail daily digest: feeds in, one composed mail a day out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

console = Console()
to_stderr = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def fail(message: str) -> NoReturn:
    """End with a sentence on standard error and status 1."""
    to_stderr.print(f"[bold red]error:[/] {_plain(message)}", soft_wrap=True, highlight=False)
    sys.exit(1)


@contextmanager
def opened() -> Iterator[tuple[Settings, Database]]:
    """The settings and a migrated database."""
    settings = load_settings()
    try:
        database = Database(settings.database)
        database.migrate()
    except OSError as error:
        raise SettingsError(
            f"DIGESTMAIL_DATA_DIR is “{settings.data_dir}”, which cannot be used: {error.strerror}. "
            "Choose a folder that you may write to."
        ) from error
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise SettingsError(
            f"The database of DIGESTMAIL_DATABASE_URL ({make_url(settings.database).render_as_string()}) "
            f"cannot be used: {reason}. Check the URL, and that the server runs and has that database."
        ) from error
    try:
        yield settings, database
    finally:
        database.engine.dispose()


def show(rows: Sequence[Any] | Mapping[str, Any], *, as_json: bool, empty: str = "Nothing here yet.") -> None:
    """Print rows (values or mappings with the same names) as a table, or anything as JSON."""
    if as_json:
        print(json.dumps(rows, default=_to_json, ensure_ascii=False, indent=2))
        return
    rows = [rows] if isinstance(rows, Mapping) else rows
    if not rows:
        console.print(empty, highlight=False)
        return
    named = [row if isinstance(row, Mapping) else _to_json(row) for row in rows]
    table = Table(header_style="bold")
    for name in named[0]:
        table.add_column(str(name).replace("_", " "), overflow="fold")
    for row in named:
        table.add_row(*(_cell(value) for value in row.values()))
    console.print(table, highlight=False)


def say(sentence: str) -> None:
    """Print one line, as it is."""
    console.print(_plain(sentence), highlight=False, soft_wrap=True)


def warn(sentence: str) -> None:
    """Print one line, as it is, on standard error."""
    to_stderr.print(_plain(sentence), highlight=False, soft_wrap=True)


def at_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def progress() -> Progress:
    """A progress bar on standard error; nothing where that is no terminal."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=to_stderr,
        transient=True,
        disable=not to_stderr.is_terminal,
    )


def read_instant(text: str) -> datetime:
    """An instant in ISO 8601; without a zone it is UTC, and a day alone means its first moment."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"“{text}” is no ISO 8601 time such as 2026-11-24T07:00:00Z.") from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, (list, tuple)):
        return _plain(", ".join(map(str, value)))
    return _plain(str(value))


def _to_json(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date | Path):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Iterable):
        return list(value)
    raise TypeError(f"cannot show {value!r}")
