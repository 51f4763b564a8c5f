"""The tables are what the migrations make, and writers wait for each other."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import StatementError
from sqlmodel import SQLModel, select

from digestmail.store import models
from digestmail.store.database import Database, insert_new


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
        assert insert_new(session, models.Topic, rows) == 1
        assert insert_new(session, models.Topic, [{**rows[0], "name": "Other"}]) == 0
        assert session.exec(select(models.Topic.name)).all() == ["Climate"]


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
