"""A database of an earlier version keeps what it holds, and its open deliveries go on."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import alembic.command
import alembic.config
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text
from sqlmodel import SQLModel, col, select

from digestmail import store
from digestmail.deliveries.accounts import editions_that_differ
from digestmail.feeds.naming import searchable
from digestmail.store.database import Database
from digestmail.store.models import Claim, Delivery, Edition, Item, Subscriber
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, State

SLOT = datetime(2026, 11, 23, 6, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    url = f"sqlite:///{tmp_path / 'digestmail.db'}"
    if request.param == "postgresql":
        server: str = request.getfixturevalue("postgresql_server")
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute("DROP DATABASE IF EXISTS earlier")
            connection.execute("CREATE DATABASE earlier")
        url = f"{server.replace('postgresql', 'postgresql+psycopg')}/earlier"
    database = Database(url)
    yield database
    database.engine.dispose()


def make_the_first_version(database: Database) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(Path(store.__file__).parent / "migrations"))
    with database.engine.connect().execution_options(writes=True) as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
        connection.commit()


def fill_the_first_version(database: Database) -> None:
    at = "'2026-11-23 06:00:00.000000'" if database.is_sqlite else "'2026-11-23 06:00:00+00'"
    late = at.replace("06:00:00", "08:00:00")
    with database.transaction() as session:
        execute = session.connection().exec_driver_sql
        execute(f"INSERT INTO editions VALUES (1, 'digest', {at}, {at}, {at}, '{{}}')")
        for number, confirmed_at in ((1, at), (2, "NULL")):
            execute(
                f"INSERT INTO subscribers VALUES ({number}, 'r{number}@example.org', 'r{number}@example.org', 'active',"
                f" 'UTC', 7, 127, 'en', '', {at}, {confirmed_at}, NULL, {at}, '2026-11-23', {at})"
            )
        rows = [
            ("digest", 1, "2026-11-22", "sent", "NULL", at),
            ("digest", 1, "2026-11-23", "dotted", "'abc'", at),
            ("digest", 2, "2026-11-23", "claimed", "'abc'", at),
            ("welcome", 1, "2026-11-23", "sent", "NULL", at),
            ("confirmation", 1, "2026-11-23", "sent", "NULL", at),
            ("confirmation", 1, "2026-11-23", "sent", "NULL", late),
            ("confirmation", 2, "2026-11-23", "due", "NULL", at),
            ("confirmation", 2, "2026-11-23", "due", "NULL", at),
            ("digest", 2, "2026-11-20", "sent", "NULL", at),
        ]
        for number, (kind, subscriber, day, state, claim, created_at) in enumerate(rows, start=1):
            execute(
                "INSERT INTO deliveries VALUES"
                f" ({number}, '{kind}', {subscriber}, '{day}', {at}, {1 if kind == 'digest' else 'NULL'}, 2, '{state}',"
                f" {at}, 1, {claim}, {claim}, {at if claim != 'NULL' else 'NULL'},"
                f" {at if state == 'sent' else 'NULL'}, NULL, {created_at})"
            )
        execute("DELETE FROM deliveries WHERE id = 9")
        execute(
            "INSERT INTO items (id, url, link_key, title, excerpt, author, source, image_url, published_at, seen_at)"
            f" VALUES (1, 'https://example.org/1', 'example.org/1', 'L’Élection', 'À Łódź', 'Zoë', '', '', {at}, {at})"
        )
        if not database.is_sqlite:
            execute("SELECT setval('deliveries_id_seq', 9)")


def test_the_newest_version_keeps_the_ledger_and_lets_open_rows_go_on(empty: Database) -> None:
    make_the_first_version(empty)
    fill_the_first_version(empty)
    empty.migrate()
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
    with empty.reading() as session:
        rows = session.exec(select(Delivery).order_by(col(Delivery.id))).all()
        assert [(row.id, row.state) for row in rows] == [
            (1, State.SENT),
            (2, State.DEFERRED),
            (3, State.DUE),
            (4, State.SENT),
            (5, State.SENT),
            (6, State.SENT),
            (7, State.DUE),
            (8, State.DUE),
        ]
        days = [date(2026, 11, 22), date(2026, 11, 23), date(2026, 11, 23), *[None] * 5]
        assert [row.scheduled_day for row in rows] == days
        assert [row.reason for row in rows] == [None, "in doubt after a crash: sent again", *[None] * 6]
        assert {row.claim_id for row in rows} == {None}
        assert {(row.slot_at, row.attempts) for row in rows} == {(SLOT, 1)}
        assert session.exec(select(Subscriber.confirmations).order_by(col(Subscriber.id))).all() == [1, 2]
        assert session.exec(select(Claim)).all() == []
        assert session.exec(select(Edition.planned)).all() == [3]
        assert editions_that_differ(session.connection()) == []
        item = session.exec(select(Item)).one()
        assert item.search_text == searchable(item.title, item.excerpt, item.author, item.source)


def test_numbers_of_deliveries_are_not_given_again_by_the_second_version(empty: Database) -> None:
    make_the_first_version(empty)
    fill_the_first_version(empty)
    empty.migrate()
    with empty.transaction() as session:
        ask_for(session, Kind.WELCOME, 1, now=SLOT)
        session.flush()
        assert session.connection().scalar(text("SELECT max(id) FROM deliveries")) == 10


def test_an_empty_first_version_becomes_the_newest(empty: Database) -> None:
    make_the_first_version(empty)
    empty.migrate()
    with empty.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), SQLModel.metadata) == []
