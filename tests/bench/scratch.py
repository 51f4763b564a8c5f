"""Scratch databases: one is seeded, and each measure gets a copy of its own that vanishes.

Nothing is tuned that a publisher would not have: journals, fsync and synchronous commits are as they come.
"""

import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url, text
from sqlmodel import SQLModel

from digestmail.local.broker import free_port
from digestmail.store.database import Database
from tests.bench.children import Child, Children
from tests.bench.options import BenchError, LackingError


class Scratch(ABC):
    """Where the databases of one bench lie. `seeded` is the URL of the one to fill; nobody may use it while copying."""

    seeded: str
    server: Child | None = None
    """The process of a server of our own."""

    @contextmanager
    def copy(self) -> Iterator[str]:
        """The URL of a copy of the seeded database, for the length of the block."""
        url = self._copy()
        try:
            yield url
        finally:
            self._drop(url)

    @contextmanager
    def opened(self, url: str) -> Iterator[Database]:
        """A database whose connections are closed at the end, so that it can be copied and dropped."""
        database = Database(url)
        try:
            yield database
        finally:
            database.engine.dispose()

    def described(self) -> dict[str, str]:
        """The server's name and version, and what decides about its speed and safety."""
        with self.opened(self.seeded) as database, database.engine.connect() as connection:
            return {
                name: str(connection.execute(text(question)).scalar_one())
                for name, question in self._questions().items()
            }

    @abstractmethod
    def _questions(self) -> dict[str, str]: ...

    @abstractmethod
    def _copy(self) -> str: ...

    @abstractmethod
    def _drop(self, url: str) -> None: ...


class SqliteScratch(Scratch):
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._copies = 0
        self.seeded = f"sqlite:///{folder / 'seeded.db'}"

    def _questions(self) -> dict[str, str]:
        names = "CASE synchronous WHEN 0 THEN 'off' WHEN 1 THEN 'normal' ELSE 'full' END"
        return {
            "version": "SELECT 'SQLite ' || sqlite_version()",
            "journal_mode": "PRAGMA journal_mode",
            "synchronous": f"SELECT {names} FROM pragma_synchronous",
        }

    def _copy(self) -> str:
        self._copies += 1
        path = self._folder / f"copy{self._copies}.db"
        shutil.copyfile(self._folder / "seeded.db", path)
        return f"sqlite:///{path}"

    def _drop(self, url: str) -> None:
        for path in self._folder.glob(f"{Path(make_url(url).database or '').name}*"):
            path.unlink()


class PostgresqlScratch(Scratch):
    """Databases beside the named one, which must be empty, on the same server. Raises BenchError where it is not."""

    def __init__(self, url: str, *, server: Child | None = None) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._copies = 0
        self.server = server
        self.seeded = self._url.render_as_string(hide_password=False)
        with self.opened(self.seeded) as database, database.engine.connect() as connection:
            count = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            if connection.execute(text(count)).scalar_one():
                raise BenchError(f"The database {self._url.database} is not empty; give an empty one.")

    def empty(self) -> None:
        """Leave the named database as it was found."""
        with self.opened(self.seeded) as database:
            SQLModel.metadata.drop_all(database.engine)
            with database.transaction() as session:
                session.connection().execute(text("DROP TABLE IF EXISTS alembic_version"))

    def _questions(self) -> dict[str, str]:
        settings = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size")
        return {"version": "SELECT 'PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1)"} | {
            name: f"SELECT current_setting('{name}')" for name in settings
        }

    def _copy(self) -> str:
        self._copies += 1
        name = f"{self._url.database}_copy{self._copies}"
        with self._connected("postgres") as connection:
            try:
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(name), sql.Identifier(str(self._url.database))
                    )
                )
            except psycopg.errors.InsufficientPrivilege:
                raise BenchError("Each measure gets a copy of the database: give its user CREATEDB.") from None
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _drop(self, url: str) -> None:
        with self._connected("postgres") as connection:
            name = sql.Identifier(str(make_url(url).database))
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))

    def _connected(self, name: str) -> psycopg.Connection:
        url = self._url.set(drivername="postgresql", database=name)
        return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


@contextmanager
def scratch(wanted: str, *, folder: Path, children: Children) -> Iterator[Scratch]:
    """The databases for `sqlite`, `postgresql` or the URL of an empty PostgreSQL database."""
    if wanted == "sqlite":
        yield SqliteScratch(folder)
    elif wanted == "postgresql":
        server, url = _own_server(folder, children)
        try:
            yield PostgresqlScratch(url, server=server)
        finally:
            children.stop(server)
    elif wanted.startswith(("postgresql://", "postgres://")):
        given = PostgresqlScratch(wanted)
        try:
            yield given
        finally:
            given.empty()
    else:
        raise BenchError(f"“{wanted}” is no database: give sqlite, postgresql or postgresql://user@host/empty.")


def _own_server(folder: Path, children: Children) -> tuple[Child, str]:
    programs = _programs()
    # PostgreSQL refuses to run as root, so it is given to its own user there.
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    home = folder / "postgresql"
    home.mkdir()
    if as_user:
        shutil.chown(home, "postgres", "postgres")
    data = home / "data"
    make = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        "bench",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    maker = children.start("initdb", [*as_user, *make], folder=Path("/"))
    if maker.process.wait() != 0:
        raise BenchError(f"initdb failed:\n{maker.last_lines()}")
    children.stop(maker)
    port = free_port()
    settings = {"shared_buffers": "256MB", "max_connections": "100", "unix_socket_directories": ""}
    server = children.start(
        "PostgreSQL",
        [
            *as_user,
            str(programs / "postgres"),
            *("-D", str(data), "-h", "127.0.0.1", "-p", str(port)),
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
        ],
        folder=Path("/"),
        has_family=True,
        leaves_at=signal.SIGQUIT,  # at once: nothing is to be kept
    )
    url = f"postgresql://bench@127.0.0.1:{port}"
    children.wait_for(lambda: _answers(f"{url}/postgres"), "PostgreSQL")
    with psycopg.connect(f"{url}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    return server, f"{url}/bench"


def _programs() -> Path:
    found = [shutil.which("postgres"), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres")))]
    for path in reversed([Path(path).resolve() for path in found if path]):
        if path.with_name("initdb").exists():
            return path.parent
    raise LackingError("PostgreSQL's programs were not found: `apt install postgresql`, or give the URL of a database.")


def _answers(url: str) -> bool:
    with suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2).close()
        return True
    return False
