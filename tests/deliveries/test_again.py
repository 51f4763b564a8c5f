"""Asking for the last digest again: once however often one presses, a few times a day, and never in vain unsaid."""

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import col, select, update

from digestmail.deliveries.again import MOST_COPIES, Answer, Asked, ask_again
from digestmail.editions.content import Content, Topic
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Edition, Subscriber, Subscription, Suppression
from digestmail.store.models import Topic as TopicRow
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind, Standing, State
from tests.deliveries.conftest import SLOT
from tests.messages.samples import story

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def ann(database: Database) -> Database:
    """A ledger with Ann, 1, who chose the first of two topics and has had nothing yet."""
    with database.transaction() as session:
        session.add(Subscriber(email="ann@x.org", email_key="ann@x.org", standing=Standing.ACTIVE, created_at=SLOT))
        session.add_all(TopicRow(slug=f"t{number}", name=f"Topic {number}") for number in (1, 2))
        session.flush()
        session.add(Subscription(subscriber_id=1, topic_id=1))
    return database


def deliver(database: Database, at: datetime, *, kind: Kind = Kind.DIGEST, state: State = State.SENT) -> int:
    """A delivery to Ann of an edition of its own; the edition's id."""
    topics = tuple(Topic(id=number, slug=f"t{number}", name=f"Topic {number}") for number in (1, 2))
    content = Content(topics=topics, stories=(story(1, 1),)).to_json()
    with database.transaction() as session:
        edition = Edition(kind=kind, since_at=at, slot_at=at, cutoff_at=at, content=content, planned=1)
        session.add(edition)
        session.flush()
        day: date | None = at.date() if kind == Kind.DIGEST else None
        row = new_delivery(kind, 1, scheduled_day=day, slot_at=at, now=at, edition_id=edition.id)
        session.add(Delivery(**row | {"state": state}))
        return edition.id or 0


def ask(database: Database, at: datetime) -> Asked:
    with database.transaction() as session:
        asked = ask_again(session, 1, now=at)
    assert asked
    return asked


def copies(database: Database) -> list[Delivery]:
    with database.reading() as session:
        return list(session.exec(select(Delivery).where(Delivery.kind == Kind.COPY).order_by(col(Delivery.id))))


def send(database: Database) -> None:
    """Let all copies go out."""
    with database.writing() as connection:
        connection.execute(update(Delivery).where(col(Delivery.kind) == Kind.COPY).values(state=State.SENT))


def test_the_last_that_went_out_is_copied(ann: Database) -> None:
    deliver(ann, SLOT - DAY, kind=Kind.WELCOME)
    deliver(ann, SLOT + DAY, state=State.DUE)
    last = deliver(ann, SLOT)
    deliver(ann, SLOT + 2 * DAY, state=State.EXPIRED)
    assert ask(ann, SLOT + 2 * DAY).answer == Answer.COMES
    [copy] = copies(ann)
    assert (copy.edition_id, copy.scheduled_day, copy.state, copy.due_at) == (last, None, State.DUE, SLOT + 2 * DAY)
    with ann.reading() as session:
        assert session.get_one(Edition, last).planned == 2


def test_a_welcome_is_copied_where_it_is_the_last(ann: Database) -> None:
    last = deliver(ann, SLOT, kind=Kind.WELCOME)
    assert ask(ann, SLOT + HOUR).answer == Answer.COMES
    assert [copy.edition_id for copy in copies(ann)] == [last]


def test_who_presses_twice_gets_one(ann: Database) -> None:
    deliver(ann, SLOT)
    for at in (SLOT, SLOT + SECOND, SLOT + HOUR):  # it waits still, as while the mail server is away
        assert ask(ann, at).answer == Answer.COMES
    assert len(copies(ann)) == 1
    send(ann)
    ask(ann, SLOT + 2 * HOUR)
    send(ann)
    assert ask(ann, SLOT + 2 * HOUR + MINUTE - SECOND).answer == Answer.COMES
    assert len(copies(ann)) == 2


def test_after_the_next_digest_that_one_is_copied(ann: Database) -> None:
    deliver(ann, SLOT)
    ask(ann, SLOT)
    last = deliver(ann, SLOT + 13 * HOUR)
    ask(ann, SLOT + 13 * HOUR)
    assert [copy.edition_id for copy in copies(ann)] == [last - 1, last]


def test_more_than_a_few_in_a_day_are_refused_until_the_first_is_a_day_old(ann: Database) -> None:
    deliver(ann, SLOT)
    for number in range(MOST_COPIES):
        assert ask(ann, SLOT + number * HOUR).answer == Answer.COMES
        send(ann)
    for at in (SLOT + 4 * HOUR, SLOT + DAY - SECOND):
        refused = ask(ann, at)
        assert (refused.answer, refused.again_at) == (Answer.ENOUGH, SLOT + DAY)
    assert len(copies(ann)) == MOST_COPIES
    assert ask(ann, SLOT + DAY).answer == Answer.COMES
    assert len(copies(ann)) == MOST_COPIES + 1


def test_without_a_last_digest_there_is_nothing_to_send(ann: Database) -> None:
    deliver(ann, SLOT, state=State.DUE)
    deliver(ann, SLOT - DAY, state=State.SKIPPED)
    assert ask(ann, SLOT).answer == Answer.NONE
    assert copies(ann) == []


def test_a_last_digest_without_the_present_topics_is_not_sent(ann: Database) -> None:
    deliver(ann, SLOT)
    with ann.writing() as connection:
        connection.execute(update(Subscription).values(topic_id=2))
    assert ask(ann, SLOT).answer == Answer.EMPTY
    assert copies(ann) == []


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.UNSUBSCRIBED])
def test_nothing_goes_to_who_does_not_want_it(ann: Database, standing: Standing) -> None:
    deliver(ann, SLOT)
    with ann.writing() as connection:
        connection.execute(update(Subscriber).values(standing=standing))
    assert ask(ann, SLOT).answer == Answer.UNWANTED
    assert copies(ann) == []


def test_nothing_goes_to_an_address_that_is_suppressed(ann: Database) -> None:
    deliver(ann, SLOT)
    with ann.transaction() as session:
        session.add(Suppression(email_key="ann@x.org", reason="550 5.1.1", created_at=SLOT))
    assert ask(ann, SLOT).answer == Answer.UNWANTED
    assert copies(ann) == []


def test_an_unknown_reader_gets_no_answer(ann: Database) -> None:
    with ann.transaction() as session:
        assert ask_again(session, 99, now=SLOT) is None
