"""Webhooks: only those that are configured exist, and each answers as providers expect."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import select

from digestmail.clock import system_clock
from digestmail.settings import load_settings
from digestmail.store.database import Database
from digestmail.store.models import Bounce, Subscriber, Suppression
from digestmail.store.states import Standing
from digestmail.web.app import create_app
from tests.deliveries.bounces.letters import READER
from tests.deliveries.bounces.test_providers import SECRETS, mailgun, mailgun_event, postmark

BOUNCE = postmark({"RecordType": "Bounce", "Type": "HardBounce", "Email": READER, "ID": 42, "Details": "no such user"})


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A database with one reader."""
    path = tmp_path / "digestmail.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    with database.transaction() as session:
        now = system_clock()
        session.add(Subscriber(email=READER, email_key=READER, standing=Standing.ACTIVE, created_at=now))
    yield database
    database.engine.dispose()


def client(database: Database, **settings: str) -> TestClient:
    given = {"DIGESTMAIL_DATA_DIR": str(Path(str(database.url.database)).parent), **settings}
    return TestClient(create_app(load_settings(given)), raise_server_exceptions=False)


def suppressed(database: Database) -> list[str]:
    with database.reading() as session:
        assert len(session.exec(select(Bounce)).all()) <= 1
        return list(session.exec(select(Suppression.email_key)))


def test_what_a_provider_tells_is_counted_once(database: Database) -> None:
    with client(database, **SECRETS) as web:
        for _ in range(2):
            assert web.post("/bounces/postmark", content=BOUNCE.body, headers=dict(BOUNCE.headers)).status_code == 204
    assert suppressed(database) == [READER]


def test_without_its_secret_a_webhook_does_not_exist(database: Database) -> None:
    with client(database, DIGESTMAIL_MAILGUN_KEY=SECRETS["DIGESTMAIL_MAILGUN_KEY"]) as web:
        for provider in ("postmark", "ses", "sendgrid", "other"):
            assert web.post(f"/bounces/{provider}", content=BOUNCE.body).status_code == 404
        assert web.get("/bounces/mailgun").status_code == 405
        call = mailgun(mailgun_event(severity="permanent"), at=system_clock())
        assert web.post("/bounces/mailgun", content=call.body).status_code == 204
    with client(database) as web:
        assert web.post("/bounces/mailgun", content=call.body).status_code == 404
    assert suppressed(database) == []


def test_what_is_not_proven_or_not_readable_changes_nothing(database: Database) -> None:
    with client(database, **SECRETS) as web:
        refused = web.post("/bounces/postmark", content=BOUNCE.body)
        assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
        assert web.post("/bounces/sendgrid", content=b"[]").status_code == 403
        assert web.post("/bounces/mailgun", content=json.dumps({})).status_code == 403
        assert web.post("/bounces/ses", content=b"{").status_code == 400
        assert web.post("/bounces/ses", content=b"x" * 2_000_000).status_code == 413
    assert suppressed(database) == []


def test_while_the_database_is_away_the_provider_is_to_come_again(database: Database) -> None:
    with client(database, **SECRETS) as web:
        with database.writing() as connection:
            connection.execute(text("ALTER TABLE bounces RENAME TO elsewhere"))
        answer = web.post("/bounces/postmark", content=BOUNCE.body, headers=dict(BOUNCE.headers))
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
        with database.writing() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO bounces"))
        assert web.post("/bounces/postmark", content=BOUNCE.body, headers=dict(BOUNCE.headers)).status_code == 204
    assert suppressed(database) == [READER]
