"""What stands in the database is judged, and the database is only looked at."""

import shutil
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from digestmail.clock import standing_still, system_clock
from digestmail.deliveries.heartbeat import beat
from digestmail.deliveries.owner import this_process
from digestmail.desk.doctor.examine import examine
from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.desk.doctor.records import (
    Records,
    judge_feeds,
    judge_journal,
    judge_ledger,
    judge_postgresql,
    judge_workers,
    records_checks,
)
from digestmail.settings import Settings
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Edition, Feed, Subscriber
from digestmail.store.states import Kind, State, Trouble
from tests.desk.doctor.zone import verdicts
from tests.services import free_port


def look(url: str, clock: object = system_clock) -> list[Finding]:
    assert callable(clock)
    return examine(records_checks(Records(Settings(database_url=url)), clock))


def one(findings: Iterable[Finding], name: str) -> Finding:
    [finding] = [each for each in findings if each.name == name]
    return finding


def test_an_empty_database_is_fine(database: Database, database_url: str) -> None:
    found = verdicts(look(database_url))
    assert found["machine.database"] is found["machine.tables"] is found["machine.ledger"] is Verdict.OK
    assert found["machine.clock"] is (Verdict.SKIPPED if database.is_sqlite else Verdict.OK)
    assert found["machine.workers"] is found["machine.feeds"] is Verdict.SKIPPED
    assert not {Verdict.PROBLEM, Verdict.WARNING} & set(found.values())


def test_a_clock_that_is_not_the_databases_is_a_problem(database: Database, database_url: str) -> None:
    found = look(database_url, standing_still(datetime.now(UTC) - timedelta(hours=1)))
    expected = Verdict.SKIPPED if database.is_sqlite else Verdict.PROBLEM
    assert one(found, "machine.clock").verdict is expected


def test_the_database_cannot_be_changed_by_who_only_looks(database_url: str) -> None:
    looking = Database(database_url, only_look=True)
    with pytest.raises(DatabaseError), looking.writing() as connection:
        connection.execute(text("DELETE FROM topics"))
    looking.engine.dispose()


def test_a_database_without_the_newest_migration_is_one_problem_and_stays_as_it_is(database_url: str) -> None:
    database = Database(database_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    found = look(database_url)
    assert [finding.name for finding in found] == ["machine.database", "machine.tables", "machine.zones"]
    assert found[1].verdict is Verdict.PROBLEM
    assert "digestmail migrate" in found[1].remedy
    assert not database.is_newest()
    database.engine.dispose()


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    found = look(f"sqlite:///{tmp_path / 'sub' / 'digestmail.db'}")
    assert [(f.name, f.verdict) for f in found] == [
        ("machine.database", Verdict.SKIPPED),
        ("machine.zones", Verdict.OK),
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["away", "damaged"])
def test_a_database_that_cannot_be_used_is_one_problem(tmp_path: Path, kind: str) -> None:
    (tmp_path / "damaged.db").write_bytes(b"this is no database" * 1000)
    url = {
        "away": f"postgresql+psycopg://ann:s3cretword@127.0.0.1:{free_port()}/none",
        "damaged": f"sqlite:///{tmp_path / 'damaged.db'}",
    }[kind]
    found = look(url)
    assert [(f.name, f.verdict) for f in found if f.verdict is not Verdict.OK] == [
        ("machine.database", Verdict.PROBLEM)
    ]
    assert "s3cretword" not in found[0].found


def test_a_database_in_another_journal_mode_is_a_warning_and_stays_so(sqlite_template: Path, tmp_path: Path) -> None:
    path = tmp_path / "copy.db"
    shutil.copy(sqlite_template, path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    for _ in range(2):
        assert one(look(f"sqlite:///{path}"), "machine.database").verdict is Verdict.WARNING


def test_a_worker_that_lives_is_seen(database: Database, database_url: str) -> None:
    with database.writing() as connection:
        beat(connection, this_process(), looks=3)
    assert one(look(database_url), "machine.workers").verdict is Verdict.OK


def test_held_and_missing_deliveries_and_unknown_zones_are_seen(
    database: Database, database_url: str, now: datetime
) -> None:
    with database.transaction() as session:
        reader = Subscriber(email="a@b.org", email_key="a@b.org", created_at=now, time_zone="Mars/Olympus")
        edition = Edition(kind=Kind.DIGEST, since_at=now, slot_at=now, cutoff_at=now, content="{}", planned=2)
        session.add_all([reader, edition, Feed(url="https://a.test/f", next_poll_at=now, created_at=now)])
        session.flush()
        session.add(
            Delivery(
                kind=Kind.DIGEST,
                subscriber_id=reader.id or 0,
                edition_id=edition.id,
                slot_at=now,
                priority=2,
                state=State.HELD,
                due_at=now,
                created_at=now,
            )
        )
    found = verdicts(look(database_url))
    assert found["machine.ledger"] is found["machine.zones"] is Verdict.PROBLEM
    assert found["machine.held"] is Verdict.WARNING
    assert found["machine.feeds"] is Verdict.OK


def test_readers_who_wait_though_workers_live_are_a_problem(database: Database, database_url: str) -> None:
    due = datetime.now(UTC) - timedelta(hours=2)
    with database.transaction() as session:
        session.add(Subscriber(email="a@b.org", email_key="a@b.org", created_at=due, next_send_at=due))
    assert one(look(database_url), "machine.workers").verdict is Verdict.PROBLEM
    with database.writing() as connection:
        beat(connection, this_process(), looks=3)
    assert one(look(database_url), "machine.schedule").verdict is Verdict.PROBLEM


def test_no_worker_is_a_problem_once_something_waits() -> None:
    assert [
        judge_workers(count, stalled=stalled).verdict for count, stalled in ((2, False), (0, False), (0, True))
    ] == [
        Verdict.OK,
        Verdict.SKIPPED,
        Verdict.PROBLEM,
    ]


def test_the_ledger_adds_up_or_is_a_problem() -> None:
    assert verdicts(judge_ledger(0, {})) == {"machine.ledger": Verdict.OK, "machine.held": Verdict.OK}
    found = verdicts(judge_ledger(1, {State.DOUBT: 3}))
    assert found == {"machine.ledger": Verdict.PROBLEM, "machine.held": Verdict.WARNING}


def test_feeds_in_trouble_are_named_the_worst_first() -> None:
    counts = {Trouble.GONE: 1, Trouble.SILENT: 4, None: 2}
    finding = judge_feeds(counts, ["A", "B", "C", "D", "E"])
    assert finding.verdict is Verdict.WARNING
    assert "5 of 7 feeds in trouble: A, B, C and 2 more." in finding.found
    assert judge_feeds({Trouble.GONE: 0, None: 2}, []).verdict is Verdict.OK
    assert judge_feeds({None: 0}, []).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("version", "verdict"), [("12.3", Verdict.WARNING), ("17.2 (Debian 17.2-1)", Verdict.OK), ("18beta1", Verdict.OK)]
)
def test_an_old_postgresql_is_a_warning(version: str, verdict: Verdict) -> None:
    assert judge_postgresql(version).verdict is verdict


def test_the_journal_is_to_be_a_wal() -> None:
    assert judge_journal("wal").verdict is Verdict.OK
    assert judge_journal("delete").verdict is Verdict.WARNING
