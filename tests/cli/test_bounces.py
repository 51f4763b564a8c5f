"""Commands for what comes back, as a mail server and as an operator use them."""

import io
import json
import os
import signal
import smtplib
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digestmail.cli import app
from digestmail.clock import system_clock
from digestmail.deliveries.bounces.mailbox import read_piped
from digestmail.local.guard import listens
from digestmail.messages.envelope import ReturnAddress
from digestmail.messages.publication import Publication
from digestmail.secret import secret_of
from digestmail.settings import load_settings
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Subscriber
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind, Standing
from digestmail.tokens import Tokens
from tests.cli.conftest import Run
from tests.deliveries.bounces.letters import NO_BOUNCES, complaint, dsn, plain, recipient
from tests.services import free_port, wait_until


@pytest.fixture
def addresses(environment: dict[str, str], run: Run) -> list[str]:
    """The envelope senders of letters to r0@example.org, r1@…, r2@… that were sent."""
    assert run("migrate").exit_code == 0
    settings = load_settings(environment)
    returning = ReturnAddress(Publication.of(settings), Tokens(secret_of(settings)))
    now = system_clock()
    found = []
    with Database(settings.database).transaction() as session:
        for number in range(3):
            email = f"r{number}@example.org"
            reader = Subscriber(
                email=email, email_key=email, standing=Standing.ACTIVE, created_at=now, confirmed_at=now
            )
            session.add(reader)
            session.flush()
            delivery = Delivery(**new_delivery(Kind.REMINDER, reader.id or 0, slot_at=now, now=now))
            session.add(delivery)
            session.flush()
            found.append(returning.of(delivery.id or 0))
    return found


def pipe(environment: dict[str, str], data: bytes, *arguments: str, **more: str) -> Result:
    return CliRunner().invoke(app, ["bounces", *arguments], input=data, env=environment | more)


def suppressed(run: Run) -> list[str]:
    return [row["address"] for row in json.loads(run("suppressions", "--json").stdout)]


def test_a_mail_server_pipes_a_bounce_in(environment: dict[str, str], addresses: list[str], run: Run) -> None:
    assert pipe(environment, dsn(recipient()), "--recipient", addresses[0]).exit_code == 0
    assert pipe(environment, dsn(recipient()), ORIGINAL_RECIPIENT=addresses[1]).exit_code == 0
    assert pipe(environment, f"Delivered-To: {addresses[2]}\n".encode() + dsn(recipient())).exit_code == 0
    assert sorted(suppressed(run)) == ["r0@example.org", "r1@example.org", "r2@example.org"]


def test_a_person_can_see_how_messages_are_understood_and_nothing_is_counted(
    environment: dict[str, str], addresses: list[str], run: Run, tmp_path: Path
) -> None:
    shown = pipe(environment, dsn(recipient()), "--check", "--json", "--recipient", addresses[0]).stdout
    [row] = json.loads(shown)
    assert (row["what"], row["verdict"], row["status"], row["proven"]) == ("bounce", "hard", "5.1.1", True)
    assert row["recipients"] == ["r0@example.org"]
    box, away = tmp_path / "box", NO_BOUNCES["vacation with a null sender"]
    box.write_bytes(b"".join(b"From x\n" + data + b"\n" for data in (dsn(recipient()), complaint(), away)))
    rows = json.loads(run("bounces", "--mbox", str(box), "--check", "--json").stdout)
    assert [(row["what"], row["proven"]) for row in rows][:2] == [("bounce", False), ("complaint", False)]
    assert (rows[2]["what"], rows[2]["verdict"]) == ("automatic reply", "")
    assert len(rows) == 3
    assert "hard" in run("bounces", "--mbox", str(box), "--check").stdout
    assert suppressed(run) == []


def test_the_pipe_says_what_became_of_a_message_where_it_is_asked(
    environment: dict[str, str], addresses: list[str]
) -> None:
    shown = pipe(environment, dsn(recipient()), "--recipient", addresses[0], "--json").stdout
    assert json.loads(shown) == {"counted": "hard", "suppressed": True}


def test_what_needs_no_counting_ends_well_too(environment: dict[str, str], addresses: list[str], run: Run) -> None:
    for data in (b"", b"\xff\x00" * 100, dsn(recipient()), *NO_BOUNCES.values()):
        assert pipe(environment, data).exit_code == 0
    assert suppressed(run) == []


def test_while_the_database_is_away_the_mail_server_keeps_it(environment: dict[str, str], addresses: list[str]) -> None:
    result = pipe(environment, dsn(recipient()), DIGESTMAIL_DATABASE_URL="postgresql://u:p@127.0.0.1:1/gone")
    assert result.exit_code == 75
    assert pipe(environment, dsn(recipient()), DIGESTMAIL_HOURS="7").exit_code == 75


def test_all_of_a_long_message_is_read_and_its_beginning_kept() -> None:
    stream = io.BytesIO(dsn(recipient()) + b"x" * 12_000_000)
    assert read_piped(stream).startswith(dsn(recipient()))
    assert stream.read() == b""


def test_a_maildir_is_worked_through_once(
    tmp_path: Path, environment: dict[str, str], addresses: list[str], run: Run
) -> None:
    folder = tmp_path / "Maildir"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    mails = {
        "1": dsn(recipient(), to=addresses[0]),
        "2": plain("552 mailbox full").replace(b"To: bounces@courier.example", f"To: {addresses[1]}".encode()),
        "3": f"Delivered-To: {addresses[2]}\n".encode() + complaint(),
        "4": NO_BOUNCES["vacation with a null sender"],
        "5": dsn(recipient()),
        "6": b"?",
    }
    for name, data in mails.items():
        (folder / "new" / name).write_bytes(data)
    result = run("bounces", "--maildir", str(folder), "--remove", "--json")
    counted = {"hard": 1, "soft": 1, "complaint": 1, "automatic reply": 1, "unproven": 1, "not understood": 1}
    assert json.loads(result.stdout) == {"messages": 6, "suppressed": 2, "counted": counted}
    assert sorted(path.name for path in (folder / "cur").iterdir()) == ["5:2,FS", "6:2,FS"]
    assert not list((folder / "new").iterdir())
    assert "0 messages" in run("bounces", "--maildir", str(folder)).stdout
    assert "no Maildir" in str(run("bounces", "--maildir", str(tmp_path)).exception)


def test_an_mbox_is_read_and_left_as_it_is(tmp_path: Path, addresses: list[str], run: Run) -> None:
    file = tmp_path / "mbox"
    begin = b"From MAILER-DAEMON Mon Nov 23 07:00:00 2026\n"
    mails = [dsn(recipient(), to=addresses[0]), dsn(recipient(), to=addresses[1], text="x\n>From here\n\n")]
    file.write_bytes(b"\n".join(begin + mail for mail in mails))
    before = file.read_bytes()
    assert "2 messages: 2 hard. 2 addresses were suppressed." in run("bounces", "--mbox", str(file)).stdout
    assert "2 messages: 2 counted before. 0 addresses" in run("bounces", "--mbox", str(file)).stdout
    assert file.read_bytes() == before


def test_a_reader_shows_what_came_back_and_a_suppression_can_be_lifted(
    environment: dict[str, str], addresses: list[str], run: Run
) -> None:
    pipe(environment, dsn(recipient()), "--recipient", addresses[0])
    reader = json.loads(run("subscriber", "show", "r0@example.org", "--json").stdout)
    assert reader["suppressed"].startswith("hard bounce: 550 5.1.1")
    assert [(row["kind"], row["status"], row["source"]) for row in reader["bounces"]] == [("hard", "5.1.1", "dsn")]
    assert run("subscriber", "unsuppress", "r0@example.org", "--reason", "it was a mistake of theirs").exit_code == 0
    assert suppressed(run) == []
    reader = json.loads(run("subscriber", "show", "r0@example.org", "--json").stdout)
    assert [row["lifted_for"] for row in reader["lifted"]] == ["it was a mistake of theirs"]
    assert "it was a mistake" in run("subscriber", "show", "r0@example.org").stdout.replace("\n", " ")
    assert run("subscriber", "suppress", "r0@example.org", "--reason", "wrote to us").exit_code == 0
    assert "by hand: wrote to us" in run("suppressions").stdout


def test_what_cannot_be_listened_on_is_said(environment: dict[str, str], addresses: list[str]) -> None:
    assert "neither HOST:PORT" in str(pipe(environment, b"", "--listen", "2525").exception)
    refused = pipe(environment, b"", "--listen", "127.0.0.1:2525", DIGESTMAIL_BOUNCES="none")
    assert "DIGESTMAIL_BOUNCES is none" in str(refused.exception)
    assert "Say one of" in str(pipe(environment, b"", "--mbox", "a", "--maildir", "b").exception)


@pytest.mark.long
def test_a_listener_counts_until_it_is_told_to_stop(
    tmp_path: Path, environment: dict[str, str], addresses: list[str], run: Run
) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "digestmail", "bounces", "--listen", f"127.0.0.1:{port}"]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env=os.environ | environment, stdout=file, stderr=file) as one,
    ):
        wait_until(lambda: listens("127.0.0.1", port), what="the listener")
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.sendmail("", [addresses[0]], dsn(recipient()))
        one.send_signal(signal.SIGTERM)
        assert one.wait(15) == 0
    assert suppressed(run) == ["r0@example.org"]
    assert addresses[0] not in log.read_text()
