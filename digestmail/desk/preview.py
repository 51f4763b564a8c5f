"""What a reader of some topics would get now, without sending or keeping anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from digestmail.desk.service import Service
from digestmail.editions.assemble import newest, news
from digestmail.editions.select import select
from digestmail.errors import InputError
from digestmail.language import Language
from digestmail.messages.alone import plain_rendering
from digestmail.messages.compose import DigestComposer
from digestmail.messages.message import Message
from digestmail.store.states import Kind
from digestmail.subscribers.choices import find_topics
from digestmail.tokens import Purpose

_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Preview:
    """A digest in its three forms."""

    html: str
    text: str
    message: Message


def preview_digest(
    session: Session,
    service: Service,
    *,
    topics: Sequence[str],
    language: Language,
    now: datetime,
    recipient: str = "reader@example.org",
) -> Preview:
    """The digest of the last 24 hours for a reader of `topics` (slugs), or of the newest items where those had none.

    Raises InputError for an unknown topic and where there is nothing to show at all.
    """
    chosen = find_topics(session, topics)
    content = news(session, since_at=now - _WINDOW, cutoff_at=now, now=now)
    if not select(content, chosen).stories:
        content = newest(session, now=now)
    day = now.astimezone(ZoneInfo(service.publication.time_zone)).date()
    rendering = plain_rendering(
        content,
        topics=chosen,
        publication=service.publication,
        language=language,
        day=day,
        unsubscribe=service.tokens.make(Purpose.UNSUBSCRIBE, 0),
        preferences=service.tokens.make(Purpose.PREFERENCES, 0),
        view=service.tokens.make(Purpose.VIEW, 0),
    )
    composer = DigestComposer(
        content,
        kind=Kind.DIGEST,
        slot_at=now,
        edition_id=0,
        publication=service.publication,
        language=language,
        tokens=service.tokens,
    )
    message = composer.compose(delivery_id=0, subscriber_id=0, recipient=recipient, topics=chosen, day=day)
    if rendering is None or message is None:
        raise InputError("These topics have no items yet. Fetch the feeds with: digestmail collect")
    return Preview(rendering.html, rendering.text, message)
