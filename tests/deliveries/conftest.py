"""Readers with digests that are due."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from digestmail.store.database import Database
from digestmail.store.models import Delivery, Edition, Subscriber, Subscription, Topic
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind, Standing

SLOT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@contextmanager
def statements(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are executed, each with its parameters, as the driver gets them."""
    caught: list[tuple[str, Any]] = []

    def catch(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        caught.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", catch)
    try:
        yield caught
    finally:
        event.remove(database.engine, "before_cursor_execute", catch)


@pytest.fixture
def due(database: Database) -> Callable[[int], list[int]]:
    """Adds readers r0@example.org, r1@… of one topic, each with a digest due at SLOT; gives the deliveries' ids."""

    def add(count: int) -> list[int]:
        with database.transaction() as session:
            topic = Topic(slug="climate", name="Climate")
            edition = Edition(kind=Kind.DIGEST, since_at=SLOT, slot_at=SLOT, cutoff_at=SLOT, content="{}")
            session.add_all([topic, edition])
            session.flush()
            for number in range(count):
                email = f"r{number}@example.org"
                reader = Subscriber(
                    email=email,
                    email_key=email,
                    standing=Standing.ACTIVE,
                    created_at=SLOT,
                    confirmed_at=SLOT,
                    window_start_at=SLOT,
                )
                session.add(reader)
                session.flush()
                assert reader.id is not None
                assert topic.id is not None
                session.add(Subscription(subscriber_id=reader.id, topic_id=topic.id))
                row = new_delivery(
                    Kind.DIGEST,
                    reader.id,
                    scheduled_day=date(2026, 11, 23),
                    slot_at=SLOT,
                    now=SLOT,
                    edition_id=edition.id,
                )
                session.add(Delivery(**row))
            session.flush()
            return [number for number in session.exec(select(Delivery.id)) if number is not None]

    return add
