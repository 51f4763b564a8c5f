from datetime import date

import pytest

from digestmail.messages.message import message_id, message_number
from digestmail.store.states import Kind


@pytest.mark.parametrize(
    ("kind", "identity"),
    [
        (Kind.DIGEST, "<r7.digest.20261124.0a1b2c3d@example.org>"),
        (Kind.WELCOME, "<1234.welcome.20261124.0a1b2c3d@example.org>"),
        (Kind.CONFIRMATION, "<1234.confirmation.20261124.0a1b2c3d@example.org>"),
    ],
)
def test_a_message_id_has_this_form_for_ever(kind: Kind, identity: str) -> None:
    day = date(2026, 11, 24)
    number = message_number(kind, delivery_id=1234, subscriber_id=7)
    made = message_id(number, kind, day=day, installation="0a1b2c3d", domain="example.org")
    assert made == identity
