"""Statements of the hot path: built and compiled once by SQLAlchemy, and run by the driver itself.

A wave takes a handful of statements, hundreds of times a second. SQLAlchemy takes some 60 µs to run one that SQLite has
done in 10, so what is the same each time is done once: the text, the order of the parameters, and how the values of
each column are read.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
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
    gives_rows: bool

    def parameters(self, values: dict[str, Any]) -> Any:
        """Our values as the driver takes them."""
        given = self.always | values
        for name, write in self.writers.items():
            given[name] = write(given[name])
        return given if self.order is None else [given[name] for name in self.order]

    def rows(self, cursor: Any) -> list[Sequence[Any]]:
        """The rows of the driver's cursor, with our values."""
        rows: list[Any] = cursor.fetchall() if self.gives_rows else []
        if self.readers:
            rows = list(map(list, rows))
            for row in rows:
                for place, read in self.readers:
                    row[place] = read(row[place])
        return rows


class Statement:
    """A statement and its forms for the databases that it was run on."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Update | Delete) -> None:
        self._statement = statement
        self._prepared: dict[str, _Prepared] = {}

    def rows(self, connection: Connection, values: dict[str, Any]) -> list[Sequence[Any]]:
        """Run it in the connection's transaction, which must have begun; the rows that it gives, if any."""
        return run_together(connection, [(self, values)])

    def prepared(self, dialect: Dialect) -> _Prepared:
        """Its form for a kind of database."""
        return self._prepared.get(dialect.name) or self._prepare(dialect)

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
        prepared = _Prepared(
            compiled.string,
            compiled.positiontup,
            dict(compiled.params),
            writers,
            readers,
            gives_rows=bool(self._statement.exported_columns),
        )
        return self._prepared.setdefault(dialect.name, prepared)


Call = tuple[Statement, dict[str, Any]]
"""A statement and its values."""


def run_together(connection: Connection, calls: Sequence[Call]) -> list[Sequence[Any]]:
    """Run statements in their order in the connection's transaction, which must have begun; the rows of the last.

    PostgreSQL gets several in one trip, which takes it as long as a wave's statement does.
    """
    dialect = connection.dialect
    driver: Any = connection.connection.dbapi_connection
    prepared = [(statement.prepared(dialect), values) for statement, values in calls]
    try:
        with driver.pipeline() if len(calls) > 1 and dialect.name == "postgresql" else nullcontext():
            for form, values in prepared:
                parameters = form.parameters(values)
                for notice in connection.dispatch.before_cursor_execute:
                    notice(connection, None, form.text, parameters, None, False)
                cursor = driver.execute(form.text, parameters)
        return form.rows(cursor) if calls else []
    except dialect.loaded_dbapi.Error as error:
        gone = dialect.is_disconnect(error, driver, None)
        if gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            "; ".join(form.text for form, _ in prepared),
            None,
            error,
            dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=gone,
            dialect=dialect,
        ) from error
