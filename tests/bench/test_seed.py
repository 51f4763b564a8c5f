"""The seeded publication: as many as were asked for, and choices that differ."""

import random
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import col, func, select

from digestmail.store.database import Database
from digestmail.store.models import Item, ItemTopic, Subscriber, Subscription
from tests.bench.options import Options
from tests.bench.readers import content_of, readers
from tests.bench.seed import come, popularity, seed, topic_set


def test_so_many_are_due_when_their_slot_has_come(database: Database, now: datetime) -> None:
    told: list[int] = []
    options = Options(subscribers=40, total=300, topics=8, items=12)
    seeded = seed(database, options, now=now, on_rows=told.append)
    come(database, waits_until=seeded.waits_until, slot_at=now)
    with database.reading() as session:
        due = select(func.count(col(Subscriber.id))).where(col(Subscriber.next_send_at) <= now)
        assert session.exec(due).one() == 40
        assert session.exec(select(func.count(col(Subscriber.id)))).one() == 300
        with_topics = select(func.count(col(Subscription.subscriber_id).distinct()))
        assert session.exec(with_topics).one() == 300
        assert session.exec(select(func.count(col(Item.id)))).one() == 12
        assert session.exec(select(func.count(col(ItemTopic.topic_id).distinct()))).one() == 8
    assert told[-1] == 300
    assert 100 < seeded.topic_sets <= 300


def test_after_seeding_a_sign_up_gets_a_new_number(database: Database, now: datetime) -> None:
    seed(database, Options(subscribers=20, total=20), now=now, on_rows=lambda _: None)
    with database.transaction() as session:
        new = Subscriber(email="new@x.example", email_key="new@x.example", created_at=now)
        session.add(new)
        session.flush()
        assert new.id == 21


def test_every_reader_has_something_to_read(database: Database, now: datetime) -> None:
    seeded = seed(database, Options(subscribers=50, total=50), now=now, on_rows=lambda _: None)
    content = content_of(database, seeded, now=now + timedelta(seconds=1))
    shown = {topic for story in content.stories for topic in story.topics}
    some = list(readers(database, limit=50))
    assert len(some) == 50
    assert all(reader.topics and reader.topics & shown for reader in some)
    assert [each.id for each in readers(database, limit=9, emails=[some[7].email])] == [some[7].id]


@given(st.integers(1, 40), st.integers())
def test_a_choice_holds_each_topic_once(topics: int, number: int) -> None:
    chosen = topic_set(random.Random(number), topics, popularity(topics))
    assert chosen
    assert list(chosen) == sorted(set(chosen))
    assert set(chosen) <= set(range(1, topics + 1))
