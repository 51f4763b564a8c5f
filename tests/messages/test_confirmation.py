from dataclasses import replace

from digestmail.messages.confirmation import LetterComposer
from digestmail.messages.envelope import ReturnAddress
from digestmail.tokens import Purpose
from tests.messages.samples import AT, ENGLISH, PUBLICATION, TOKENS, html_of, parsed, text_of

LETTERS = LetterComposer(PUBLICATION, TOKENS, ENGLISH)


def test_a_confirmation_asks_with_one_link() -> None:
    message = LETTERS.confirmation(delivery_id=3, recipient="ann@example.org", date_at=AT)
    link = f"{PUBLICATION.url}/c/{TOKENS.make(Purpose.CONFIRM, 3)}"
    assert html_of(message).count("<a ") == 1
    assert f'href="{link}"' in html_of(message)
    assert text_of(message).count("https://") == 1
    assert f"\n{link}\n" in text_of(message)


def test_a_confirmation_is_not_yet_of_a_list() -> None:
    letter = LETTERS.confirmation(delivery_id=3, recipient="ann@example.org", date_at=AT)
    message = parsed(letter)
    assert not [name for name in message if name.startswith("List-")]
    assert message["Subject"] == "Please confirm your daily digest from The Harbour Courier"
    assert message["Message-ID"] == f"<3.confirmation.20261123.{TOKENS.installation}@courier.example>"
    assert message["Date"] == "Mon, 23 Nov 2026 06:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert (message["From"], message["To"]) == (PUBLICATION.sender_of_letters, "ann@example.org")
    assert ReturnAddress(PUBLICATION, TOKENS).read(letter.sender) == 3


def test_a_reminder_leads_to_the_preferences_and_out() -> None:
    message = LETTERS.reminder(delivery_id=4, subscriber_id=5, recipient="ann@example.org", date_at=AT)
    for form in (html_of(message), text_of(message)):
        assert f"{PUBLICATION.url}/p/{TOKENS.make(Purpose.PREFERENCES, 5)}" in form
        assert f"{PUBLICATION.url}/u/{TOKENS.make(Purpose.UNSUBSCRIBE, 5)}" in form
    assert message.message_id == f"<4.reminder.20261123.{TOKENS.installation}@courier.example>"
    assert parsed(message)["Subject"] == "You already get the daily digest from The Harbour Courier"


def test_letters_show_nothing_of_the_person_they_go_to() -> None:
    first, second = (
        LETTERS.confirmation(delivery_id=3, recipient=recipient, date_at=AT)
        for recipient in ("ann@example.org", "buy-now@spam.example")
    )
    assert html_of(first) == html_of(second)
    assert text_of(first) == text_of(second)


def test_no_line_of_a_letter_begins_with_a_dot() -> None:
    dots = replace(PUBLICATION, name="... " + "." * 70, postal_address="." * 300)
    message = LetterComposer(dots, TOKENS, ENGLISH).confirmation(delivery_id=3, recipient="ann@example.org", date_at=AT)
    assert message.wire_ready
    assert not any(line.startswith(b".") for line in message.data.split(b"\r\n"))
