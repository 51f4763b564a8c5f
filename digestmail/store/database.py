"""The engine, the transactions, and the few places where SQLite and PostgreSQL differ."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.types import NullType
from sqlmodel import Session, SQLModel

from digestmail.store.columns import BigId, Instant, RowNumbers

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 30

_SET_UP_SQLITE = (
    f"busy_timeout={_BUSY_SECONDS * 1000}",
    "page_size=8192",  # of a new file: each page that a plan touches costs system calls; larger ones cost a wave
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "cache_size=-8192",  # KiB for each connection: what one chunk of a plan touches
    "temp_store=MEMORY",  # else each statement that may fail half-way opens a file for what it would undo
)

_TRUSTED_SECONDS = 5
"""A connection to PostgreSQL that was used this recently is not asked whether it is still there."""

_NEWS_LOCK = 0x64696765  # any number that stays the same: names the lock of `hold_back_news` on PostgreSQL


class Database:
    """One database, by its URL. Reading and writing are told apart because SQLite must know at the first statement."""

    def __init__(self, url: str, *, only_look: bool = False) -> None:
        """If `only_look`, nothing is made or changed, and a server that does not answer is not waited for long."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database and not only_look:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        make = _sqlite_engine if self.is_sqlite else _postgresql_engine
        self.engine = make(url, only_look=only_look)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes: committed at the end, rolled back on an exception.

        On SQLite it takes the write lock at once, so it waits for its turn instead of failing half-way.
        """
        with self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """The same with a session, which costs twice as much to begin and end."""
        with self.writing() as connection, Session(connection) as session:
            yield session
            session.commit()

    @contextmanager
    def reading(self, *, at_one_moment: bool = False) -> Iterator[Session]:
        """A session that only reads; what it changed by mistake is not committed.

        If `at_one_moment`, all its queries see the same state, as on SQLite they do anyway.
        """
        with self.engine.connect() as connection, Session(connection) as session:
            if at_one_moment and not self.is_sqlite:
                session.connection().execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            yield session

    def migrate(self) -> None:
        """Bring the tables to the newest form. Safe to call from several processes at once, and quick when it is so."""
        if self.is_newest():
            return
        import alembic.command  # takes a while, which most starts can do without
        import alembic.config

        config = alembic.config.Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self.engine.connect().execution_options(writes=True) as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _NEWS_LOCK})
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")
            connection.commit()

    def is_newest(self) -> bool:
        """Whether the tables have the newest form."""
        newest = max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest]


def hold_back_news(connection: Connection) -> None:
    """Let one transaction at a time store items or freeze an edition.

    Then an item's `seen_at` and an edition's cutoff, both taken after this call, are in the order of their commits, and
    no item falls between two windows. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _NEWS_LOCK})


class _Present(FunctionElement[datetime]):
    type = Instant()
    inherit_cache = True


@compiles(_Present, "sqlite")
def _present_on_sqlite(_element: _Present, _compiler: SQLCompiler, **_options: Any) -> str:
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(_Present, "postgresql")
def _present_on_postgresql(_element: _Present, _compiler: SQLCompiler, **_options: Any) -> str:
    return "clock_timestamp()"


PRESENT = _Present()
"""The database's own clock, which all workers share, as a value in a statement."""


def present(connection: Connection) -> datetime:
    """The database's own clock: leases are measured by it."""
    instant: datetime = connection.execute(select(PRESENT)).scalar_one()
    return instant


def insert_new(connection: Connection, table: type[SQLModel], rows: list[dict[str, Any]]) -> int:
    """INSERT the rows whose keys are not there yet, all of the same columns; how many were new."""
    if not rows:
        return 0
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    columns: Table = table.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    new = insert(columns).on_conflict_do_nothing().returning(*columns.primary_key.columns)
    return len(connection.execute(new, rows).all())


def among(column: Any) -> ColumnElement[bool]:
    """Whether a column is one of the row numbers that the statement is given as its parameter `ids`."""
    return _Among(column, bindparam("ids", type_=RowNumbers))


class _Among(FunctionElement[Any]):
    type = NullType()  # were it Boolean, SQLAlchemy would write "… = 1" for SQLite, which no index answers
    inherit_cache = True


@compiles(_Among, "sqlite")
def _among_on_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, numbers = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({numbers}))"  # noqa: S608 - a column and a placeholder


@compiles(_Among, "postgresql")
def _among_on_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, numbers = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY (CAST({numbers} AS BIGINT[]))"


def aside(column: Any, instead_of_null: Any) -> ColumnElement[Any]:
    """A column's value in a form that no index answers: for conditions that only check what another index found.

    Both databases would believe, with the statistics of a quiet hour or with none, that few rows are claimed or due,
    and go through all of those instead of looking up the few rows that are meant.
    """
    return func.coalesce(column, instead_of_null)


def each_number() -> TableValuedAlias:
    """The row numbers that the statement is given as its parameter `ids`, as rows of one column, `value`."""
    return _EachNumber(bindparam("ids", type_=RowNumbers)).table_valued("value", name="value")


class _EachNumber(FunctionElement[int]):
    type = BigId
    inherit_cache = True


@compiles(_EachNumber, "sqlite")
def _each_on_sqlite(element: _EachNumber, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_EachNumber, "postgresql")
def _each_on_postgresql(element: _EachNumber, compiler: SQLCompiler, **options: Any) -> str:
    return f"unnest(CAST({compiler.process(element.clauses, **options)} AS BIGINT[]))"


def _postgresql_engine(url: str, *, only_look: bool = False) -> Engine:
    options = {"connect_timeout": 5, "options": "-c default_transaction_read_only=on"} if only_look else {}
    engine = create_engine(url, connect_args=options, hide_parameters=True)  # errors are logged, and addresses are not

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        """For most of the day next to nothing is due, and so say the statistics also at the slot.

        PostgreSQL would then fetch all that is due by a bitmap and sort it, for each batch anew, where an index has it
        in order; and go through a table that was small when it last looked, where a few rows are asked for by their
        numbers. Where there is no index it still does either.
        """
        connection.execute("SET enable_bitmapscan = off")
        connection.execute("SET enable_seqscan = off")
        connection.commit()

    @event.listens_for(engine, "checkin")
    def _note_time(_connection: Any, record: Any) -> None:
        record.info["used_at"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask_whether_it_is_there(connection: Any, record: Any, _proxy: Any) -> None:
        """SQLAlchemy's own `pool_pre_ping` asks each time, which would cost a wave as much as its statements."""
        if time.monotonic() - record.info.get("used_at", time.monotonic()) < _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool opens another

    return engine


def _sqlite_engine(url: str, *, only_look: bool = False) -> Engine:
    if only_look:
        file = f"file:{quote(make_url(url).database or '')}?mode=ro"
        engine = create_engine(
            url, creator=lambda: sqlite3.connect(file, uri=True, check_same_thread=False), hide_parameters=True
        )
    else:
        engine = create_engine(url, connect_args={"check_same_thread": False}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not inside the driver
        for pragma in () if only_look else _SET_UP_SQLITE:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        driver: Any = connection.connection.dbapi_connection
        try:
            driver.execute(begin)  # not by way of SQLAlchemy, which takes longer for it than SQLite
        except driver.Error as error:
            raise OperationalError(begin, None, error) from error

    return engine
