"""The commands as a person types them: right ones do, wrong ones say what to do, and --json is for programs."""

import email
import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from email import policy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digestmail.cli import app
from digestmail.errors import DigestmailError, SettingsError
from digestmail.store.states import Kind
from tests.cli.conftest import Run
from tests.flows.wire import wire
from tests.services import free_port


def test_empty_lists_say_what_to_do_first(run: Run) -> None:
    assert "digestmail topic add SLUG --name NAME" in run("topic", "list").stdout
    assert "digestmail feed add URL" in run("feed", "list").stdout
    assert json.loads(run("topic", "list", "--json").stdout) == []
    assert json.loads(run("deliveries", "--json").stdout) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["topic", "add", "Bad Slug", "--name", "X"], "small letters"),
        (["feed", "add", "https://example.org/f", "--category", "World"], "NAME=SLUG"),
        (["feed", "add", "ftp://example.org/f", "--topic", "x"], "http"),
        (["feed", "let-through", "https://example.org/f"], "no feed “https://example.org/f”"),
        (["feed", "mark-seen", "f"], "no feed “f”"),
        (["announcement", "add", "--title", "X", "--start", "soon"], "ISO 8601"),
        (["announcement", "add", "--title", "X", "--image-size", "large"], "such as 600x200"),
        (["announcement", "add", "--title", "X", "--image", "https://example.org/x.jpg"], "needs a text"),
        (["announcement", "change", "7", "--title", "X"], "no announcement 7"),
        (["subscriber", "show", "nobody@example.org"], "no subscriber"),
        (["preview", "--topic", "x"], "no topic “x”"),
        (["preview", "--topic", "x", "--language", "tlh"], "no language “tlh”"),
        (["tick", "--now", "tomorrow"], "ISO 8601"),
        (["deliveries", "release"], "say --all"),
        (["deliveries", "drop", "7", "--all"], "say --all"),
        (["deliveries", "drop", "7"], "7 is not held"),
        (["backup", "/no/such/folder/file.db"], "no folder /no/such/folder"),
        (["restore", "none.db"], "no file none.db"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(run: Run, command: list[str], words: str) -> None:
    result = run(*command)
    assert isinstance(result.exception, DigestmailError), result.output
    assert words in str(result.exception)


def test_a_missing_file_is_said_to_be_missing(run: Run) -> None:
    result = run("subscriber", "import", "nowhere.csv")
    assert result.exit_code == 1
    assert "no file nowhere.csv" in result.stderr


@pytest.mark.parametrize("process", ["worker", "beat"])
def test_a_process_that_needs_a_broker_says_so(run: Run, process: str) -> None:
    result = run(process)
    assert result.exit_code == 1
    assert "DIGESTMAIL_REDIS_URL is not set" in result.stderr


def test_bad_rows_are_reported_and_good_ones_kept(run: Run, tmp_path: Path) -> None:
    run("topic", "add", "climate", "--name", "Climate")
    file = tmp_path / "readers.csv"
    file.write_text("email,topics,confirmed_at\nann@example.org,climate,2026-01-01\nann,climate,2026-01-01\n")
    result = run("subscriber", "import", str(file))
    assert "Imported 1 subscribers" in result.stdout
    assert "line 3: This does not look like a mail address" in result.stderr
    exported = run("subscriber", "export").stdout
    assert exported.splitlines()[1].startswith(
        "ann@example.org,climate,UTC,7,daily,en,html,2026-01-01T00:00:00+00:00,import"
    )
    assert json.loads(run("subscriber", "export", "--json").stdout)[0]["email"] == "ann@example.org"
    assert json.loads(run("subscriber", "show", "ANN@example.org", "--json").stdout)["topics"] == ["climate"]


def test_an_announcement_is_added_listed_and_changed(run: Run) -> None:
    picture = ("--image", "https://example.org/x.jpg", "--image-alt", "A lamp", "--image-size", "600x200")
    run("announcement", "add", "--title", "Give", *picture, "--most-times", "5", "--season", "year-end")
    [row] = json.loads(run("announcement", "list", "--json").stdout)
    assert (row["image_alt"], row["image_width"], row["image_height"]) == ("A lamp", 600, 200)
    assert (row["most_times"], row["season"], row["text"]) == (5, "year-end", "")
    changes = ("--text", "Please.", "--end", "2999-01-01", "--most-times", "0", "--image", "")
    assert "Changed announcement 1." in run("announcement", "change", "1", *changes).stdout
    [changed] = json.loads(run("announcement", "list", "--json").stdout)
    assert (changed["most_times"], changed["season"], changed["text"]) == (None, "year-end", "Please.")
    assert (changed["image_url"], changed["image_alt"], changed["title"]) == ("", "", "Give")
    assert changed["ends_at"].startswith("2999-01-01")
    assert "year-end" in run("announcement", "list").stdout


def test_a_feed_is_collected_and_previewed_in_three_forms(run: Run, tmp_path: Path) -> None:
    with wire(datetime.now(UTC)) as feed:
        feed.items = [("Grain & salt", "World"), ("Other", "Sports")]
        run("topic", "add", "world", "--name", "World")
        run("feed", "add", feed.url, "--category", "World=world")
        assert "no items yet" in str(run("preview", "--topic", "world").exception)
        sample = run("preview")
        assert "no items yet" in sample.stderr
        assert "The tram that waits" in sample.stdout
        assert json.loads(run("collect", "--json").stdout) == {"polled": 1, "new_items": 2, "failures": []}
    html, text, eml = (tmp_path / name for name in ("d.html", "d.txt", "d.eml"))
    run("preview", "--topic", "world", "--html", str(html), "--text", str(text), "--eml", str(eml))
    assert "Grain &amp; salt" in html.read_text()
    assert "Grain & salt" in text.read_text()
    assert "Other" not in html.read_text() + text.read_text()
    message = email.message_from_bytes(eml.read_bytes(), policy=policy.strict)
    assert message.get_content_type() == "multipart/alternative"
    assert "Grain & salt" in run("preview", "--topic", "world").stdout
    assert "Darse de baja:" in run("preview", "--topic", "world", "--language", "es").stdout


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        ("digest", "The tram that waits"),
        ("welcome", "This is your first digest"),
        ("confirmation", "One step is left"),
        ("reminder", "You are already subscribed"),
        ("access", "Here is your link"),
        ("move", "Shall your digest come here?"),
        ("moving", "Your digest is about to move"),
        ("copy", "The tram that waits"),
    ],
)
def test_every_mail_can_be_looked_at_before_there_is_anything(run: Run, mail: str, words: str) -> None:
    shown = json.loads(run("preview", "--sample", "--mail", mail, "--json").stdout)
    assert words in shown["html"]
    assert words in shown["text"].replace("\n", " ")
    assert run("preview", "--sample", "--mail", mail).stderr == ""


def test_a_digest_is_looked_at_as_readers_of_text_alone_get_it(run: Run, tmp_path: Path) -> None:
    eml = tmp_path / "digest.eml"
    shown = json.loads(run("preview", "--sample", "--format", "text", "--json", "--eml", str(eml)).stdout)
    assert "View in your browser:" in shown["text"]
    assert shown["html"] == ""
    assert email.message_from_bytes(eml.read_bytes()).get_content_type() == "text/plain"
    result = run("preview", "--sample", "--format", "text", "--html", str(tmp_path / "digest.html"))
    assert result.exit_code == 1
    assert "no HTML form" in result.stderr


def test_a_failing_feed_is_shown_and_fails_nothing_else(run: Run) -> None:
    run("topic", "add", "world", "--name", "World")
    url = f"http://127.0.0.1:{free_port()}/feed"
    run("feed", "add", url, "--topic", "world")
    result = run("collect")
    assert result.exit_code == 0
    assert f"{url}: " in result.stderr
    assert json.loads(run("feed", "list", "--json").stdout)[0]["last_error"]


def test_a_tick_without_a_relay_mails_into_the_local_inbox(run: Run, tmp_path: Path) -> None:
    run("topic", "add", "world", "--name", "World")
    file = tmp_path / "readers.csv"
    file.write_text("email,topics\nann@example.org,world\n")
    run("subscriber", "import", str(file))
    assert json.loads(run("tick", "--json").stdout)["sent"] == 1
    [caught] = (tmp_path / "data" / "inbox" / "new").iterdir()
    assert b"ann@example.org" in caught.read_bytes()
    [row] = json.loads(run("deliveries", "--json").stdout)
    assert (row["kind"], row["planned"], row["sent"]) == (Kind.CONFIRMATION, 1, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"),
        ("DATABASE_URL", "sqlite:////proc/digestmail.db"),
        ("DATA_DIR", "/dev/null"),
        ("DATA_DIR", "/proc/data"),
    ],
)
def test_a_place_that_cannot_be_used_is_named(name: str, value: str) -> None:
    result = CliRunner().invoke(app, ["deliveries"], env={f"DIGESTMAIL_{name}": value})
    assert isinstance(result.exception, SettingsError), result.exception
    assert f"DIGESTMAIL_{name}" in str(result.exception)


def test_json_stays_json_when_the_relay_is_away(tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text("email,topics\nann@example.org,world\n")
    settings = {"DIGESTMAIL_DATA_DIR": str(tmp_path / "data"), "DIGESTMAIL_SMTP_URL": f"smtp://127.0.0.1:{free_port()}"}
    command = [sys.executable, "-m", "digestmail"]
    for arguments in (["topic", "add", "world", "--name", "World"], ["subscriber", "import", str(file)]):
        assert CliRunner().invoke(app, arguments, env=settings).exit_code == 0
    environment = {**os.environ, **settings}
    done = subprocess.run([*command, "tick", "--json"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be reached" in json.loads(done.stdout)["error"]
    assert "waits for the next tick" in done.stderr
