"""What every test may ask for: a migrated database of each kind, and an instant."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digestmail.store.database import Database
from tests import services
from tests.postgres import EmptyDatabases


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: half of the time of a test is waiting for servers."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture
def now() -> datetime:
    """Some Monday at noon."""
    return datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def postgresql_databases() -> Iterator[EmptyDatabases]:
    """A PostgreSQL server that lends empty databases, with a template of them called `migrated`."""
    with services.postgresql() as url:
        databases = EmptyDatabases(url)
        yield databases
        databases.close()


@pytest.fixture(scope="session")
def postgresql_server(postgresql_databases: EmptyDatabases) -> str:
    """The URL of that server, without a database's name."""
    return postgresql_databases.server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.engine.dispose()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated, empty database, once of each kind."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        path = tmp_path / "digestmail.db"
        path.write_bytes(template.read_bytes())
        database = Database(f"sqlite:///{path}")
        yield database
        database.engine.dispose()
    else:
        databases: EmptyDatabases = request.getfixturevalue("postgresql_databases")
        with databases.lent() as database:
            yield database


@pytest.fixture
def database_url(database: Database) -> str:
    """Its URL."""
    return database.url.render_as_string(hide_password=False)
