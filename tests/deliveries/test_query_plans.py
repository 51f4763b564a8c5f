"""The statements of the hot path go by the indexes that were made for them, on both databases.

They are caught as the functions execute them. Each is explained: on PostgreSQL with sequential scans made dear, so
that one shows only where no index would do, and on SQLite without statistics, as it runs everywhere.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, insert, text

from digestmail.clock import standing_still
from digestmail.deliveries import ledger, plan, retention
from digestmail.deliveries.again import ask_again
from digestmail.deliveries.copies import originals
from digestmail.deliveries.outcome import Outcome, Result
from digestmail.deliveries.owner import this_process
from digestmail.desk.figures import figures
from digestmail.editions.content import Content
from digestmail.settings import CATCH_UP
from digestmail.store.database import Database
from digestmail.store.models import Announcement, Edition, Subscriber
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind
from digestmail.subscribers import next_digest
from tests.deliveries.conftest import SLOT, statements

DAY = timedelta(days=1)
NOW = SLOT + DAY
TABLES = ("deliveries", "subscribers")

OF_SOME_ROWS = ("ix_deliveries_waiting", "ix_deliveries_claimed", "ix_deliveries_suspect", "ix_deliveries_aside")
"""Indexes that may be walked as a whole: they have the open rows only."""


@dataclass(frozen=True, slots=True)
class Step:
    """One access to a table in a plan; `index` is "" for the whole table, `sought` false for a whole index."""

    table: str
    index: str
    sought: bool


@pytest.fixture
def filled(database: Database) -> Database:
    """4,000 readers with a history of three days each; 200 digests wait from yesterday, and all are due today."""
    series = "generate_series(1, {n}) AS s(n)"
    if database.is_sqlite:
        series = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {n}) SELECT n FROM s)"
    at = {"slot": SLOT, "now": NOW, "before": SLOT - DAY}
    if database.is_sqlite:
        at = {name: value.strftime("%Y-%m-%d %H:%M:%S.000000") for name, value in at.items()}
    with database.transaction() as session:
        connection = session.connection()

        def fill(statement: str) -> None:
            connection.execute(text(statement), {name: at[name] for name in at if f":{name}" in statement})

        readers = series.format(n=4000)
        fill(
            "INSERT INTO editions (kind, since_at, slot_at, cutoff_at, content)"
            " VALUES ('digest', :before, :slot, :slot, '{}')"
        )
        fill(
            "INSERT INTO subscribers (email, email_key, standing, time_zone, hour, days, locale, source, created_at,"
            " next_send_at, next_day, window_start_at)"
            " SELECT 'r' || n, 'r' || n, 'active', 'UTC', 12, 127, 'en', '', :slot, :now, '2026-11-24', :slot"
            f" FROM {readers}"
        )
        for day in (21, 22, 23):
            state = "CASE WHEN n <= 200 THEN 'due' ELSE 'sent' END" if day == 23 else "'sent'"
            fill(
                "INSERT INTO deliveries (kind, subscriber_id, scheduled_day, slot_at, edition_id, priority, state,"
                " due_at, attempts, settled_at, created_at)"
                f" SELECT 'digest', n, '2026-11-{day}', :slot, 1, 2, {state}, :slot, 0, :slot, :slot FROM {readers}"
            )
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE"))
    return database


@contextmanager
def explained(database: Database, *, naming: str = "", tables: tuple[str, ...] = TABLES) -> Iterator[list[list[Step]]]:
    """How each statement that names one of the tables, and what is asked for, goes through them."""
    plans: list[list[Step]] = []
    with statements(database) as caught:
        yield plans
    for statement, parameters in caught:
        if naming not in statement or statement.startswith("INSERT"):
            continue
        steps = list((_on_sqlite if database.is_sqlite else _on_postgresql)(database, statement, parameters, tables))
        if steps:
            plans.append(steps)


def _on_sqlite(database: Database, statement: str, parameters: Any, tables: tuple[str, ...]) -> Iterator[Step]:
    connection: Any = database.engine.raw_connection()
    try:
        for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall():
            words = detail.split()
            table = words[1].removesuffix("_1")  # the second time in the same statement
            if words[0] in ("SCAN", "SEARCH") and table in tables:
                index = words[words.index("INDEX") + 1] if "INDEX" in words else ""
                key = "primary key" if "PRIMARY" in words else index
                yield Step(table, key, sought=words[0] == "SEARCH")
    finally:
        connection.close()


def _on_postgresql(database: Database, statement: str, parameters: Any, tables: tuple[str, ...]) -> Iterator[Step]:
    if not any(table in statement for table in tables):
        return
    url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_bitmapscan = off")
        [row] = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchall()
    nodes = [row[0][0]["Plan"]]
    while nodes:
        node = nodes.pop()
        nodes.extend(node.get("Plans", ()))
        if node["Node Type"].endswith("Scan") and node.get("Relation Name") in tables:
            index = node.get("Index Name", "")
            key = "primary key" if index.endswith("_pkey") else index
            yield Step(node["Relation Name"], key, sought="Index Cond" in node)


def take(connection: Connection, limit: int = 50) -> tuple[int, list[int]]:
    ours = ledger.open_claim(connection, owner=this_process())
    return ours, [row.id for row in ledger.claim(connection, ours, now=NOW, limit=limit)]


def settle(connection: Connection, ours: int, ids: list[int]) -> None:
    outcomes = (
        Outcome(Result.SENT),
        Outcome(Result.LATER, "450", due_at=NOW),
        Outcome(Result.EXPIRED, "450"),
        Outcome(Result.FAILED, "550 5.1.1", dead_address=True),
    )
    ledger.settle(connection, [ledger.Ended(ours, *each) for each in zip(ids, outcomes, strict=False)], now=NOW)


BY_ID = {("deliveries", "primary key"), ("subscribers", "primary key")}
OF_A_CLAIM = {("deliveries", "ix_deliveries_claimed")}
OF_WHAT_IS_DUE = {("deliveries", "ix_deliveries_waiting")}
OF_A_READER = {("deliveries", "uq_deliveries_digest")}
OF_A_SLOT = {("subscribers", "ix_subscribers_due")}


def check(plans: list[list[Step]], expected: set[tuple[str, str]], *, walked: tuple[str, ...] = ()) -> None:
    """No table is gone through as a whole, nor an index but the small ones and `walked`."""
    steps = [step for each in plans for step in each]
    assert {(step.table, step.index) for step in steps} == expected, plans
    assert [step for step in steps if not step.sought and step.index not in (*OF_SOME_ROWS, *walked)] == [], plans


def test_a_claim_takes_the_due_in_their_order(filled: Database) -> None:
    with filled.writing() as connection, explained(filled) as plans:
        take(connection)
    check(plans, OF_WHAT_IS_DUE | BY_ID)


def test_what_readers_do_not_get_is_found_by_their_own_rows(filled: Database) -> None:
    with filled.writing() as connection:
        values = {"title": "Give", "starts_at": SLOT - DAY, "ends_at": NOW + DAY, "most_times": 9, "season": "year-end"}
        connection.execute(insert(Announcement).values(values))
        with explained(filled, tables=(*TABLES, "announcements", "gifts")) as plans:
            take(connection)
    of_gifts = ("gifts", "sqlite_autoindex_gifts_1" if filled.is_sqlite else "primary key")
    check(plans, OF_WHAT_IS_DUE | BY_ID | OF_A_READER | {("announcements", "primary key"), of_gifts})


def test_a_wave_is_marked_and_settled_by_its_ids(filled: Database) -> None:
    with filled.writing() as connection:
        ours, ids = take(connection)
        with explained(filled) as plans:
            assert ledger.mark(connection, ours, ids[:32], now=NOW) == set(ids[:32])
            settle(connection, ours, ids)
    check(plans, BY_ID)


def test_what_a_claim_holds_is_found(filled: Database) -> None:
    with filled.writing() as connection:
        ours, _ = take(connection)
        with explained(filled) as plans:
            ledger.give_back(connection, ours)
            ledger.close_claim(connection, ours)
            ledger.reap(connection)
    check(plans, OF_A_CLAIM)


def test_what_is_due_for_too_long_is_found_among_the_due(filled: Database) -> None:
    with filled.writing() as connection, explained(filled) as plans:
        assert ledger.expire(connection, now=NOW + DAY, catch_up=CATCH_UP) == 200
    check(plans, OF_WHAT_IS_DUE | {("subscribers", "primary key")})


def test_planning_goes_by_the_slot_and_by_ids(filled: Database) -> None:
    with explained(filled) as plans:
        assert plan.plan_some(filled, standing_still(NOW))
    # Yesterday's digests are due still, so each reader of the chunk is looked up for one.
    check(plans, OF_A_SLOT | OF_WHAT_IS_DUE | OF_A_READER | {("subscribers", "primary key")})


def test_planning_looks_for_no_older_digests_where_none_waits(filled: Database) -> None:
    with filled.writing() as connection:
        take(connection, 200)
    with explained(filled) as plans:
        assert plan.plan_some(filled, standing_still(NOW))
    check(plans, OF_A_SLOT | OF_WHAT_IS_DUE | {("subscribers", "primary key")})


def test_pruning_looks_at_the_first_rows_only(filled: Database) -> None:
    with filled.writing() as connection, explained(filled) as plans:
        assert retention.prune(connection, before=NOW, limit=10) == 10
    by_edition = {("deliveries", "ix_deliveries_edition_id")}
    whole = ("", "primary key")  # in the order of the ids and with a limit, which SQLite calls a scan of the table
    check(
        plans, {("deliveries", whole[not filled.is_sqlite]), ("deliveries", "primary key")} | by_edition, walked=whole
    )


def test_a_change_of_schedule_looks_at_the_last_digest(filled: Database) -> None:
    with filled.transaction() as session:
        reader = session.get_one(Subscriber, 7)
        with explained(filled) as plans:
            next_digest.reschedule(session, reader, now=NOW)
    check(plans, OF_A_READER)
    with filled.transaction() as session:
        reader = session.get_one(Subscriber, 7)
        with explained(filled) as plans:
            next_digest.reschedule(session, reader, now=NOW, was_paused=True)
    check(plans, OF_A_READER)


def test_a_copy_is_asked_for_and_claimed_by_its_readers_own_rows(filled: Database) -> None:
    with filled.transaction() as session:
        session.get_one(Edition, 1).content = Content(topics=(), stories=()).to_json()
        ask_for(session, Kind.COPY, 7, edition_id=1, now=SLOT)
    with filled.transaction() as session, explained(filled) as plans:
        ask_again(session, 8, now=NOW)
    check(plans, OF_A_READER | {("subscribers", "primary key")})
    with filled.reading() as session, explained(filled) as plans:
        originals(session.connection(), [12_001])
    check(plans, OF_A_READER | {("deliveries", "primary key")})


def test_the_next_slot_is_counted_by_its_index(filled: Database) -> None:
    with filled.reading() as session, explained(filled, naming="next_send_at") as plans:
        figures(session, now=NOW, time_zone="UTC")
    check(plans, OF_A_SLOT | OF_WHAT_IS_DUE)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_statistics_that_somebody_had_sqlite_make_while_the_ledger_was_small_do_no_harm(filled: Database) -> None:
    with filled.writing() as connection:
        connection.execute(text("ANALYZE"))
        connection.execute(text("DELETE FROM sqlite_stat1"))
        for index, rows in {"ix_deliveries_edition_id": "1 1", "uq_deliveries_digest": "1 1 1"}.items():
            row = {"index": index, "rows": rows}
            connection.execute(text("INSERT INTO sqlite_stat1 VALUES ('deliveries', :index, :rows)"), row)
    filled.engine.dispose()  # they are read when a connection is opened
    with filled.writing() as connection, explained(filled) as plans:
        ours, ids = take(connection)
        assert ledger.mark(connection, ours, ids[:32], now=NOW) == set(ids[:32])
        settle(connection, ours, ids)
    check(plans, OF_WHAT_IS_DUE | BY_ID)
    with explained(filled) as plans:
        assert plan.plan_some(filled, standing_still(NOW))
    check(plans, OF_A_SLOT | OF_WHAT_IS_DUE | OF_A_READER | {("subscribers", "primary key")})


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_plan_made_while_the_ledger_was_small_is_good_when_it_is_large(
    database: Database, due: Callable[[int], list[int]]
) -> None:
    due(60)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    for _ in range(20):  # after some times PostgreSQL keeps to the plan that it has
        with database.writing() as connection:
            ours, ids = take(connection, 2)
            ledger.mark(connection, ours, ids, now=NOW)
            settle(connection, ours, ids)
    columns = "kind, subscriber_id, slot_at, edition_id, priority, state, due_at, attempts, created_at"
    with database.writing() as connection:
        many = f"INSERT INTO deliveries ({columns}) SELECT {columns} FROM deliveries, generate_series(1, 100)"
        connection.execute(text(many))
    scans = text("SELECT seq_scan, idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'deliveries'")
    with database.writing() as connection:
        before = connection.execute(scans).one()
        ours, ids = take(connection)
        assert ledger.mark(connection, ours, ids[:32], now=NOW) == set(ids[:32])
        settle(connection, ours, ids)
        after = connection.execute(scans).one()
    assert after.seq_scan == before.seq_scan
    assert after.idx_scan > before.idx_scan


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_mark_touches_no_index(filled: Database) -> None:
    with filled.writing() as connection:
        ours, ids = take(connection)
    updates = text("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_xact_user_tables WHERE relname = 'deliveries'")
    with filled.writing() as connection:
        before = connection.execute(updates).one()
        assert ledger.mark(connection, ours, ids[:32], now=NOW) == set(ids[:32])
        after = connection.execute(updates).one()
    assert after.n_tup_upd - before.n_tup_upd == 32
    assert after.n_tup_hot_upd - before.n_tup_hot_upd >= 28  # a page may be full
