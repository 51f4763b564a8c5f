"""An invented newsroom's edition, and how the tests read a message back."""

import email
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP

from digestmail.editions.content import Announcement, Content, Story, Topic
from digestmail.language import Language, english
from digestmail.messages.alone import plain_rendering
from digestmail.messages.budget import BUDGET
from digestmail.messages.compose import DigestComposer
from digestmail.messages.message import Message
from digestmail.messages.publication import Publication
from digestmail.messages.shared import Shared
from digestmail.messages.template import Rendering
from digestmail.store.states import Kind, MailFormat
from digestmail.tokens import Purpose, Tokens

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
DAY = date(2026, 11, 23)
ENGLISH = english()
TOKENS = Tokens("a secret for tests that is long enough")
PUBLICATION = Publication(
    name="The Harbour Courier",
    url="https://digest.harbour-courier.example",
    sender="The Harbour Courier <digest@courier.example>",
    sender_of_letters="The Harbour Courier <hello@courier.example>",
    bounces="bounces+*@courier.example",
    postal_address="Quay 4, 2100 Port Ellery",
    time_zone="Europe/Copenhagen",
)
TOPICS = (
    Topic(id=1, slug="world", name="World"),
    Topic(id=2, slug="city", name="City & Region"),
    Topic(id=3, slug="science", name="Science"),
)


def story(number: int, *topics: int, **changes: object) -> Story:
    """A story of the sample newsroom."""
    values: dict[str, object] = {
        "id": number,
        "title": f"Headline number {number}",
        "url": f"https://courier.example/stories/{number}?from=feed&page=1",
        "excerpt": f"The excerpt of story {number}, as long as excerpts are, with “quotes” & a few more words to wrap.",
        "author": "Ilinca Dobre",
        "source": "The Harbour Courier",
        "image_url": "",
        "published_at": datetime(2026, 11, 23, 5, number % 60, tzinfo=UTC),
        "topics": topics,
        "earlier": (),
    }
    return Story(**(values | changes))  # type: ignore[arg-type]


def content_of(*stories: Story, announcements: tuple[Announcement, ...] = ()) -> Content:
    """An edition of these stories."""
    return Content(topics=TOPICS, stories=stories, announcements=announcements)


def composer_of(
    content: Content,
    *,
    kind: Kind = Kind.DIGEST,
    publication: Publication = PUBLICATION,
    language: Language = ENGLISH,
    shared: Shared | None = None,
    budget: int = BUDGET,
) -> DigestComposer:
    """Its composer, in slot AT."""
    return DigestComposer(
        content,
        kind=kind,
        slot_at=AT,
        edition_id=9,
        publication=publication,
        language=language,
        tokens=TOKENS,
        shared=shared,
        budget=budget,
    )


def alone(
    content: Content,
    *topics: int,
    reader: int = 5,
    kind: Kind = Kind.DIGEST,
    publication: Publication = PUBLICATION,
    language: Language = ENGLISH,
    budget: int | None = BUDGET,
    hidden: frozenset[int] = frozenset(),
    mail_format: MailFormat = MailFormat.HTML,
) -> Rendering | None:
    """What `compose` composes, rendered for this reader alone."""
    return plain_rendering(
        content,
        topics=topics,
        kind=kind,
        publication=publication,
        language=language,
        day=DAY,
        unsubscribe=TOKENS.make(Purpose.UNSUBSCRIBE, reader),
        preferences=TOKENS.make(Purpose.PREFERENCES, reader),
        view=TOKENS.make(Purpose.VIEW, 70 + reader),
        gave=TOKENS.make(Purpose.GAVE, reader),
        hidden=hidden,
        budget=budget,
        mail_format=mail_format,
    )


def compose(
    composer: DigestComposer,
    *topics: int,
    reader: int = 5,
    recipient: str = "ann@example.org",
    hidden: frozenset[int] = frozenset(),
    mail_format: MailFormat = MailFormat.HTML,
) -> Message:
    """The message of a reader, who must get one."""
    message = composer.compose(
        delivery_id=70 + reader,
        subscriber_id=reader,
        recipient=recipient,
        topics=frozenset(topics),
        day=DAY,
        hidden=hidden,
        mail_format=mail_format,
    )
    assert message is not None
    return message


def parsed(message: Message) -> EmailMessage:
    """The message as Python's parser reads it, which must find no defect."""
    read = email.message_from_bytes(message.data, policy=SMTP.clone(raise_on_defect=True))
    assert isinstance(read, EmailMessage)
    assert not [defect for part in read.walk() for defect in part.defects]
    return read


def html_of(message: Message) -> str:
    """The HTML form, decoded; lines end in "\\n"."""
    return form_of(message, "html")


def text_of(message: Message) -> str:
    """The plain form, decoded; lines end in "\\n"."""
    return form_of(message, "plain")


def form_of(message: Message, kind: str) -> str:
    """One form of a message, decoded."""
    body = parsed(message).get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    assert "\n" not in content.replace("\r\n", "")
    return content.replace("\r\n", "\n")
