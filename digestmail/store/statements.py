"""Statements of the hot path: built and compiled once by SQLAlchemy, and run by the driver itself.

A wave takes a handful of statements, hundreds of times a second. SQLAlchemy takes some 60 µs to run one that SQLite has
done in 10, so what is the same each time is done once: the text, the order of the parameters, and how the values of
each column are read.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter, methodcaller
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Select, Update
from sqlalchemy.exc import DBAPIError

_Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as one dialect's driver takes it."""

    text: str
    order: list[str] | None
    """The names of the parameters in their order; None where the driver takes them by name."""
    always: dict[str, Any]
    """The parameters that stand in the statement itself."""
    writers: dict[str, _Convert]
    """What makes the driver's values of ours, by the parameter's name."""
    readers: tuple[tuple[int, _Convert], ...]
    """What makes our values of the driver's, by the column's place."""


class Statement:
    """A statement and its forms for the databases that it was run on."""

    def __init__(self, statement: Select[Any] | Update | Delete) -> None:
        self._statement = statement
        self._prepared: dict[str, _Prepared] = {}

    def rows(self, connection: Connection, values: dict[str, Any]) -> list[Sequence[Any]]:
        """Run it in the connection's transaction, which must have begun; the rows that it gives."""
        rows: list[Any] = self._execute(connection, values, methodcaller("fetchall"))
        if readers := self._prepared[connection.dialect.name].readers:
            rows = list(map(list, rows))
            for row in rows:
                for place, read in readers:
                    row[place] = read(row[place])
        return rows

    def run(self, connection: Connection, values: dict[str, Any]) -> int:
        """The same for one that gives no rows; how many it changed."""
        changed: int = self._execute(connection, values, attrgetter("rowcount"))
        return changed

    def _execute(self, connection: Connection, values: dict[str, Any], take: Callable[[Any], Any]) -> Any:
        """What is taken of the driver's cursor; while rows are fetched it may fail as well."""
        dialect = connection.dialect
        prepared = self._prepared.get(dialect.name) or self._prepare(dialect)
        given = prepared.always | values
        for name, write in prepared.writers.items():
            given[name] = write(given[name])
        parameters: Any = given if prepared.order is None else [given[name] for name in prepared.order]
        for notice in connection.dispatch.before_cursor_execute:
            notice(connection, None, prepared.text, parameters, None, False)
        driver: Any = connection.connection.dbapi_connection
        try:
            return take(driver.execute(prepared.text, parameters))
        except dialect.loaded_dbapi.Error as error:
            gone = dialect.is_disconnect(error, driver, None)
            if gone:
                connection.invalidate(error)
            raise DBAPIError.instance(
                prepared.text,
                None,
                error,
                dialect.loaded_dbapi.Error,
                hide_parameters=True,
                connection_invalidated=gone,
                dialect=dialect,
            ) from error

    def _prepare(self, dialect: Dialect) -> _Prepared:
        compiled: Any = self._statement.compile(dialect=dialect)
        writers = {
            name: write
            for name, bind in compiled.binds.items()
            if (write := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        readers = tuple(
            (place, read)
            for place, column in enumerate(self._statement.exported_columns)
            if (read := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        )
        prepared = _Prepared(compiled.string, compiled.positiontup, dict(compiled.params), writers, readers)
        return self._prepared.setdefault(dialect.name, prepared)
