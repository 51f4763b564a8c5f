"""The tables are what the migrations make, and writers wait for each other."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, StatementError
from sqlmodel import Session, SQLModel, col, select

from digestmail.store import models
from digestmail.store.database import Database, among, each_number, insert_new


def test_the_migrations_make_the_tables_of_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []


def test_migrating_again_changes_nothing(database: Database) -> None:
    database.migrate()
    with database.reading() as session:
        assert session.exec(select(models.Topic)).all() == []


def test_instants_come_back_aware_and_in_utc(database: Database) -> None:
    local = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with database.transaction() as session:
        session.add(models.Suppression(email_key="a@example.org", reason="test", created_at=local))
    with database.reading() as session:
        found = session.exec(select(models.Suppression)).one()
    assert found.created_at == local
    assert found.created_at.tzinfo is UTC


def test_a_datetime_without_a_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 3, 29)  # noqa: DTZ001 - what is refused
    with database.transaction() as session:
        session.add(models.Suppression(email_key="a@example.org", reason="test", created_at=naive))
        with pytest.raises(StatementError, match="without a time zone"):
            session.flush()
        session.rollback()


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.transaction() as session:
            session.add(models.Topic(slug="climate", name="Climate"))
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    with database.reading() as session:
        assert session.exec(select(models.Topic)).all() == []


def test_insert_new_leaves_what_is_there(database: Database) -> None:
    rows = [{"slug": "climate", "name": "Climate", "description": "", "position": 0}]
    with database.transaction() as session:
        assert insert_new(session.connection(), models.Topic, rows) == 1
        assert insert_new(session.connection(), models.Topic, [{**rows[0], "name": "Other"}]) == 0
        assert session.exec(select(models.Topic.name)).all() == ["Climate"]


@pytest.mark.parametrize("numbers", [[], [3], list(range(2, 5001))])
def test_many_row_numbers_are_one_parameter(database: Database, numbers: list[int]) -> None:
    with database.transaction() as session:
        session.add_all([models.Topic(slug=str(number), name="") for number in range(1, 5)])
        session.flush()
        connection = session.connection()
        chosen = select(models.Topic.id).where(among(col(models.Topic.id))).order_by(col(models.Topic.id))
        expected = [number for number in numbers if number < 5]
        assert connection.execute(chosen, {"ids": numbers}).scalars().all() == expected
        assert connection.execute(chosen, {"ids": ",".join(map(str, numbers))}).scalars().all() == expected
        each = select(each_number().c.value)
        assert connection.execute(each, {"ids": numbers}).scalars().all() == numbers


def test_a_connection_that_broke_in_a_quiet_hour_is_replaced(
    postgresql: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digestmail.store.database._TRUSTED_SECONDS", 0)
    with postgresql.reading() as session:
        number = backend(session)
    terminate(postgresql, number)
    with postgresql.reading() as session:
        assert backend(session) != number


def test_a_connection_that_breaks_in_a_transaction_leaves_nothing(postgresql: Database) -> None:
    def break_half_way() -> None:
        with postgresql.transaction() as session:
            session.add(models.Topic(slug="climate", name="Climate"))
            session.flush()
            terminate(postgresql, backend(session))

    with pytest.raises(OperationalError):
        break_half_way()
    with postgresql.reading() as session:
        assert session.exec(select(models.Topic)).all() == []


@pytest.fixture
def postgresql(request: pytest.FixtureRequest) -> Iterator[Database]:
    server: str = request.getfixturevalue("postgresql_server")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS breaking WITH (FORCE)")
        connection.execute("CREATE DATABASE breaking TEMPLATE migrated")
    database = Database(f"{server.replace('postgresql', 'postgresql+psycopg')}/breaking")
    yield database
    database.engine.dispose()


def backend(session: Session) -> int:
    number: int = session.connection().execute(text("SELECT pg_backend_pid()")).scalar_one()
    return number


def terminate(database: Database, number: int) -> None:
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [number])


def test_a_writer_that_waits_in_vain_fails_as_any_statement_does(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'digestmail.db'}")
    with database.engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("PRAGMA busy_timeout=1")
        with database.transaction() as writer:
            writer.connection()  # has the lock
            with pytest.raises(OperationalError, match="locked"):
                connection.execution_options(writes=True).begin()
    database.engine.dispose()


def test_writers_in_many_threads_wait_for_their_turn(database: Database, now: datetime) -> None:
    def add(number: int) -> None:
        for step in range(10):
            with database.transaction() as session:
                key = f"{number}.{step}@example.org"
                session.add(models.Suppression(email_key=key, reason="test", created_at=now))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert len(session.exec(select(models.Suppression)).all()) == 60
