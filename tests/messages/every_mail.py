"""Every mail in every form, to hold what all of them must keep against each."""

from collections.abc import Iterator
from dataclasses import replace

from digestmail.editions.content import Announcement
from digestmail.language import Language
from digestmail.messages.confirmation import LETTERS, LetterComposer
from digestmail.messages.look import Look
from digestmail.messages.message import Message
from digestmail.messages.notice import Told, compose_notice
from digestmail.store.states import Kind, Trouble
from tests.messages.samples import AT, ENGLISH, PUBLICATION, TOKENS, compose, composer_of, content_of, story

_APPEAL = Announcement(
    id=1, title="A calm winter", text="One.\n\nTwo.", link_url="https://a.example", link_label="Join"
)


def every_mail(*, look: Look | None = None, language: Language = ENGLISH) -> Iterator[Message]:
    """The digest, whole and cut, the welcome, the letters and the notice."""
    publication = replace(PUBLICATION, look=look or Look())
    stories = [
        story(1, 1, 2, image_url="https://courier.example/1.jpg", language="ar"),
        story(2, 2, url=""),
        story(3, 3, more=12, excerpt=""),
        *(story(number, 1) for number in range(4, 30)),
    ]
    content = content_of(*stories, announcements=(_APPEAL,))
    for kind, budget in ((Kind.DIGEST, 90_000), (Kind.DIGEST, 20_000), (Kind.WELCOME, 90_000)):
        composer = composer_of(content, kind=kind, budget=budget, publication=publication, language=language)
        yield compose(composer, 1, 2, 3)
    letters = LetterComposer(publication, TOKENS, language)
    for kind in LETTERS:
        yield letters.compose(kind, delivery_id=3, subscriber_id=5, recipient="ann@example.org", date_at=AT)
    yield compose_notice(
        [
            Told(feed_id=1, name="A", url="https://a.example/feed", trouble=Trouble.GONE, text="A is gone."),
            Told(feed_id=2, name="B", url="", trouble=None, text="B can be read again."),
        ],
        known=["C"],
        notices=[1],
        recipient="ann@example.org",
        publication=publication,
        installation="x",
        date_at=AT,
    )
