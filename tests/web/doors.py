"""Every door of the web app, and keys that fit: all routes, and values for what stands in their addresses."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from digestmail.editions.content import Content, Story, Topic
from digestmail.feeds.naming import searchable
from digestmail.store.models import Announcement, Delivery, Edition, Feed, Item, ItemTopic
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind
from digestmail.tokens import Purpose
from tests.web.conftest import Web

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Door:
    """A route: its address with names in braces, and its methods."""

    path: str
    methods: frozenset[str]


def doors(app: FastAPI) -> Iterator[Door]:
    """All routes of the app but the static files'."""
    for context in iter_route_contexts(app.routes):
        path, methods = getattr(context, "path", None), getattr(context, "methods", None)
        if path and methods:
            yield Door(path, frozenset(methods))


def print_item(web: Web, number: int, *topics: int, seen_at: datetime = AT, **changes: object) -> None:
    """Store an item that was news in topics (the first one, if none is named)."""
    values: dict[str, object] = {
        "id": number,
        "url": f"https://courier.example/{number}",
        "link_key": f"courier.example/{number}",
        "title": f"Headline number {number}",
        "excerpt": f"The excerpt of story {number}.",
        "published_at": seen_at,
        "seen_at": seen_at,
    }
    place = {name: changes.pop(name) for name in ("news", "quarantined_by") if name in changes}
    values |= changes
    said = (str(values.get(name, "")) for name in ("title", "excerpt", "author", "source"))
    with web.database.transaction() as session:
        session.add(Item(**values, search_text=searchable(*said)))
        session.flush()
        for topic in topics or (1,):
            session.add(ItemTopic(item_id=number, topic_id=topic, seen_at=seen_at, **place))


def furnish(web: Web) -> dict[str, list[str]]:
    """Put something behind every door: readers of each standing, a digest, an announcement, items and a feed.

    Returns good values for the names in addresses; a token for each purpose on each of the first rows.
    """
    readers = [web.subscribe(f"reader{number}@example.org") for number in range(3)]
    web.sign_up("pending@example.org")
    web.client.post(web.link(Purpose.UNSUBSCRIBE, readers[1]))
    story = Story(
        id=1,
        title="A headline",
        url="https://example.org/1",
        excerpt="Some words.",
        author="",
        source="",
        image_url="https://cdn.example/1.jpg",
        published_at=AT,
        topics=(1,),
    )
    content = Content(topics=(Topic(id=1, slug="climate", name="Climate"),), stories=(story,))
    with web.database.transaction() as session:
        edition = Edition(kind=Kind.DIGEST, since_at=AT, slot_at=AT, cutoff_at=AT, content=content.to_json())
        session.add(edition)
        session.add(Announcement(title="Give", season="roof", starts_at=AT, ends_at=datetime(2027, 1, 1, tzinfo=UTC)))
        session.add(Feed(url="https://example.org/feed", next_poll_at=AT))
        session.flush()
        for reader in readers:
            day = date(2026, 11, 20)
            row = new_delivery(Kind.DIGEST, reader, scheduled_day=day, slot_at=AT, now=AT, edition_id=edition.id)
            session.add(Delivery(**row))
    for number in range(1, 4):
        print_item(web, number)
    web.client.post(f"{web.link(Purpose.PREFERENCES, readers[0])}/data")
    access = web.tokens.make(Purpose.ACCESS, max(int(str(row[0])) for row in web.rows()["deliveries"]))
    web.client.post(f"/me/{access}/address", data={"email": "moved@example.org"})
    numbers = (*range(1, 1 + len(web.rows()["deliveries"])), 99)
    tokens = [web.tokens.make(purpose, number) for purpose in Purpose for number in numbers]
    return {
        "token": tokens,
        "slug": ["climate", "labour", "nothing"],
        "day": ["2026-11-23", "2026-11-24", "2020-01-01", "2027-01-01"],
        "feed_id": ["1", "99"],
        "verdict": ["let-through", "mark-seen"],
        "provider": ["postmark", "ses", "nobody"],
        "key": ["nothing"],
        "name": ["nothing.jpg"],
    }
