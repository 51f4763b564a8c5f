"""A prepared statement gives what SQLAlchemy would give, and fails as SQLAlchemy would."""

from contextlib import suppress
from datetime import UTC, date, datetime

import psycopg
import pytest
from sqlalchemy import Connection, Text, bindparam, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import col, select, update

from digestmail.store.columns import Instant
from digestmail.store.database import Database, among
from digestmail.store.models import Subscriber, Topic
from digestmail.store.statements import Statement, run_together
from digestmail.store.states import Standing

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

SUBSCRIBERS = select(
    col(Subscriber.id), col(Subscriber.email), col(Subscriber.next_send_at), col(Subscriber.next_day)
).where(among(col(Subscriber.id)))
RENAME = update(Topic).where(col(Topic.slug) == bindparam("which")).values(name=bindparam("new"))


@pytest.fixture
def ids(database: Database) -> list[int]:
    """Three subscribers; the last has no next slot."""
    with database.transaction() as session:
        rows = [
            Subscriber(email=f"r{number}@example.org", email_key=f"r{number}", created_at=NOON) for number in range(3)
        ]
        for row in rows[:2]:
            row.next_send_at, row.next_day = NOON, date(2026, 11, 23)
        session.add_all(rows)
        session.add(Topic(slug="climate", name="Climate"))
        session.flush()
        return [row.id or 0 for row in rows]


def hung_up(connection: Connection) -> Connection:
    """The same connection, which its PostgreSQL server has ended."""
    number = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    url = connection.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [number])
    return connection


def test_rows_are_those_that_sqlalchemy_gives(database: Database, ids: list[int]) -> None:
    statement = Statement(SUBSCRIBERS)
    with database.writing() as connection:
        for wanted in (ids, ids[:1], []):
            expected = sorted(map(tuple, connection.execute(SUBSCRIBERS, {"ids": wanted}).all()))
            assert sorted(map(tuple, statement.rows(connection, {"ids": wanted}))) == expected


def test_values_are_written_as_sqlalchemy_writes_them(database: Database, ids: list[int]) -> None:
    later = NOON.replace(hour=18)
    move = (
        update(Subscriber)
        .where(among(col(Subscriber.id)))
        .values(
            next_send_at=bindparam("at", type_=Instant), standing=Standing.ACTIVE, source=bindparam("why", type_=Text)
        )
    )
    with database.writing() as connection:
        assert Statement(move).rows(connection, {"ids": ids[1:], "at": later, "why": "here"}) == []
    with database.reading() as session:
        stored = session.exec(select(Subscriber.next_send_at, Subscriber.standing, Subscriber.source)).all()
    assert sorted(map(tuple, stored), key=str) == sorted(
        [(NOON, "pending", ""), (later, "active", "here"), (later, "active", "here")], key=str
    )


def test_it_belongs_to_the_transaction(database: Database, ids: list[int]) -> None:
    rename = Statement(RENAME)
    with suppress(ZeroDivisionError), database.writing() as connection:
        rename.rows(connection, {"which": "climate", "new": "Weather"})
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.exec(select(Topic.name)).one() == "Climate"


def test_an_error_is_one_of_sqlalchemy_and_shows_no_values(database: Database, ids: list[int]) -> None:
    clash = Statement(update(Subscriber).values(email_key=bindparam("key")))
    with pytest.raises(IntegrityError) as caught, database.writing() as connection:
        clash.rows(connection, {"key": "ann@example.org"})
    assert "UPDATE subscribers" in str(caught.value)
    assert "ann@example.org" not in str(caught.value).partition("DETAIL")[0]
    with database.writing() as connection:  # and the connection is as good as new
        assert Statement(RENAME).rows(connection, {"which": "climate", "new": "Weather"}) == []


def test_who_listens_to_the_engine_hears_of_it(database: Database, ids: list[int]) -> None:
    heard: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        heard.append(statement)

    event.listen(database.engine, "before_cursor_execute", listen)
    with database.writing() as connection:
        Statement(RENAME).rows(connection, {"which": "climate", "new": "Weather"})
    assert [statement.split()[:2] for statement in heard] == [["UPDATE", "topics"]]


NAMES = Statement(select(col(Topic.name)))
RENAMED = (Statement(RENAME), {"which": "climate", "new": "Weather"})


def test_statements_run_together_in_their_order(database: Database, ids: list[int]) -> None:
    with database.writing() as connection:
        assert run_together(connection, [RENAMED, (NAMES, {})]) == [("Weather",)]
        assert run_together(connection, [(NAMES, {}), RENAMED]) == []
        assert run_together(connection, []) == []
        assert connection.execute(text("SELECT count(*) FROM topics")).scalar_one() == 1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_fails_undoes_those_that_run_with_it(database: Database, ids: list[int], place: int) -> None:
    clash = Statement(update(Subscriber).values(email_key=bindparam("key")))
    calls = [RENAMED, RENAMED]
    calls.insert(place, (clash, {"key": "ann@example.org"}))
    with pytest.raises(IntegrityError), database.writing() as connection:
        run_together(connection, calls)
    with database.writing() as connection:  # and the connection is as good as new
        assert run_together(connection, [(NAMES, {}), (NAMES, {})]) == [("Climate",)]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("calls", [1, 2])
def test_a_server_that_went_away_costs_one_transaction(database: Database, ids: list[int], calls: int) -> None:
    statement = Statement(SUBSCRIBERS)
    with pytest.raises(OperationalError) as caught, database.writing() as connection:
        run_together(hung_up(connection), [(statement, {"ids": ids})] * calls)
    assert caught.value.connection_invalidated
    with database.writing() as connection:
        assert len(statement.rows(connection, {"ids": ids})) == 3
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
