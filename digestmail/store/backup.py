"""Copies of a SQLite database that are whole, while others go on writing to it."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from digestmail.errors import InputError
from digestmail.store.database import Database

_PAGES_AT_ONCE = 1000

OnPages = Callable[[int, int], None]
"""Is told how many pages are copied, and how many there are."""


def copy_database(source: Path, target: Path, *, on_pages: OnPages = lambda _done, _total: None) -> None:
    """Write the database file `source`, as it is at one moment, to `target`, readable by its owner alone.

    `target` has it whole or is left as it was. Raises InputError where `source` is no sound database.
    """
    if not target.parent.is_dir():
        raise InputError(f"There is no folder {target.parent} to write {target.name} into.")
    unfinished = target.with_name(f"{target.name}.unfinished")
    os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    try:
        with closing(_opened(source)) as reading, closing(sqlite3.connect(unfinished)) as writing:
            reading.execute("BEGIN")  # one moment for all the pages: those who write meanwhile do not begin us anew
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reading.backup(writing, pages=_PAGES_AT_ONCE, progress=lambda _, left, total: on_pages(total - left, total))
            writing.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
            [[verdict]] = writing.execute("PRAGMA integrity_check(1)").fetchall()
        if verdict != "ok":
            raise InputError(f"{source} is damaged: {verdict}.")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
    except sqlite3.DatabaseError as error:
        raise InputError(f"{source} cannot be copied: {error}.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def put_back(source: Path, target: Path, *, on_pages: OnPages = lambda _done, _total: None) -> None:
    """Make the database file `target` what `source` is, in one transaction: whoever has it open sees one or the other.

    Raises InputError where that cannot be done; then `target` is as it was.
    """
    try:
        with closing(_opened(source)) as reading, closing(sqlite3.connect(target, timeout=30)) as writing:
            reading.backup(writing, progress=lambda _, left, total: on_pages(total - left, total))
    except sqlite3.DatabaseError as error:
        raise InputError(f"{source} cannot be put back: {error}.") from error


def file_of(database: Database) -> Path:
    """The file of a SQLite database. Raises InputError for another."""
    if not database.is_sqlite or not database.url.database:
        raise InputError(
            "This database is PostgreSQL, which has its own tools: use pg_dump for a backup and pg_restore to put one "
            "back. After pg_restore, and before a worker starts, run `digestmail reconcile`, so that nobody gets a "
            "digest a second time; and forget again who asked for that since, by `digestmail subscriber erase`."
        )
    return Path(database.url.database)


def check_is_ours(path: Path) -> None:
    """Raise InputError where a file is no database of digestmail."""
    try:
        with closing(_opened(path)) as connection:
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
            connection.execute("SELECT count(*) FROM deliveries").fetchone()
    except sqlite3.DatabaseError as error:
        raise InputError(f"{path} is no backup of digestmail: {error}.") from error


def _opened(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise InputError(f"There is no file {path}.")
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30, isolation_level=None)
