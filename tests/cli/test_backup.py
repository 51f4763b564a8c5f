"""A backup is whole while others write, and what is put back mails nobody a second time unseen."""

import io
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select, update
from typer.testing import CliRunner, Result

from digestmail.cli import app
from digestmail.clock import system_clock
from digestmail.deliveries import ledger
from digestmail.deliveries.heartbeat import beat
from digestmail.deliveries.owner import this_process
from digestmail.deliveries.plan import plan_due
from digestmail.desk.service import Service
from digestmail.settings import load_settings
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Subscriber, Topic
from digestmail.store.states import Standing, State
from digestmail.subscribers.import_export import import_csv
from digestmail.tokens import Tokens
from tests.services import free_port

Run = Callable[..., Result]

READERS = 6
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"DIGESTMAIL_DATA_DIR": str(tmp_path / "data"), "DIGESTMAIL_INBOX_PORT": str(free_port())}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def run(*arguments: str, **settings: str) -> Result:
        return CliRunner().invoke(app, arguments, env=environment | settings)

    return run


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """Readers whose slot came an hour ago and was not planned yet."""
    database = Database(f"sqlite:///{tmp_path / 'data' / 'digestmail.db'}")
    database.migrate()
    with database.transaction() as session:
        session.add(Topic(slug="world", name="World"))
    rows = "".join(f"r{number}@example.org,world,2026-01-01\n" for number in range(READERS))
    import_csv(
        database,
        io.StringIO("email,topics,confirmed_at\n" + rows),
        fingerprint=Tokens("a secret").fingerprint,
        default_time_zone="UTC",
        now=NOW,
    )
    set_slot(database, NOW - timedelta(hours=1))
    return database


def set_slot(database: Database, at: datetime) -> None:
    with database.transaction() as session:
        session.connection().execute(update(Subscriber).values(next_send_at=at, next_day=at.date()))


def states(database: Database) -> list[str]:
    with database.reading() as session:
        return sorted(session.exec(select(Delivery.state)))


def test_a_backup_is_whole_while_others_write(database: Database, run: Run, tmp_path: Path) -> None:
    stopping = threading.Event()

    def write() -> None:
        number = 0
        while not stopping.is_set():
            number += 1
            with database.transaction() as session:
                session.add_all(Topic(slug=f"t{number}-{half}", name="x" * 500) for half in "ab")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            assert "Wrote" in run("backup", str(tmp_path / f"{number}.db")).stdout
    finally:
        stopping.set()
        writer.join()
    for number in range(5):
        with closing(sqlite3.connect(tmp_path / f"{number}.db")) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            [count] = copy.execute("SELECT count(*) FROM topics WHERE slug <> 'world'").fetchone()
            assert count % 2 == 0, "half a transaction"
        assert not (tmp_path / f"{number}.db-wal").exists()
        assert (tmp_path / f"{number}.db").stat().st_mode & 0o777 == 0o600


def test_a_backup_writes_over_nothing_unasked(database: Database, run: Run, tmp_path: Path) -> None:
    (tmp_path / "there.db").write_text("mine")
    assert "--overwrite" in str(run("backup", str(tmp_path / "there.db")).exception)
    assert (tmp_path / "there.db").read_text() == "mine"
    assert run("backup", "--overwrite", str(tmp_path / "there.db")).exit_code == 0


def test_on_postgresql_the_tools_to_use_are_named(run: Run, postgresql_server: str, tmp_path: Path) -> None:
    url = f"{postgresql_server}/postgres"
    for command in ("backup", "restore"):
        (tmp_path / "some.db").touch()
        said = run(command, str(tmp_path / f"{command}.db"), DIGESTMAIL_DATABASE_URL=url).exception
        assert "pg_dump" in str(said)
        assert "digestmail reconcile" in str(said)


def test_what_is_no_backup_is_refused_and_nothing_is_touched(database: Database, run: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear reader")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE deliveries (id)")
    for name in ("letter.txt", "other.db"):
        assert "no backup of digestmail" in str(run("restore", str(tmp_path / name)).exception)
    with database.reading() as session:
        assert len(session.exec(select(Subscriber)).all()) == READERS


def test_nothing_is_put_back_while_a_worker_lives(database: Database, run: Run, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "copy.db"))
    with database.writing() as connection:
        beat(connection, this_process(), looks=1)
    assert "Stop the service first" in str(run("restore", str(tmp_path / "copy.db")).exception)
    assert "Stop the service first" in str(run("reconcile").exception)


def test_what_may_have_been_sent_since_the_backup_is_held(database: Database, run: Run, tmp_path: Path) -> None:
    run("backup", str(tmp_path / "copy.db"))
    plan_due(database, system_clock)
    with database.writing() as connection:
        connection.execute(update(Delivery).values(state=State.SENT, settled_at=NOW))
    database.engine.dispose()
    said = run("restore", str(tmp_path / "copy.db")).stdout
    assert f"Nobody can tell of {READERS}" in said.replace("\n", " ")
    assert states(database) == [State.HELD] * READERS
    assert len(list((tmp_path / "data").glob("digestmail.db.before-*"))) == 1
    assert f"Dropped {READERS} deliveries" in run("deliveries", "drop", "--all").stdout
    assert states(database) == [State.SKIPPED] * READERS


def test_slots_beyond_the_catch_up_limit_expire(database: Database, run: Run, tmp_path: Path) -> None:
    set_slot(database, NOW - timedelta(hours=7))
    run("backup", str(tmp_path / "copy.db"))
    database.engine.dispose()
    assert "Nothing was open or due" in run("restore", str(tmp_path / "copy.db")).stdout
    assert states(database) == [State.EXPIRED] * READERS


def test_what_the_mail_servers_log_has_is_not_sent_again(
    database: Database, run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    run("backup", str(tmp_path / "copy.db"))
    plan_due(database, system_clock)
    service = Service(load_settings(environment, folder=tmp_path))
    with service.database.writing() as connection:
        ours = ledger.open_claim(connection, owner=this_process())
        rows = ledger.claim(connection, ours, now=NOW, limit=3)
    stamp = datetime.now(UTC).isoformat()
    early = (NOW - timedelta(hours=2)).isoformat()
    lines = [f"{early} mail postfix/smtpd[1]: connect from localhost[127.0.0.1]\n"]
    for number, row in enumerate(rows):
        name = f"4F1A2B3C{number:02}"
        identity = f"<r{row.subscriber_id}.digest.{row.day:%Y%m%d}.{service.tokens.installation}@localhost.localdomain>"
        lines += [
            f"{stamp} mail postfix/smtpd[1]: {name}: client=localhost[127.0.0.1]\n",
            f"{stamp} mail postfix/cleanup[2]: {name}: message-id={identity}\n",
            f"{stamp} mail postfix/qmgr[3]: {name}: from=<x@y.example>, size=1, nrcpt=1 (queue active)\n",
        ]
    lines.append(f"{datetime.now(UTC) + timedelta(minutes=2):%Y-%m-%dT%H:%M:%S+00:00} mail postfix/smtpd[1]: connect\n")
    (tmp_path / "mail.log").write_text("".join(lines))
    database.engine.dispose()
    done = run("restore", str(tmp_path / "copy.db"), DIGESTMAIL_ASK=f"postfix:{tmp_path / 'mail.log'}")
    assert "the mail server had taken 3." in done.stdout.replace("\n", " ")
    assert states(database) == [State.DUE] * (READERS - 3) + [State.SENT] * 3


def test_who_asked_to_be_forgotten_since_the_backup_is_forgotten_again(
    database: Database, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "monday.db"
    run("backup", str(file))
    assert "r1@example.org is forgotten" in run("subscriber", "erase", "r1@example.org", "--yes").stdout
    database.engine.dispose()
    assert "Forgot 1 reader again" in run("restore", str(file)).stdout
    with database.reading() as session:
        standings = dict(session.exec(select(Subscriber.email, Subscriber.standing)).all())
    assert standings.pop("") == Standing.ERASED
    assert sorted(standings) == [f"r{number}@example.org" for number in range(READERS) if number != 1]


def test_where_the_present_database_is_lost_the_operator_is_told_whom_it_had_forgotten_nobody_knows(
    database: Database, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "monday.db"
    run("backup", str(file))
    database.engine.dispose()
    for left in (tmp_path / "data").glob("digestmail.db*"):
        left.unlink()
    assert "digestmail subscriber erase EMAIL" in run("restore", str(file)).stdout
