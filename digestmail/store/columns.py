"""Columns that are the same on SQLite and PostgreSQL: instants, row numbers, and lists of row numbers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    BindParameter,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    Text,
    TypeDecorator,
    bindparam,
    text,
)
from sqlmodel import Field

BigId = BigInteger().with_variant(Integer, "sqlite")

NEVER_AGAIN = {"sqlite_autoincrement": True}
"""SQLite would give the number of a deleted row to the next one, and old links and Message-IDs name rows by number."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime, also on SQLite, which keeps text without a zone that sorts as time does."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a time zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back aware UTC."""
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], datetime | None] | None:
        """SQLite's text is read here, and the same text once: the rows of a slot share their instants."""
        return _read if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


@lru_cache(maxsize=1024)
def _read(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


class RowNumbers(TypeDecorator[Sequence[int]]):
    """Any number of row numbers as one parameter, so that a statement's text is the same for each number of them.

    See `digestmail.store.database.among`, which makes numbers of them again. A string is taken for a list that the
    database joined with commas.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[int] | str | None, dialect: Dialect) -> str | None:
        """A JSON array for SQLite, an array literal for PostgreSQL."""
        if value is None:
            return None
        numbers = value if isinstance(value, str) else ",".join(map(str, value))
        return f"[{numbers}]" if dialect.name == "sqlite" else f"{{{numbers}}}"


def instant_parameter(name: str) -> BindParameter[datetime]:
    """An instant that a statement is given."""
    return bindparam(name, type_=Instant)


NOW = instant_parameter("now")


def primary_key() -> Any:
    """A table's row numbers."""
    return Field(default=None, primary_key=True, sa_type=BigId)


def reference(
    column: str,
    *,
    primary_key: bool = False,
    index: bool = False,
    nullable: bool = False,
    on_delete: Literal["CASCADE", "SET NULL"] | None = "CASCADE",
) -> Any:
    """The row number of another table's row. `on_delete` says what becomes of this one when that is deleted."""
    return Field(
        default=None if nullable else ...,
        sa_type=BigId,
        sa_column_args=[ForeignKey(column, ondelete=on_delete)],
        primary_key=primary_key,
        index=index,
        nullable=nullable,
    )


def index_where(name: str, *columns: str, where: str) -> Index:
    """An index of some rows only. Statements that are to use it say the condition in these words, with no parameter."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


def instant(*, nullable: bool = False, index: bool = False) -> Any:
    """A column of instants."""
    return Field(default=None if nullable else ..., sa_type=Instant, nullable=nullable, index=index)
