"""A digest as its reader sees it on the web: whole, where the mail had to leave stories out."""

from dataclasses import dataclass
from datetime import UTC

from sqlmodel import Session

from digestmail.deliveries.copies import Original, originals
from digestmail.deliveries.hidden import hidden_announcements
from digestmail.editions.content import Content
from digestmail.language import Language, english, language_of
from digestmail.messages.alone import whole_page
from digestmail.messages.publication import Publication
from digestmail.store.models import Delivery, Edition, Subscriber
from digestmail.store.states import Kind
from digestmail.subscribers.choices import topics_of
from digestmail.tokens import Purpose, Tokens


@dataclass(frozen=True, slots=True)
class View:
    """A digest on the web; `html` is None where the reader's present topics have no story in it."""

    html: str | None
    preferences: str
    """The token of the reader's preferences."""
    language: Language
    """The reader's."""


def view_digest(session: Session, delivery_id: int, *, publication: Publication, tokens: Tokens) -> View | None:
    """The whole digest of a delivery, in the reader's present topics; None where it is no longer kept."""
    delivery = session.get(Delivery, delivery_id)
    edition = session.get(Edition, delivery.edition_id) if delivery and delivery.edition_id else None
    if delivery is None or edition is None:
        return None
    reader = session.get(Subscriber, delivery.subscriber_id)
    language = language_of(reader.locale) if reader else english()
    preferences = tokens.make(Purpose.PREFERENCES, delivery.subscriber_id)
    utc_day = delivery.slot_at.astimezone(UTC).date()
    itself = Original(delivery_id, delivery.slot_at, delivery.scheduled_day or utc_day)
    sent = originals(session.connection(), [delivery_id]).get(delivery_id, itself)
    shown = [(sent.id, delivery.subscriber_id, sent.slot_at)]
    html = whole_page(
        Content.from_json(edition.content),
        topics=topics_of(session, delivery.subscriber_id),
        kind=Kind(edition.kind),
        publication=publication,
        language=language,
        day=sent.day,
        unsubscribe=tokens.make(Purpose.UNSUBSCRIBE, delivery.subscriber_id),
        preferences=preferences,
        gave=tokens.make(Purpose.GAVE, delivery.subscriber_id),
        hidden=hidden_announcements(session.connection(), shown).get(sent.id, ()),
    )
    return View(html, preferences, language)
