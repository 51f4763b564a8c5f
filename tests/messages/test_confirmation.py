from dataclasses import replace

import pytest

from digestmail.messages.confirmation import LETTERS, LetterComposer
from digestmail.messages.envelope import ReturnAddress
from digestmail.messages.message import Message
from digestmail.messages.publication import Publication
from digestmail.store.states import Kind
from digestmail.tokens import Purpose
from tests.messages.samples import AT, ENGLISH, PUBLICATION, TOKENS, html_of, parsed, text_of


def compose(
    kind: Kind, *, delivery_id: int, recipient: str = "ann@example.org", publication: Publication = PUBLICATION
) -> Message:
    letters = LetterComposer(publication, TOKENS, ENGLISH)
    return letters.compose(kind, delivery_id=delivery_id, subscriber_id=5, recipient=recipient, date_at=AT)


def test_a_confirmation_asks_with_one_link() -> None:
    message = compose(Kind.CONFIRMATION, delivery_id=3)
    link = f"{PUBLICATION.url}/c/{TOKENS.make(Purpose.CONFIRM, 3)}"
    assert html_of(message).count("<a ") == 1
    assert f'href="{link}"' in html_of(message)
    assert text_of(message).count("https://") == 1
    assert f"\n{link}\n" in text_of(message)


def test_a_confirmation_is_not_yet_of_a_list() -> None:
    letter = compose(Kind.CONFIRMATION, delivery_id=3)
    message = parsed(letter)
    assert not [name for name in message if name.startswith("List-")]
    assert message["Subject"] == "Please confirm your daily digest from The Harbour Courier"
    assert message["Message-ID"] == f"<3.confirmation.20261123.{TOKENS.installation}@courier.example>"
    assert message["Date"] == "Mon, 23 Nov 2026 06:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert (message["From"], message["To"]) == (PUBLICATION.sender_of_letters, "ann@example.org")
    assert ReturnAddress(PUBLICATION, TOKENS).read(letter.sender) == 3


def test_a_reminder_leads_to_the_preferences_and_out() -> None:
    message = compose(Kind.REMINDER, delivery_id=4)
    for form in (html_of(message), text_of(message)):
        assert f"{PUBLICATION.url}/p/{TOKENS.make(Purpose.PREFERENCES, 5)}" in form
        assert f"{PUBLICATION.url}/u/{TOKENS.make(Purpose.UNSUBSCRIBE, 5)}" in form
    assert message.message_id == f"<4.reminder.20261123.{TOKENS.installation}@courier.example>"
    assert parsed(message)["Subject"] == "You already get the daily digest from The Harbour Courier"


def test_letters_show_nothing_of_the_person_they_go_to() -> None:
    first, second = (
        compose(Kind.CONFIRMATION, delivery_id=3, recipient=recipient)
        for recipient in ("ann@example.org", "buy-now@spam.example")
    )
    assert html_of(first) == html_of(second)
    assert text_of(first) == text_of(second)


def test_no_line_of_a_letter_begins_with_a_dot() -> None:
    dots = replace(PUBLICATION, name="... " + "." * 70, postal_address="." * 300)
    message = compose(Kind.CONFIRMATION, delivery_id=3, publication=dots)
    assert message.wire_ready
    assert not any(line.startswith(b".") for line in message.data.split(b"\r\n"))


@pytest.mark.parametrize(
    ("kind", "path", "purpose"),
    [
        (Kind.ACCESS, "me", Purpose.ACCESS),
        (Kind.MOVE, "move", Purpose.MOVE),
        (Kind.MOVING, "stay", Purpose.STAY),
    ],
)
def test_a_letter_about_ones_own_data_has_the_one_link_of_its_purpose(kind: Kind, path: str, purpose: Purpose) -> None:
    message = compose(kind, delivery_id=3)
    link = f"{PUBLICATION.url}/{path}/{TOKENS.make(purpose, 3)}"
    assert html_of(message).count("<a ") == text_of(message).count("https://") == 1
    assert f'href="{link}"' in html_of(message)
    assert f"\n{link}\n" in text_of(message)


@pytest.mark.parametrize("kind", LETTERS)
def test_no_letter_says_an_address_or_what_a_reader_typed(kind: Kind) -> None:
    message = compose(kind, delivery_id=3, recipient="buy-now@spam.example")
    assert "buy-now" not in html_of(message) + text_of(message)
