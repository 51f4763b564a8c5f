"""Column types that are the same on SQLite and PostgreSQL: instants, row numbers, and lists of row numbers."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text, TypeDecorator

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
