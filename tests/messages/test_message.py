from datetime import UTC, datetime, timedelta, timezone

from digestmail.messages.message import message_id
from digestmail.store.models import Kind


def test_a_message_id_has_this_form_for_ever() -> None:
    at = datetime(2026, 11, 24, 1, tzinfo=UTC)
    made = message_id(1234, kind=Kind.DIGEST, slot_at=at, installation="0a1b2c3d", domain="example.org")
    assert made == "<1234.digest.20261124.0a1b2c3d@example.org>"


def test_a_message_id_has_the_day_in_utc() -> None:
    at = datetime(2026, 11, 24, 1, tzinfo=timezone(timedelta(hours=5)))
    assert message_id(1, kind=Kind.REMINDER, slot_at=at, installation="x", domain="a.example").startswith(
        "<1.reminder.20261123."
    )
