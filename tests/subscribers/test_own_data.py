"""The file has everything that is kept of a reader: the test walks through the tables, so that none is forgotten."""

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlmodel import Session, SQLModel

from digestmail.store.models import Bounce, Delivery, Gift, LiftedSuppression, Subscriber, Suppression
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Bounced, Kind, State
from digestmail.subscribers.consent import Event
from digestmail.subscribers.erasure import erase
from digestmail.subscribers.known import known_of
from digestmail.subscribers.move import ask_to_move, move
from digestmail.subscribers.own_data import FORMAT, LEFT_OUT, own_data
from tests.subscribers.conftest import FORM
from tests.subscribers.people import FINGERPRINT, active, letters, subscriber

PARTS = {
    "subscribers": "subscriber",
    "subscriptions": "topics",
    "consent_events": "consent",
    "deliveries": "deliveries",
    "bounces": "bounces",
    "gifts": "gifts",
    "suppressions": "suppressions",
    "lifted_suppressions": "lifted_suppressions",
}
"""Which part of the file a table is."""


def known(session: Session, *, now: datetime) -> int:
    reader = active(session, now=now)
    digest = new_delivery(Kind.DIGEST, reader, scheduled_day=date(2026, 11, 24), slot_at=now, now=now)
    session.add_all(
        [
            Delivery(**digest | {"state": State.SENT, "settled_at": now}),
            Gift(subscriber_id=reader, season="year-end", at=now),
            Bounce(fingerprint="x", subscriber_id=reader, kind=Bounced.SOFT, reason="full", source="dsn", at=now),
            Suppression(email_key="ann@example.org", reason="by hand: asked", created_at=now),
            LiftedSuppression(
                email_key="ann@example.org", reason="hard", created_at=now, lifted_at=now, lifted_for="a slip"
            ),
        ]
    )
    session.flush()
    return reader


def file_of(session: Session, reader: int, *, now: datetime) -> dict[str, Any]:
    """As a program reads it."""
    found = own_data(session, reader, now=now)
    loaded: dict[str, Any] = json.loads(json.dumps(found))
    return loaded


def test_every_column_of_every_table_that_names_a_reader_is_there_or_left_out_on_purpose(
    session: Session, now: datetime
) -> None:
    named = {
        name: {column.name for column in table.columns}
        for name, table in SQLModel.metadata.tables.items()
        if {"subscriber_id", "email", "email_key"} & {column.name for column in table.columns}
    }
    assert named.keys() == PARTS.keys() == LEFT_OUT.keys()
    found = file_of(session, known(session, now=now), now=now)
    for table, columns in named.items():
        part = found[PARTS[table]]
        first = part[0] if isinstance(part, list) else part
        assert first.keys() >= columns - LEFT_OUT[table], table


def test_its_shape_stays_the_same(session: Session, now: datetime) -> None:
    """Programs read it: whoever changes this changes the number in its format, and docs/privacy.md."""
    found = file_of(session, known(session, now=now), now=now)
    assert found["format"] == FORMAT == "digestmail own data 1"
    assert list(found) == [
        *("format", "made_at", "subscriber", "topics", "consent", "deliveries", "bounces", "gifts"),
        *("suppressions", "lifted_suppressions", "not_kept"),
    ]
    assert found["made_at"] == "2026-11-23T12:00:00Z"
    assert found["topics"] == [{"slug": "climate", "name": "Climate"}]
    assert found["subscriber"] | {"id": 1} == {
        "id": 1,
        "email": "ann@example.org",
        "standing": "active",
        "time_zone": "Europe/Berlin",
        "hour": 7,
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "locale": "en",
        "source": "form",
        "created_at": "2026-11-23T12:00:00Z",
        "confirmed_at": "2026-11-23T12:00:00Z",
        "unsubscribed_at": None,
        "confirmations": 0,
        "next_send_at": "2026-11-24T06:00:00Z",
        "next_day": "2026-11-24",
        "window_start_at": "2026-11-23T12:00:00Z",
        "paused_until_day": None,
        "mail_format": "html",
        "moving_to": [],
    }
    assert found["deliveries"][-1] == {
        "kind": "digest",
        "scheduled_day": "2026-11-24",
        "slot_at": "2026-11-23T12:00:00Z",
        "state": "sent",
        "attempts": 0,
        "dotted_at": None,
        "settled_at": "2026-11-23T12:00:00Z",
        "reason": None,
        "created_at": "2026-11-23T12:00:00Z",
    }
    assert found["consent"][0] == {
        "event": "signed up",
        "wording": found["consent"][0]["wording"],
        "at": "2026-11-23T12:00:00Z",
        "source": "form",
        "ip": "203.0.113.0/24",
        "user_agent": "Browser/1.0",
        "reason": "",
        "locale": "en",
    }


def test_it_has_nothing_of_others(session: Session, now: datetime) -> None:
    reader = active(session, "bob@example.org", now=now)
    known(session, now=now)
    found = file_of(session, reader, now=now)
    assert "ann@" not in json.dumps(found)
    assert [found[part] for part in ("bounces", "gifts", "suppressions", "lifted_suppressions")] == [[]] * 4


def test_a_move_that_waits_is_named_and_one_that_was_made_leaves_its_letter(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    ask_to_move(session, reader, "ann@new.example", fingerprint=FINGERPRINT, now=now)
    session.flush()
    assert file_of(session, reader, now=now)["subscriber"]["moving_to"] == ["ann@new.example"]
    [number] = letters(session, subscriber(session, "ann@new.example").id or 0, Kind.MOVE)
    move(session, number, origin=FORM, now=now)
    found = file_of(session, reader, now=now)
    assert found["subscriber"]["moving_to"] == []
    assert found["consent"][-1]["event"] == Event.MOVED
    assert {row["kind"] for row in found["deliveries"]} == {"confirmation", "welcome", "moving", "move"}


def test_a_pause_is_told_by_the_readers_own_calendar(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    row = session.get_one(Subscriber, reader)
    row.paused_until_day = date(2026, 11, 24)
    for zone, until in (("Pacific/Kiritimati", None), ("Europe/Berlin", date(2026, 11, 24))):
        row.time_zone = zone
        session.flush()
        found = known_of(session, reader, now=now)
        assert found
        assert found.paused_until_day == until


def test_of_who_was_forgotten_or_never_known_there_is_no_file(session: Session, now: datetime) -> None:
    reader = known(session, now=now)
    erase(session, reader, fingerprint=FINGERPRINT, now=datetime.now(UTC))
    assert own_data(session, reader, now=now) is own_data(session, 99, now=now) is None
