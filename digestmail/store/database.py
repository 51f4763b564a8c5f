"""The engine, the transactions, and the few places where SQLite and PostgreSQL differ."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, make_url, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlmodel import Session, SQLModel

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 30
_NEWS_LOCK = 0x64696765  # any number that stays the same: names the lock of `hold_back_news` on PostgreSQL


class Database:
    """One database, by its URL. Reading and writing are told apart because SQLite must know at the first statement."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine = _sqlite_engine(url) if self.is_sqlite else _postgresql_engine(url)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that writes: committed at the end, rolled back on an exception.

        On SQLite it takes the write lock at once, so it waits for its turn instead of failing half-way.
        """
        with self.engine.connect().execution_options(writes=True) as connection, Session(connection) as session:
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads; what it changed by mistake is not committed."""
        with self.engine.connect() as connection, Session(connection) as session:
            yield session

    def migrate(self) -> None:
        """Bring the tables to the newest form. Safe to call from several processes at once, and quick when it is so."""
        if self._is_newest():
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

    def _is_newest(self) -> bool:
        newest = max(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
        with self.engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return False
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [newest]


def hold_back_news(session: Session) -> None:
    """Let one transaction at a time store items or freeze an edition.

    Then an item's `seen_at` and an edition's cutoff, both taken after this call, are in the order of their commits, and
    no item falls between two windows. SQLite has one writer anyway.
    """
    if session.connection().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _NEWS_LOCK})


def present(session: Session) -> datetime:
    """The database's own clock, which all workers share: leases are measured by it."""
    if session.connection().dialect.name == "sqlite":
        return datetime.fromisoformat(
            session.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")).scalar_one()
        )
    instant: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
    return instant.astimezone(UTC)


def insert_new(session: Session, table: type[SQLModel], rows: list[dict[str, Any]]) -> int:
    """INSERT the rows whose keys are not there yet, all of the same columns; how many were new."""
    if not rows:
        return 0
    connection = session.connection()
    insert = sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert
    columns: Table = table.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    new = insert(columns).on_conflict_do_nothing().returning(*columns.primary_key.columns)
    return len(connection.execute(new, rows).all())


def _postgresql_engine(url: str) -> Engine:
    return create_engine(url, pool_pre_ping=True, hide_parameters=True)  # errors are logged, and addresses are not


def _sqlite_engine(url: str) -> Engine:
    engine = create_engine(
        url, connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, not inside the driver
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
