"""From a claimed delivery to its message, with a memory that does not grow with the readers."""

import gc
import json
import weakref
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlmodel import col, select

from digestmail.deliveries.ledger import Claimed
from digestmail.deliveries.mailroom import Mailroom
from digestmail.editions.content import Announcement, Content, Topic
from digestmail.messages.compose import DigestComposer
from digestmail.messages.shared import Shared
from digestmail.store.database import Database
from digestmail.store.models import Edition, Item
from digestmail.store.states import Kind, MailFormat
from tests.messages.samples import PUBLICATION, TOKENS, html_of, parsed, story, text_of

SLOT = datetime(2026, 11, 23, 6, tzinfo=UTC)
TOPICS = tuple(Topic(id=number, slug=f"t{number}", name=f"Topic {number}") for number in range(1, 11))


@pytest.fixture
def mailroom(tmp_path: Path, sqlite_template: Path) -> Mailroom:
    """One over a database with the editions 1 to 12, each with a story of its own, and 13 of much overlap."""
    path = tmp_path / "digestmail.db"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(f"sqlite:///{path}")
    contents = [Content(topics=TOPICS, stories=(story(number, 1),)) for number in range(1, 13)]
    contents.append(Content(topics=TOPICS, stories=tuple(story(n, *range(1 + n % 5, 11)) for n in range(1, 31))))
    with database.transaction() as session:
        for number, content in enumerate(contents):
            since_at = SLOT - timedelta(hours=number)
            session.add(
                Edition(kind=Kind.DIGEST, since_at=since_at, slot_at=SLOT, cutoff_at=SLOT, content=content.to_json())
            )
            session.flush()
    return Mailroom(database, PUBLICATION, TOKENS)


def claimed(
    edition_id: int | None,
    *topics: int,
    kind: Kind = Kind.DIGEST,
    email: str = "ann@example.org",
    locale: str = "en",
) -> Claimed:
    return Claimed(
        id=7,
        kind=kind,
        subscriber_id=5,
        email=email,
        slot_at=SLOT,
        day=date(2026, 11, 24),
        edition_id=edition_id,
        attempts=1,
        topics=frozenset(topics),
        unwanted="",
        locale=locale,
    )


def test_a_delivery_becomes_the_message_of_its_kind_and_edition(mailroom: Mailroom) -> None:
    digest = mailroom.compose(claimed(3, 1))
    assert digest
    assert ">Headline number 3</a>" in html_of(digest)
    assert "Tuesday, 24 November 2026" in html_of(digest)
    assert mailroom.compose(claimed(3, 2)) is None
    for kind, words in (
        (Kind.CONFIRMATION, "Please confirm"),
        (Kind.REMINDER, "You already get"),
        (Kind.ACCESS, "Your link to what"),
        (Kind.MOVE, "come here?"),
        (Kind.MOVING, "about to move"),
    ):
        letter = mailroom.compose(claimed(None, kind=kind))
        assert letter
        assert words in str(parsed(letter)["Subject"])


def test_a_hidden_announcement_is_left_out_of_the_readers_message_alone(mailroom: Mailroom) -> None:
    block = Announcement(id=4, title="Give", text="", link_url="", link_label="", season="year-end")
    with mailroom._database.transaction() as session:
        content = Content(topics=TOPICS, stories=(story(1, 1),), announcements=(block,))
        session.get_one(Edition, 1).content = content.to_json()
    for hidden, shown in ((frozenset[int](), True), (frozenset({4}), False), (frozenset({3}), True)):
        message = mailroom.compose(claimed(1, 1)._replace(hidden=hidden))
        assert message
        assert ("I already gave" in html_of(message)) == shown


def test_everybody_is_written_to_in_their_own_language(mailroom: Mailroom) -> None:
    for locale, day, confirm in (
        ("es", "Martes, 24 de noviembre de 2026", "Confirma"),
        ("ar", "الثلاثاء، 24 نوفمبر 2026", "يُرجى"),
        ("en", "Tuesday, 24 November 2026", "Please"),
        ("tlh", "Tuesday, 24 November 2026", "Please"),
    ):
        digest, letter = (
            mailroom.compose(claimed(*given, kind=kind, locale=locale))
            for given, kind in (((3, 1), Kind.DIGEST), ((None,), Kind.CONFIRMATION))
        )
        assert digest
        assert letter
        assert day in html_of(digest)
        assert str(parsed(letter)["Subject"]).startswith(confirm)
    assert list(mailroom._editions) == [(3, "es"), (3, "ar"), (3, "en")]


def test_who_wants_text_gets_no_html_of_the_same_edition(mailroom: Mailroom) -> None:
    both, text = (mailroom.compose(claimed(3, 1)._replace(mail_format=mail_format)) for mail_format in MailFormat)
    assert both
    assert text
    assert html_of(both)
    assert parsed(text).get_content_type() == "text/plain"
    assert "Headline number 3" in text_of(text)
    assert both.message_id == text.message_id
    assert list(mailroom._editions) == [(3, "en")]
    letter = mailroom.compose(claimed(None, kind=Kind.REMINDER)._replace(mail_format=MailFormat.TEXT))
    assert letter
    assert html_of(letter)


def test_what_fails_for_one_reader_fails_for_that_reader_only(mailroom: Mailroom) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="line end or NUL"):
            mailroom.compose(claimed(1, 1, email="a@example.org\r\nBcc: b@example.org"))
        assert mailroom.compose(claimed(1, 1))


def test_an_edition_is_rendered_once_and_few_are_kept(mailroom: Mailroom) -> None:
    first = mailroom.compose(claimed(1, 1))
    composer = weakref.ref(mailroom._editions[1, "en"])
    for number in range(2, 9):
        mailroom.compose(claimed(number, 1))
    assert mailroom.compose(claimed(1, 1)) == first
    assert composer() is mailroom._editions[1, "en"]
    for number in range(2, 13):
        mailroom.compose(claimed(number, 1))
    assert len(mailroom._editions) == 8
    gc.collect()
    assert composer() is None
    assert mailroom.compose(claimed(1, 1)) == first


def test_its_memory_does_not_grow_with_the_readers(mailroom: Mailroom) -> None:
    room = 300_000
    mailroom._shared = Shared(room)
    for choice in range(1, 1024, 2):
        topics = [number for number in range(1, 11) if choice >> (number - 1) & 1]
        assert mailroom.compose(claimed(13, *topics))
    assert 0 < mailroom._shared._held <= room


def test_a_story_that_cannot_be_rendered_is_left_out_and_told_once(mailroom: Mailroom) -> None:
    """Its title is no text, as where a row was written by hand; nothing that a feed can bring does this."""
    database = mailroom._database
    with database.transaction() as session:
        for number in (1, 2, 3):
            at = {"published_at": SLOT, "seen_at": SLOT}
            session.add(Item(id=number, url=f"https://example.org/{number}", link_key="", title="x", **at))
        edition = session.get_one(Edition, 1)
        raw = json.loads(Content(topics=TOPICS, stories=tuple(story(n, 1) for n in (1, 2, 3))).to_json())
        raw["stories"][1]["title"] = None
        edition.content = json.dumps(raw)
    stale = Mailroom(database, PUBLICATION, TOKENS)
    with structlog.testing.capture_logs() as logs:
        for room in (mailroom, stale, mailroom):
            message = room.compose(claimed(1, 1))
            assert message
            assert [f"number {n}<" in html_of(message) for n in (1, 2, 3)] == [True, False, True]
    assert [line["item"] for line in logs] == [2]
    with database.reading() as session:
        broken = [item.broken is not None for item in session.exec(select(Item).order_by(col(Item.id)))]
    assert broken == [False, True, False]


def test_a_worker_that_rendered_before_the_poison_was_found_looks_again(
    mailroom: Mailroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mailroom.compose(claimed(13, 1))
    first = mailroom._editions[13, "en"]
    monkeypatch.setattr(type(first), "compose", fails_of(first))
    assert mailroom.compose(claimed(13, 1))
    assert mailroom._editions[13, "en"] is not first


def fails_of(broken: DigestComposer) -> Any:
    """A `compose` that fails with one composer."""
    usual = DigestComposer.compose

    def compose(composer: DigestComposer, **values: Any) -> Any:
        if composer is broken:
            raise RuntimeError
        return usual(composer, **values)

    return compose
