"""Seeds a publication: topics whose popularity falls off, a day's stories, and subscribers, by the fastest way in.

Everybody is active. Those who are to be due share one `next_send_at`, far enough ahead that nobody is planned before
`come` moves it to the slot; the others' lie all over the day behind it.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, islice
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from sqlalchemy import Table, text
from sqlmodel import SQLModel, col, update

from digestmail.store.database import Database
from digestmail.store.models import Item, ItemTopic, Subscriber, Topic
from digestmail.store.states import Standing
from tests.bench.options import Options, is_due
from tests.bench.texts import texts, topic_names

OnRows = Callable[[int], None]
"""Told after each bite how many subscribers are there."""

_HOW_MANY = {1: 5, 2: 17, 3: 24, 4: 21, 5: 15, 6: 9, 7: 3, 8: 2, 12: 1, 15: 1, 10_000: 2}
"""Weights: most take two to six topics, a few take all."""
_PLACES = {1: 70, 2: 22, 3: 8}
"""Weights: in how many topics a story is."""
_ZONES = ("UTC", "Europe/London", "Europe/Berlin", "Europe/Helsinki")
_WINDOW = timedelta(days=1)
_BITE = 20_000


@dataclass(frozen=True, slots=True)
class Seeded:
    """What came to be. `waits_until` is the `next_send_at` of those who are to be due."""

    since_at: datetime
    waits_until: datetime
    topic_sets: int
    """How many different choices of topics the readers made."""


def seed(database: Database, options: Options, *, now: datetime, on_rows: OnRows) -> Seeded:
    """Fill the migrated, empty database."""
    chance = random.Random(options.seed)
    since_at, waits_until = now - _WINDOW, now + _WINDOW
    _stories(database, options, chance, since_at=since_at, now=now)
    load = _sqlite if database.is_sqlite else _postgresql
    sets: set[tuple[int, ...]] = set()
    load(database, options, chance, pattern=_pattern(now, waits_until), sets=sets, on_rows=on_rows)
    return Seeded(since_at, waits_until, len(sets))


def come(database: Database, *, waits_until: datetime, slot_at: datetime) -> None:
    """Let the slot of those who are to be due be `slot_at`, and put the database in order, as after a quiet day."""
    with database.transaction() as session:
        session.connection().execute(
            update(Subscriber)
            .where(col(Subscriber.next_send_at) == waits_until)
            .values(next_send_at=slot_at, next_day=slot_at.date())
        )
    put_in_order(database)


def put_in_order(database: Database) -> None:
    """Nothing left over to be written during the measure; and PostgreSQL's statistics, which it makes by itself."""
    orders = ("PRAGMA wal_checkpoint(TRUNCATE)",) if database.is_sqlite else ("VACUUM ANALYZE", "CHECKPOINT")
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw: Any = connection.connection.dbapi_connection
        for order in orders:
            try:
                raw.execute(order)
            except psycopg.errors.InsufficientPrivilege:  # a database of somebody else's: CHECKPOINT is not for us
                continue


def topic_set(chance: random.Random, topics: int, cumulative: list[float]) -> tuple[int, ...]:
    """One reader's choice: topic ids from 1, sorted."""
    [count] = chance.choices(_COUNTS, cum_weights=_COUNT_WEIGHTS)
    if count >= topics:
        return tuple(range(1, topics + 1))
    chosen = set(chance.choices(range(1, topics + 1), cum_weights=cumulative, k=count))
    while len(chosen) < count:
        chosen.update(chance.choices(range(1, topics + 1), cum_weights=cumulative))
    return tuple(sorted(chosen))


def popularity(topics: int) -> list[float]:
    """Cumulative weights of the topics; the first is the best liked."""
    return list(accumulate((rank + 2) ** -0.5 for rank in range(topics)))


_COUNTS = list(_HOW_MANY)
_COUNT_WEIGHTS = list(accumulate(_HOW_MANY.values()))


def _stories(database: Database, options: Options, chance: random.Random, *, since_at: datetime, now: datetime) -> None:
    with database.transaction() as session:
        topics = [
            Topic(slug=f"topic-{number}", name=name, position=number)
            for number, name in enumerate(topic_names(options.topics), start=1)
        ]
        session.add_all(topics)
        session.flush()
        for number, story in enumerate(texts(chance, options.items)):
            seen_at = since_at + (now - since_at) * (number + 1) / (options.items + 2)
            item = Item(
                title=story.title,
                excerpt=story.excerpt,
                source=story.source,
                author=story.author,
                url=story.url,
                image_url=story.image_url,
                link_key=story.url,
                published_at=seen_at,
                seen_at=seen_at,
            )
            session.add(item)
            session.flush()
            [count] = chance.choices(list(_PLACES), list(_PLACES.values()))
            first = number % options.topics  # each topic has its share
            others = chance.sample(range(options.topics), min(count, options.topics))
            places = list(dict.fromkeys([first, *others]))[:count]
            session.add_all(
                ItemTopic(item_id=item.id or 0, topic_id=topics[place].id or 0, seen_at=seen_at) for place in places
            )


def _pattern(now: datetime, waits_until: datetime) -> dict[str, Any]:
    """A subscriber with everything that is the same for all; the model gives what is not named."""
    return Subscriber(
        email="",
        email_key="",
        standing=Standing.ACTIVE,
        source="bench",
        created_at=now - 30 * _WINDOW,
        confirmed_at=now - 30 * _WINDOW,
        next_send_at=waits_until,
        next_day=waits_until.date(),
        window_start_at=now - _WINDOW,
    ).model_dump()


_OWN = ("id", "email", "email_key", "time_zone", "hour", "next_send_at")


def _rows(options: Options, chance: random.Random, pattern: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """The columns `_OWN` of every subscriber."""
    due_at: datetime = pattern["next_send_at"]
    later = [due_at + timedelta(minutes=minute) for minute in range(60, 24 * 60)]
    hours = {zone: due_at.astimezone(ZoneInfo(zone)).hour for zone in _ZONES}
    for number in range(1, options.total + 1):
        email = f"reader{number:07}@mail{number % 20}.example"
        zone = _ZONES[number % len(_ZONES)]
        due = is_due(number, due=options.subscribers, total=options.total)
        yield number, email, email, zone, hours[zone], due_at if due else chance.choice(later)


def _sets(
    chance: random.Random, first: int, count: int, topics: int, sets: set[tuple[int, ...]]
) -> Iterator[tuple[int, int]]:
    cumulative = popularity(topics)
    for number in range(first, first + count):
        chosen = topic_set(chance, topics, cumulative)
        sets.add(chosen)
        for topic in chosen:
            yield number, topic


def _sqlite(
    database: Database,
    options: Options,
    chance: random.Random,
    *,
    pattern: dict[str, Any],
    sets: set[tuple[int, ...]],
    on_rows: OnRows,
) -> None:
    raw_connection = database.engine.raw_connection()
    raw: Any = raw_connection.dbapi_connection
    raw.execute("PRAGMA foreign_keys=OFF")  # the rows refer to what is there
    raw.execute("BEGIN IMMEDIATE")
    table = _table(Subscriber)
    common = [name for name in pattern if name not in _OWN]
    stored = [_stored(database, table, name, pattern[name]) for name in common]
    as_stored: dict[Any, Any] = {}
    into = f"INSERT INTO subscribers ({', '.join((*_OWN, *common))}) VALUES ({'?,' * len(_OWN)}{_marks(len(common))})"

    def complete(row: tuple[Any, ...]) -> tuple[Any, ...]:
        at = row[-1]
        if at not in as_stored:
            as_stored[at] = _stored(database, table, "next_send_at", at)
        return (*row[:-1], as_stored[at], *stored)

    rows = _rows(options, chance, pattern)
    for first in range(1, options.total + 1, _BITE):
        count = min(_BITE, options.total + 1 - first)
        raw.executemany(into, map(complete, islice(rows, count)))
        raw.executemany(
            "INSERT INTO subscriptions (subscriber_id, topic_id) VALUES (?, ?)",
            _sets(chance, first, count, options.topics, sets),
        )
        on_rows(first + count - 1)
    raw.execute("COMMIT")
    raw_connection.invalidate()  # not back into the pool without its foreign keys
    put_in_order(database)


def _postgresql(
    database: Database,
    options: Options,
    chance: random.Random,
    *,
    pattern: dict[str, Any],
    sets: set[tuple[int, ...]],
    on_rows: OnRows,
) -> None:
    common = [name for name in pattern if name not in _OWN]
    values = [pattern[name] for name in common]
    with psycopg.connect(database.url.set(drivername="postgresql").render_as_string(hide_password=False)) as raw:
        try:
            with raw.transaction():
                raw.execute("SET session_replication_role = replica")  # the rows refer to what is there
        except psycopg.errors.InsufficientPrivilege:
            pass  # then each reference is looked up, which takes longer
        rows = _rows(options, chance, pattern)
        with raw.cursor() as cursor:
            for first in range(1, options.total + 1, _BITE):
                count = min(_BITE, options.total + 1 - first)
                with cursor.copy(f"COPY subscribers ({', '.join((*_OWN, *common))}) FROM STDIN") as copy:
                    for row in islice(rows, count):
                        copy.write_row((*row, *values))
                with cursor.copy("COPY subscriptions (subscriber_id, topic_id) FROM STDIN") as copy:
                    for pair in _sets(chance, first, count, options.topics, sets):
                        copy.write_row(pair)
                on_rows(first + count - 1)
    with database.transaction() as session:
        session.connection().execute(
            text("SELECT setval(pg_get_serial_sequence('subscribers', 'id'), :last)"), {"last": options.total}
        )
    put_in_order(database)


def _table(model: type[SQLModel]) -> Table:
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    return table


def _stored(database: Database, table: Table, column: str, value: Any) -> Any:
    """A value as the driver takes it."""
    dialect = database.engine.dialect
    process = table.c[column].type.dialect_impl(dialect).bind_processor(dialect)
    return process(value) if process else value


def _marks(count: int) -> str:
    return ",".join("?" * count)
