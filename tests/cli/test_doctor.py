"""`digestmail doctor` on whole installations: it tells everything, changes nothing, and its status says how it is."""

import json
import shutil
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from digestmail.cli import app
from digestmail.desk.doctor import visit
from digestmail.desk.doctor.finding import ok
from digestmail.desk.doctor.spam import Filters
from digestmail.desk.doctor.visit import without_secrets
from digestmail.errors import InputError
from digestmail.secret import secret_of
from digestmail.settings import Settings
from digestmail.store.database import Database
from digestmail.store.models import Item, ItemTopic, Topic
from tests.cli.conftest import Run
from tests.desk.doctor.zone import Zone
from tests.relay import running
from tests.services import free_port


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name servers are a dictionary with nothing in it, and no spam filter is installed."""
    nothing = Filters(which=lambda _: None, run=lambda _command, _data: "", post=lambda _url, _data: {})
    monkeypatch.setattr(visit, "Instruments", partial(visit.Instruments, lookup=Zone({}), filters=nothing))


@pytest.fixture
def newsroom(environment: dict[str, str]) -> Path:
    """The data folder of an installation with one story."""
    folder = Path(environment["DIGESTMAIL_DATA_DIR"])
    secret_of(Settings(data_dir=folder))
    database, now = Database(f"sqlite:///{folder / 'digestmail.db'}"), datetime.now(UTC)
    with database.transaction() as session:
        topic = Topic(slug="world", name="World", position=1)
        story = Item(url="https://example.org/", link_key="k", title="Grain & salt", published_at=now, seen_at=now)
        session.add_all([topic, story])
        session.flush()
        session.add(ItemTopic(item_id=story.id or 0, topic_id=topic.id or 0, seen_at=now, news=True))
    database.engine.dispose()
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


def names(result: Result) -> dict[str, str]:
    return {row["name"]: row["verdict"] for row in json.loads(result.stdout)}


def test_a_fresh_installation_has_no_problem_and_nothing_is_made(run: Run, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "data")
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert {"sender.domain", "relay.reach", "machine.database", "site.address", "digest.html"} <= names(result).keys()
    assert not {"problem", "warning"} & set(names(result).values())
    assert all(row["name"].startswith(f"{row['group']}.") and row["found"].endswith(".") for row in rows)
    assert not (tmp_path / "data").exists()


def test_an_installation_that_has_begun_is_looked_at_and_left_as_it_is(run: Run, newsroom: Path) -> None:
    before = files(newsroom)
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.output
    assert names(result)["machine.tables"] == names(result)["digest.html"] == names(result)["machine.secret"] == "ok"
    assert files(newsroom) == before


def test_what_is_missing_for_a_digest_is_said_with_what_to_do(run: Run, tmp_path: Path) -> None:
    def said() -> str:
        [row] = json.loads(run("doctor", "--json", "--only", "digest").stdout)[:1]
        return f"{row['verdict']}: {row['found']} {row['remedy']}"

    (tmp_path / "data" / "digestmail.db").rename(tmp_path / "digestmail.db")
    assert "no database" in said()
    (tmp_path / "digestmail.db").rename(tmp_path / "data" / "digestmail.db")
    assert "no secret" in said()
    secret_of(Settings(data_dir=tmp_path / "data"))
    assert "digestmail topic add" in said()
    run("topic", "add", "world", "--name", "World")
    assert "digestmail collect" in said()


@pytest.mark.usefixtures("newsroom")
def test_a_key_file_that_cannot_be_used_is_told_and_the_rest_goes_on(run: Run, environment: dict[str, str]) -> None:
    environment |= {"DIGESTMAIL_DKIM_KEY": "/no/such.pem", "DIGESTMAIL_DKIM_SELECTOR": "s1"}
    found = {row["name"]: row for row in json.loads(run("doctor", "--json", "--send", "me@example.org").stdout)}
    assert found["machine.tables"]["verdict"] == "ok"
    assert found["test.mail"]["verdict"] == "skipped"
    assert "/no/such.pem" in found["digest.html"]["found"]


def test_a_mail_server_that_is_away_is_a_problem_and_the_rest_is_still_shown(environment: dict[str, str]) -> None:
    away = environment | {
        "DIGESTMAIL_SMTP_URL": f"smtp://ann:s3cretword@127.0.0.1:{free_port()}",
        "DIGESTMAIL_SENDER": "Courier <digest@example.org>",
        "DIGESTMAIL_BASE_URL": f"http://127.0.0.1:{free_port()}",
    }
    result = CliRunner().invoke(app, ["doctor", "--json"], env=away)
    assert result.exit_code == 1
    found = names(result)
    assert found["relay.reach"] == found["sender.spf"] == found["site.reach"] == "problem"
    assert found["machine.zones"] == found["sender.dns"] == "ok"
    assert "s3cretword" not in result.output


def test_the_table_has_headings_signs_and_a_line_that_counts(run: Run) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    for words in ("The sender's domain", "The mail server", "This machine", "The next digest", "✓", "–"):
        assert words in result.stdout
    assert result.stdout.splitlines()[-1].startswith("No problems, no warnings, ")
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_one_group_alone_and_only_what_is_not_fine(run: Run, environment: dict[str, str]) -> None:
    assert {name.partition(".")[0] for name in names(run("doctor", "--json", "--only", "machine"))} == {"machine"}
    environment["DIGESTMAIL_SECRET_KEY"] = "a" * 40
    result = run("doctor", "--quiet", "--json")
    assert result.exit_code == 1
    assert names(result) == {"machine.secret": "problem"}
    assert run("doctor", "--only", "everything").exit_code == 2


@pytest.mark.usefixtures("newsroom")
def test_a_test_mail_goes_out_only_when_asked_for(environment: dict[str, str], run: Run) -> None:
    with running() as server:
        environment["DIGESTMAIL_SMTP_URL"] = f"smtp://127.0.0.1:{server.relay.port}"
        assert "test.mail" not in names(run("doctor", "--json", "--only", "digest"))
        assert server.caught == []
        found = names(run("doctor", "--json", "--only", "digest", "--send", "me@example.org"))
    assert found["test.mail"] == "ok"
    [caught] = server.caught
    assert caught.recipient == "me@example.org"
    assert b"[Test]" in caught.data


def test_the_operator_may_be_named_by_the_setting(run: Run, environment: dict[str, str]) -> None:
    result = run("doctor", "--send", "operator")
    assert isinstance(result.exception, InputError)
    assert "DIGESTMAIL_OPERATOR is not set" in str(result.exception)
    environment["DIGESTMAIL_OPERATOR"] = "desk@example.org"
    assert names(run("doctor", "--json", "--send", "operator"))["test.mail"] == "skipped"
    assert isinstance(run("doctor", "--send", "nobody").exception, InputError)


def test_no_secret_is_shown_though_an_error_may_speak_of_one() -> None:
    settings = Settings(
        secret_key="a-secret-of-thirty-two-characters",
        smtp_url="smtp://ann:p%40ss@relay.example.net",
        database_url="postgresql://ann:dbword@db/x",
        redis_url="redis://:rdword@cache/0",
        postal_address="Quay 4",
    )
    words = "a-secret-of-thirty-two-characters p@ss p%40ss dbword rdword"
    [finding] = without_secrets([ok("machine.x", f"It said: {words}.", words)], settings)
    assert finding.found == "It said: ••• ••• ••• ••• •••."
    assert finding.remedy == "••• ••• ••• ••• •••"
