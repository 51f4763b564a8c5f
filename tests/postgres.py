"""Lends a migrated, empty PostgreSQL database: wiped after each test, or copied anew where a wipe is not enough.

A copy, a new engine and its compiled statements take 100 ms, and several hundred tests ask for one.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from digestmail.store.database import Database

_MUCH = 1 << 20
"""Octets above those of an empty database: what is deleted stays on its pages, and makes later tests slower."""

_STATE = """
SELECT (SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_statistic JOIN pg_class ON pg_class.oid = starelid
        WHERE relnamespace = 'public'::regnamespace),
       (SELECT string_agg(version_num, ' ') FROM alembic_version)
"""
"""What a test may have changed besides rows: tables and indexes, what the planner knows of them, and their version."""

_WIPE = """
SET LOCAL lock_timeout = '1s';
SET LOCAL session_replication_role = replica;
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT oid::regclass FROM pg_class
      WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' LOOP
    EXECUTE 'DELETE FROM ' || name;
  END LOOP;
  PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace;
END $$
"""


class EmptyDatabases:
    """Lends one database at a time."""

    def __init__(self, server: str) -> None:
        """Make the template `migrated`. `server` is the server's URL, without a database's name."""
        self.server = server
        self._admin = psycopg.connect(f"{server}/postgres", autocommit=True)
        self._admin.execute("CREATE DATABASE migrated")
        database = self._opened("migrated")
        database.migrate()
        database.engine.dispose()
        # Copying files is the quicker way here, and the only one before PostgreSQL 15.
        self._strategy = "STRATEGY FILE_COPY" if self._admin.info.server_version >= 150000 else ""
        self._numbers = itertools.count(1)
        self._make()

    def close(self) -> None:
        """Part from the server, and leave the database there: it goes with the server."""
        self._wiper.close()
        self.database.engine.dispose()
        self._admin.close()

    @contextmanager
    def lent(self) -> Iterator[Database]:
        """A migrated, empty database."""
        yield self.database
        try:
            if not self._is_fit():
                raise psycopg.DataError
            self._wiper.execute(_WIPE)
        except psycopg.Error:
            self._wiper.close()
            self.database.engine.dispose()
            self._admin.execute(f"DROP DATABASE {self._name} WITH (FORCE)")
            self._make()

    def _make(self) -> None:
        self._name = f"test_{next(self._numbers)}"
        self._admin.execute(f"CREATE DATABASE {self._name} TEMPLATE migrated {self._strategy}")
        self.database = self._opened(self._name)
        self._wiper = psycopg.connect(f"{self.server}/{self._name}", autocommit=True)
        self._state, self._octets = self._look()

    def _is_fit(self) -> bool:
        """Whether it is as it was but for some rows, and nobody else is connected."""
        state, octets = self._look()
        others = self._wiper.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND state <> 'idle'"
            " AND pid <> pg_backend_pid()",
            [self._name],
        ).fetchall()
        return state == self._state and octets - self._octets < _MUCH and not others

    def _look(self) -> tuple[object, int]:
        state = self._wiper.execute(_STATE).fetchone()
        [octets] = self._wiper.execute("SELECT pg_database_size(%s)", [self._name]).fetchone() or (0,)
        return state, octets

    def _opened(self, name: str) -> Database:
        return Database(f"{self.server.replace('postgresql', 'postgresql+psycopg')}/{name}")
