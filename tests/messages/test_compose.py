import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from digestmail.editions.content import Announcement
from digestmail.messages.envelope import ReturnAddress
from digestmail.messages.shared import Shared
from digestmail.store.states import Kind, MailFormat
from digestmail.tokens import Purpose
from tests.messages.samples import (
    DAY,
    PUBLICATION,
    TOKENS,
    compose,
    composer_of,
    content_of,
    html_of,
    parsed,
    story,
    text_of,
)


class Counting(Shared):
    """Counts what is made."""

    made = 0

    def keep(self, table: dict[Any, Any], key: Any, value: Any, octets: int) -> Any:
        self.made += 1
        return super().keep(table, key, value, octets)


def test_it_composes_nothing_for_a_reader_without_stories() -> None:
    fundraiser = Announcement(id=1, title="Give", text="", link_url="", link_label="")
    composer = composer_of(content_of(story(1, 1), announcements=(fundraiser,)))
    assert (
        composer.compose(delivery_id=1, subscriber_id=1, recipient="a@example.org", topics=frozenset({2}), day=DAY)
        is None
    )


def test_it_shows_a_story_of_two_chosen_topics_once_and_names_the_other() -> None:
    message = compose(composer_of(content_of(story(1, 1, 2, 3))), 1, 2)
    assert html_of(message).count(">Headline number 1</a>") == 1
    assert "Also in" in html_of(message)
    assert "Also in [City & Region]\n" in text_of(message)


def test_it_does_not_name_a_topic_that_was_not_chosen() -> None:
    message = compose(composer_of(content_of(story(1, 1, 2, 3))), 3)
    assert "Also in" not in html_of(message)
    assert "Also in" not in text_of(message)
    assert "World" not in html_of(message)


def test_it_leaves_out_what_a_chosen_topic_showed_earlier() -> None:
    composer = composer_of(content_of(story(1, 1, earlier=(2,)), story(2, 1)))
    assert "number 1" in html_of(compose(composer, 1))
    assert "number 1" not in html_of(compose(composer, 1, 2))


def test_it_fills_in_each_readers_own_links() -> None:
    composer = composer_of(content_of(story(1, 1)))
    for reader in (5, 6):
        message = compose(composer, 1, reader=reader)
        unsubscribe = f"{PUBLICATION.url}/u/{TOKENS.make(Purpose.UNSUBSCRIBE, reader)}"
        preferences = f"{PUBLICATION.url}/p/{TOKENS.make(Purpose.PREFERENCES, reader)}"
        assert parsed(message)["List-Unsubscribe"] == f"<{unsubscribe}>"
        for link in (unsubscribe, preferences):
            assert f'href="{link}"' in html_of(message)
            assert f"{link}\n" in text_of(message)


def test_readers_share_a_section_whose_stories_their_other_topics_do_not_touch() -> None:
    shared = Counting(10**6)
    composer = composer_of(content_of(story(1, 1), story(2, 2, 3), story(3, 3)), shared=shared)
    for reader in range(3):
        compose(composer, 1, 90 + reader, reader=reader)
    compose(composer, 1, 2)
    made = shared.made
    compose(composer, 1, 2, reader=8)
    assert shared.made == made
    compose(composer, 2)
    assert shared.made == made + 2  # a place for this choice, and another subject: it leads with another story


def test_it_writes_the_readers_own_day() -> None:
    composer = composer_of(content_of(story(1, 1)))
    tomorrow = composer.compose(
        delivery_id=1,
        subscriber_id=1,
        recipient="a@example.org",
        topics=frozenset({1}),
        day=DAY + timedelta(days=1),
    )
    assert tomorrow is not None
    assert "Tuesday, 24 November 2026" in html_of(tomorrow)
    assert "Monday, 23 November 2026\n" in text_of(compose(composer, 1))


def test_its_headers_are_those_of_a_digest() -> None:
    message = parsed(compose(composer_of(content_of(story(1, 1), story(2, 1))), 1))
    assert message["From"] == "The Harbour Courier <digest@courier.example>"
    assert message["To"] == "ann@example.org"
    assert message["Date"] == "Mon, 23 Nov 2026 06:00:00 +0000"
    assert message["Subject"] == "Headline number 1, and 1 more"
    assert message["List-Id"] == "The Harbour Courier <digest.courier.example>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Feedback-ID"] == "9:digest:digestmail:courier.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["MIME-Version"] == "1.0"
    assert len(message.keys()) == len(set(message.keys()))


def test_its_envelope_has_bare_addresses_of_which_the_senders_names_the_delivery() -> None:
    message = compose(composer_of(content_of(story(1, 1))), 1)
    assert message.recipient == "ann@example.org"
    assert ReturnAddress(PUBLICATION, TOKENS).read(message.sender) == 75


def test_its_message_id_is_the_same_on_every_attempt() -> None:
    messages = [compose(composer_of(content_of(story(1, 1)), kind=Kind.WELCOME), 1) for _ in range(2)]
    assert [message.message_id for message in messages] == [
        f"<75.welcome.20261123.{TOKENS.installation}@courier.example>"
    ] * 2
    assert messages[0].data == messages[1].data
    assert parsed(messages[0])["Message-ID"] == messages[0].message_id


@pytest.mark.parametrize("recipient", ["a@example.org\r\nBcc: b@example.org", "a@example.org\n", "a\0@example.org"])
def test_it_refuses_a_recipient_that_would_forge_a_header(recipient: str) -> None:
    with pytest.raises(ValueError, match="line end or NUL"):
        compose(composer_of(content_of(story(1, 1))), 1, recipient=recipient)


def test_a_title_cannot_forge_a_header() -> None:
    message = compose(composer_of(content_of(story(1, 1, title="News\r\nBcc: b@example.org\0"))), 1)
    assert parsed(message)["Bcc"] is None
    assert parsed(message)["Subject"] == "News Bcc: b@example.org"


def test_list_headers_stand_on_one_line_each_and_links_are_short() -> None:
    publication = replace(PUBLICATION, url="https://digest.a-rather-long-name.exampl", name="Ünïcode “Courier” " * 4)
    assert len(publication.url) == 40
    data = compose(composer_of(content_of(story(1, 1)), publication=publication), 1).data
    head, _, _ = data.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if line.startswith(b"List-")]
    assert len(lines) == 3
    assert not any(b"=?" in line for line in lines)
    link = re.search(rb"List-Unsubscribe: <([^<>\r\n]+)>\r\n", data)
    assert link
    assert len(link[1]) <= 70
    assert all(re.match(rb"[A-Z][A-Za-z-]+: |[ \t]", line) for line in head.split(b"\r\n"))
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))


def test_every_line_is_short_and_ends_in_crlf() -> None:
    stories = (story(n, 1, title="長い見出し " * 40, url="https://a.example/" + "b" * 1900) for n in range(5))
    data = compose(composer_of(content_of(*stories)), 1).data
    assert data.endswith(b"\r\n")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert b"\r" not in data.replace(b"\r\n", b"")
    body = data.partition(b"\r\n\r\n")[2]
    assert max(len(line) for line in body.split(b"\r\n")) <= 78
    assert not any(line.startswith((b".", b"From ")) for line in data.split(b"\r\n"))


def test_the_plain_form_stands_first() -> None:
    message = parsed(compose(composer_of(content_of(story(1, 1))), 1))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert {part.get_content_charset() for part in message.iter_parts()} == {"utf-8"}


def test_text_alone_is_one_part_with_the_headers_of_the_other_format() -> None:
    composer = composer_of(content_of(story(1, 1), story(2, 1)))
    both, text = (compose(composer, 1, mail_format=mail_format) for mail_format in MailFormat)
    assert (both.message_id, both.sender, both.recipient) == (text.message_id, text.sender, text.recipient)
    of_the_body = {"content-type", "content-transfer-encoding"}
    headers = [
        [(name, str(value)) for name, value in parsed(message).items() if name.lower() not in of_the_body]
        for message in (both, text)
    ]
    assert headers[0] == headers[1]
    assert parsed(text)["Content-Type"] == 'text/plain; charset="utf-8"'
    assert parsed(text)["Content-Transfer-Encoding"] == "quoted-printable"
    assert b"<html" not in text.data
    assert text.data.endswith(b"\r\n")
    assert max(map(len, text.data.split(b"\r\n"))) <= 100


def test_text_alone_shows_every_story_where_html_must_count_some_and_links_to_the_browser() -> None:
    composer = composer_of(content_of(*(story(number, 1) for number in range(1, 31))), budget=20_000)
    both, text = (text_of(compose(composer, 1, mail_format=mail_format)) for mail_format in MailFormat)
    assert "more in your whole digest" in both
    assert "more in your whole digest" not in text
    assert all(f"The excerpt of story {number}," in text for number in range(1, 31))
    assert f"View in your browser:\n{PUBLICATION.url}/d/{TOKENS.make(Purpose.VIEW, 75)}\n" in text


def test_frames_of_text_alone_are_forgotten_too() -> None:
    composer = composer_of(content_of(story(1, 1)), shared=(shared := Counting(1)))
    first = compose(composer, 1, mail_format=MailFormat.TEXT)
    assert compose(composer, 1, mail_format=MailFormat.HTML)
    assert len(composer._layouts._text_frames) == 0
    assert compose(composer, 1, mail_format=MailFormat.TEXT) == first
    assert shared._held > 0


def test_one_strange_story_does_not_spoil_the_mail() -> None:
    strange = story(1, 1, title="<script>" * 700_000, excerpt="\ud800\0\x1b[2J" * 1000, url="javascript:alert(1)")
    message = compose(composer_of(content_of(strange, story(2, 1))), 1)
    assert "<script" not in html_of(message)
    assert "javascript:" not in html_of(message)
    assert ">Headline number 2</a>" in html_of(message)
    assert len(message.data) < 30_000


def test_thirty_stories_stay_below_the_size_that_mail_programs_cut() -> None:
    picture = "https://courier.example/pictures/one.jpg"
    stories = [story(n, n % 3 + 1, image_url=picture, excerpt="Some forty words of excerpt. " * 8) for n in range(30)]
    html = html_of(compose(composer_of(content_of(*stories)), 1, 2, 3))
    assert len(html.encode()) < 60_000


def test_what_was_forgotten_is_made_again() -> None:
    content = content_of(*(story(n, n % 3 + 1, (n + 1) % 3 + 1) for n in range(9)))
    forgetful, other = composer_of(content, shared=Shared(0)), composer_of(content)
    for topics in ((1,), (2, 3), (1, 2, 3), (1,), (2, 3)):
        assert compose(forgetful, *topics) == compose(other, *topics)


def test_a_topic_that_is_younger_than_the_edition_changes_nothing() -> None:
    composer = composer_of(content_of(story(1, 1)))
    assert compose(composer, 1, 99) == compose(composer, 1)


def test_messages_tell_the_wire_that_no_dot_need_be_doubled() -> None:
    dots = story(1, 1, title="." * 200, excerpt="...\n." * 50)
    message = compose(composer_of(content_of(dots, story(2, 1, title="\n.\r\n."))), 1)
    assert message.wire_ready
    assert not any(line.startswith(b".") for line in message.data.split(b"\r\n"))
