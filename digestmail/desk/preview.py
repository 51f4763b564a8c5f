"""What a reader of some topics would get now, without sending or keeping anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, select

from digestmail.desk.service import Service
from digestmail.editions.assemble import newest, news
from digestmail.editions.content import Content
from digestmail.editions.select import select as select_stories
from digestmail.errors import InputError
from digestmail.language import Language
from digestmail.messages.compose import DigestComposer
from digestmail.messages.confirmation import LETTERS, LetterComposer
from digestmail.messages.forms import html_of, text_of
from digestmail.messages.message import Message
from digestmail.messages.sample import sample_edition
from digestmail.store.models import Topic
from digestmail.store.states import Kind, MailFormat
from digestmail.subscribers.choices import find_topics

_WINDOW = timedelta(hours=24)
_ANYBODY = "reader@example.org"


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail in its three forms."""

    html: str
    """Empty in a mail that is text alone."""
    text: str
    message: Message


def preview_digest(
    session: Session,
    service: Service,
    *,
    topics: Sequence[str] = (),
    kind: Kind = Kind.DIGEST,
    language: Language,
    now: datetime,
    recipient: str = _ANYBODY,
    mail_format: MailFormat = MailFormat.HTML,
) -> Preview:
    """The digest (or welcome) of the last 24 hours for a reader of `topics` (slugs; all where none is named), or of
    the newest items where those had none.

    Raises InputError for an unknown topic and where there is nothing to show at all.
    """
    chosen = find_topics(session, topics or session.exec(select(Topic.slug)).all())
    content = news(session, since_at=now - _WINDOW, cutoff_at=now, now=now)
    if not select_stories(content, chosen).stories:
        content = newest(session, now=now)
    if not select_stories(content, chosen).stories:
        raise InputError("These topics have no items yet. Fetch the feeds with: digestmail collect")
    composer = _composer(service, content, kind=kind, language=language, now=now)
    return _composed(service, composer, chosen, now=now, recipient=recipient, mail_format=mail_format)


def preview_sample(
    service: Service, *, kind: Kind, language: Language, now: datetime, mail_format: MailFormat = MailFormat.HTML
) -> Preview:
    """The mail of that kind with an invented edition, where it shows one; letters have both forms for everybody."""
    if kind not in LETTERS:
        content = sample_edition(url=service.publication.url, now=now)
        everything = frozenset(topic.id for topic in content.topics)
        composer = _composer(service, content, kind=kind, language=language, now=now)
        return _composed(service, composer, everything, now=now, recipient=_ANYBODY, mail_format=mail_format)
    letters = LetterComposer(service.publication, service.tokens, language)
    return _preview(letters.compose(kind, delivery_id=0, subscriber_id=0, recipient=_ANYBODY, date_at=now))


def _composer(service: Service, content: Content, *, kind: Kind, language: Language, now: datetime) -> DigestComposer:
    return DigestComposer(
        content,
        kind=kind,
        slot_at=now,
        edition_id=0,
        publication=service.publication,
        language=language,
        tokens=service.tokens,
    )


def _composed(
    service: Service,
    composer: DigestComposer,
    topics: frozenset[int],
    *,
    now: datetime,
    recipient: str,
    mail_format: MailFormat,
) -> Preview:
    day = now.astimezone(ZoneInfo(service.publication.time_zone)).date()
    message = composer.compose(
        delivery_id=0, subscriber_id=0, recipient=recipient, topics=topics, day=day, mail_format=mail_format
    )
    assert message  # noqa: S101 - these topics have stories
    return _preview(message)


def _preview(message: Message) -> Preview:
    return Preview(html_of(message), text_of(message), message)
