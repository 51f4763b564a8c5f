"""The seeded readers as their digests are composed: the day's content, and each one's topics."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import col, select

from digestmail.editions.assemble import news
from digestmail.editions.content import Content
from digestmail.language import english
from digestmail.messages.alone import plain_rendering
from digestmail.messages.publication import Publication
from digestmail.messages.template import Rendering
from digestmail.store.database import Database
from digestmail.store.models import Subscriber, Subscription
from digestmail.tokens import Purpose, Tokens
from tests.bench.seed import Seeded


@dataclass(frozen=True, slots=True)
class Reader:
    """Whom a digest is for."""

    id: int
    email: str
    topics: frozenset[int]


def content_of(database: Database, seeded: Seeded, *, now: datetime) -> Content:
    """What the edition of the slot will hold; nothing is written."""
    with database.reading() as session:
        return news(session, since_at=seeded.since_at, cutoff_at=now, now=now)


def readers(database: Database, *, limit: int, emails: list[str] | None = None) -> Iterator[Reader]:
    """The first of those who are seeded, or those with these addresses."""
    who = select(Subscriber.id, Subscriber.email)
    chosen = who.where(col(Subscriber.email_key).in_(emails)) if emails else who
    with database.reading() as session:
        rows = session.exec(chosen.order_by(col(Subscriber.id)).limit(limit))
        found = {number: email for number, email in rows if number is not None}
        topics: defaultdict[int, set[int]] = defaultdict(set)
        pairs = select(Subscription.subscriber_id, Subscription.topic_id)
        inside = (
            col(Subscription.subscriber_id).in_(list(found)) if emails else Subscription.subscriber_id <= max(found)
        )
        for number, topic in session.exec(pairs.where(inside)):
            topics[number].add(topic)
    for number, email in found.items():
        yield Reader(number, email, frozenset(topics[number]))


def rendered_alone(
    reader: Reader, content: Content, *, delivery_id: int, day: date, publisher: Publication, tokens: Tokens
) -> Rendering | None:
    """A reader's digest, rendered for that reader alone from the template on; None where there is nothing for them."""
    return plain_rendering(
        content,
        topics=reader.topics,
        publication=publisher,
        language=english(),
        day=day,
        unsubscribe=tokens.make(Purpose.UNSUBSCRIBE, reader.id),
        preferences=tokens.make(Purpose.PREFERENCES, reader.id),
        view=tokens.make(Purpose.VIEW, delivery_id),
        gave=tokens.make(Purpose.GAVE, reader.id),
    )
