"""All processes go by the database's clock, whatever their own machine's shows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from digestmail.store import shared_clock as module
from digestmail.store.database import Database, present
from digestmail.store.shared_clock import shared_clock


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock is an hour behind."""
    monkeypatch.setattr(module, "system_clock", lambda: datetime.now(UTC) - timedelta(hours=1))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("wrong")
def test_it_shows_what_the_server_shows(database: Database) -> None:
    clock = shared_clock(database)
    with database.reading() as session:
        assert abs(clock() - present(session.connection())) < timedelta(seconds=1)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("wrong")
def test_it_goes_on_while_the_server_is_away(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = shared_clock(database)
    before = clock()

    def away(*_: object) -> datetime:
        raise OperationalError("SELECT", None, ConnectionError())

    monkeypatch.setattr(module, "present", away)
    monkeypatch.setattr(module, "_TRUSTED_SECONDS", -1.0)
    later = clock()
    assert timedelta() <= later - before < timedelta(seconds=5)
    assert clock() >= later


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("wrong")
def test_until_the_server_was_reached_it_is_the_machines(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> datetime:
        raise OperationalError("SELECT", None, ConnectionError())

    monkeypatch.setattr(module, "present", away)
    assert datetime.now(UTC) - shared_clock(database)() > timedelta(minutes=59)
