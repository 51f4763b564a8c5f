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
from digestmail.language import Language
from digestmail.messages.compose import DigestComposer
from digestmail.messages.confirmation import LetterComposer
from digestmail.messages.forms import html_of, text_of
from digestmail.messages.message import Message
from digestmail.messages.sample import sample_edition
from digestmail.store.models import Topic
from digestmail.store.states import Kind
from digestmail.subscribers.choices import find_topics

_WINDOW = timedelta(hours=24)
_ANYBODY = "reader@example.org"


@dataclass(frozen=True, slots=True)
class Preview:
    """A mail in its three forms; `invented` where it shows a sample, there being no items."""

    html: str
    text: str
    message: bytes
    invented: bool


def preview_mail(
    session: Session,
    service: Service,
    *,
    mail: Kind = Kind.DIGEST,
    topics: Sequence[str] = (),
    sample: bool = False,
    language: Language,
    now: datetime,
) -> Preview:
    """The mail as a reader of `topics` (slugs; all where there are none) gets it in that language.

    A digest shows the last 24 hours, or the newest items where those had none, or with `sample`, or where there are no
    items at all, an invented edition. Raises InputError for an unknown topic.
    """
    if mail in (Kind.CONFIRMATION, Kind.REMINDER):
        return _preview(_letter(service, mail, language=language, now=now), invented=False)
    content, chosen = _items(session, topics, now=now)
    invented = sample or not select_stories(content, chosen).stories
    if invented:
        content = sample_edition(url=service.publication.url, now=now)
        chosen = frozenset(topic.id for topic in content.topics)
    composer = DigestComposer(
        content,
        kind=mail,
        slot_at=now,
        edition_id=0,
        publication=service.publication,
        language=language,
        tokens=service.tokens,
    )
    day = now.astimezone(ZoneInfo(service.publication.time_zone)).date()
    message = composer.compose(delivery_id=0, subscriber_id=0, recipient=_ANYBODY, topics=chosen, day=day)
    assert message  # noqa: S101 - the sample has stories for all its topics
    return _preview(message, invented=invented)


def _items(session: Session, slugs: Sequence[str], *, now: datetime) -> tuple[Content, frozenset[int]]:
    chosen = find_topics(session, slugs or session.exec(select(Topic.slug)).all())
    content = news(session, since_at=now - _WINDOW, cutoff_at=now, now=now)
    if not select_stories(content, chosen).stories:
        content = newest(session, now=now)
    return content, chosen


def _letter(service: Service, mail: Kind, *, language: Language, now: datetime) -> Message:
    letters = LetterComposer(service.publication, service.tokens, language)
    if mail is Kind.CONFIRMATION:
        return letters.confirmation(delivery_id=0, recipient=_ANYBODY, date_at=now)
    return letters.reminder(delivery_id=0, subscriber_id=0, recipient=_ANYBODY, date_at=now)


def _preview(message: Message, *, invented: bool) -> Preview:
    return Preview(html_of(message), text_of(message), message.data, invented)
