"""A copy in the ledger: it looks as what it repeats, is accounted for, and is no digest of its own."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session, col, delete, select, update

from digestmail.deliveries import ledger, retention
from digestmail.deliveries.accounts import accounts, editions_that_differ
from digestmail.deliveries.doubt import Doubt
from digestmail.deliveries.hidden import hidden_announcements
from digestmail.deliveries.mailroom import Mailroom
from digestmail.deliveries.owner import this_process
from digestmail.editions.content import Content, Topic
from digestmail.settings import CATCH_UP
from digestmail.store.database import Database
from digestmail.store.models import Announcement, Delivery, Edition, Subscriber, Subscription
from digestmail.store.models import Topic as TopicRow
from digestmail.store.outbox import ask_for, count_planned, new_delivery
from digestmail.store.states import Kind, MailFormat, Standing, State
from digestmail.subscribers.gifts import give
from digestmail.subscribers.next_digest import reschedule
from digestmail.tokens import Purpose
from tests.deliveries.conftest import SLOT
from tests.messages.samples import PUBLICATION, TOKENS, html_of, parsed, story, text_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NONE: frozenset[int] = frozenset()
LOCAL_DAY = date(2026, 11, 24)


@pytest.fixture
def ledger_of_ann(database: Database) -> Database:
    """One in which Ann, 1, has had a digest, 1, of her 24 November, in slot SLOT."""
    content = Content(topics=(Topic(id=1, slug="climate", name="Climate"),), stories=(story(1, 1), story(2, 1)))
    with database.transaction() as session:
        session.add(Subscriber(email="ann@x.org", email_key="ann@x.org", standing=Standing.ACTIVE, created_at=SLOT))
        session.add(TopicRow(slug="climate", name="Climate"))
        at = {"since_at": SLOT - DAY, "slot_at": SLOT, "cutoff_at": SLOT}
        session.add(Edition(kind=Kind.DIGEST, content=content.to_json(), **at))
        session.flush()
        session.add(Subscription(subscriber_id=1, topic_id=1))
        digest(session, SLOT, LOCAL_DAY)
    return database


def digest(session: Session, slot_at: object, day: date, state: State = State.SENT) -> None:
    """A digest of Ann's."""
    row = new_delivery(Kind.DIGEST, 1, scheduled_day=day, slot_at=slot_at, now=SLOT, edition_id=1)  # type: ignore[arg-type]
    session.add(Delivery(**row | {"state": state, "settled_at": slot_at if state == State.SENT else None}))
    count_planned(session.connection(), 1, 1)
    session.flush()


def copy(database: Database, after: timedelta = HOUR) -> int:
    """Ask for a copy of it; the copy's id."""
    with database.transaction() as session:
        ask_for(session, Kind.COPY, 1, edition_id=1, now=SLOT + after)
        session.flush()
        return session.exec(select(Delivery.id).order_by(col(Delivery.id).desc())).first() or 0


def claim(database: Database) -> list[ledger.Claimed]:
    with database.writing() as connection:
        ours = ledger.open_claim(connection, owner=this_process())
        return ledger.claim(connection, ours, now=SLOT + 9 * DAY, limit=50)


def announce(session: Session, **changes: object) -> int:
    """An announcement that runs, shown once to each; its id."""
    row = Announcement(**({"title": "Give", "starts_at": SLOT - DAY, "ends_at": SLOT + 9 * DAY} | changes))
    session.add(row)
    session.flush()
    return row.id or 0


def test_it_has_the_day_of_what_it_repeats_and_the_readers_present_topics(ledger_of_ann: Database) -> None:
    number = copy(ledger_of_ann)
    with ledger_of_ann.writing() as connection:
        connection.execute(update(Subscriber).values(mail_format=MailFormat.TEXT))
    [row] = claim(ledger_of_ann)
    assert (row.id, row.kind, row.day, row.slot_at) == (number, Kind.COPY, LOCAL_DAY, SLOT + HOUR)
    assert (row.topics, row.unwanted, row.mail_format) == ({1}, "", MailFormat.TEXT)


def test_where_what_it_repeats_is_forgotten_it_has_its_own_day(ledger_of_ann: Database) -> None:
    copy(ledger_of_ann)
    with ledger_of_ann.writing() as connection:
        connection.execute(delete(Delivery).where(col(Delivery.kind) == Kind.DIGEST))
    [row] = claim(ledger_of_ann)
    assert row.day == SLOT.date()


def test_who_has_left_meanwhile_gets_none(ledger_of_ann: Database) -> None:
    copy(ledger_of_ann)
    with ledger_of_ann.writing() as connection:
        connection.execute(update(Subscriber).values(standing=Standing.UNSUBSCRIBED))
    [row] = claim(ledger_of_ann)
    assert row.unwanted == "unsubscribed"


def test_it_shows_what_was_shown_then_but_nothing_that_its_reader_gave_for(ledger_of_ann: Database) -> None:
    with ledger_of_ann.transaction() as session:
        announce(session, most_times=1)
        season = announce(session, season="year-end")
        later = announce(session, most_times=5, starts_at=SLOT + timedelta(minutes=1))
    copy(ledger_of_ann)
    assert [row.hidden for row in claim(ledger_of_ann)] == [{later}]
    with ledger_of_ann.transaction() as session:
        give(session, 1, now=SLOT)
    copy(ledger_of_ann)
    assert [row.hidden for row in claim(ledger_of_ann)] == [{later, season}]


def test_copies_do_not_count_for_what_was_shown_how_often(ledger_of_ann: Database) -> None:
    with ledger_of_ann.transaction() as session:
        number = announce(session, most_times=2)
    for minutes in (1, 2):
        copy(ledger_of_ann, timedelta(minutes=minutes))
    with ledger_of_ann.transaction() as session:
        session.connection().execute(update(Delivery).values(state=State.SENT))
        for days in (1, 2):
            digest(session, SLOT + days * DAY, LOCAL_DAY + days * DAY)
        digests = select(Delivery).where(Delivery.kind == Kind.DIGEST).order_by(col(Delivery.id))
        shown = [(row.id or 0, 1, row.slot_at) for row in session.exec(digests)]
        found = hidden_announcements(session.connection(), shown)
    assert found == {shown[-1][0]: {number}}


def test_it_moves_no_slot(ledger_of_ann: Database) -> None:
    slots = []
    for _ in range(2):
        with ledger_of_ann.transaction() as session:
            ann = session.get_one(Subscriber, 1)
            reschedule(session, ann, now=SLOT + 13 * HOUR)
            slots.append((ann.next_send_at, ann.next_day))
        copy(ledger_of_ann, 13 * HOUR)
    assert slots[0] == slots[1]


def test_the_next_digest_does_not_take_its_place(ledger_of_ann: Database) -> None:
    copy(ledger_of_ann)
    with ledger_of_ann.writing() as connection:
        assert ledger.replace(connection, [1], since_day=LOCAL_DAY - DAY, now=SLOT + DAY) == 0
        assert ledger.expire(connection, now=SLOT + 9 * HOUR, catch_up=CATCH_UP) == 0
        assert ledger.expire(connection, now=SLOT + 26 * HOUR, catch_up=CATCH_UP) == 1
        assert connection.execute(select(Subscriber.window_start_at)).scalar_one() is None


def test_the_accounts_balance_with_copies(ledger_of_ann: Database) -> None:
    for minutes in (1, 2):
        copy(ledger_of_ann, timedelta(minutes=minutes))
    with ledger_of_ann.reading(at_one_moment=True) as session:
        found = accounts(session.connection())
        assert editions_that_differ(session.connection()) == []
    assert {kind: (account.planned, account.open, account.missing) for kind, account in found.items()} == {
        Kind.DIGEST: (1, 0, 0),
        Kind.COPY: (2, 2, 0),
    }


def test_a_copy_that_vanishes_is_missing(ledger_of_ann: Database) -> None:
    copy(ledger_of_ann)
    with ledger_of_ann.writing() as connection:
        connection.execute(delete(Delivery).where(col(Delivery.kind) == Kind.COPY))
    with ledger_of_ann.reading(at_one_moment=True) as session:
        assert sum(account.missing for account in accounts(session.connection()).values()) == 1
        assert editions_that_differ(session.connection()) == [(1, 2, 1)]


def test_the_edition_is_kept_as_long_as_its_copies(ledger_of_ann: Database) -> None:
    copy(ledger_of_ann)
    with ledger_of_ann.writing() as connection:
        assert retention.prune(connection, before=SLOT + DAY) == 1  # the digest
        connection.execute(update(Delivery).values(state=State.SENT, settled_at=SLOT))
    with ledger_of_ann.reading(at_one_moment=True) as session:
        assert accounts(session.connection())[Kind.COPY].missing == 0
        assert editions_that_differ(session.connection()) == []
    with ledger_of_ann.writing() as connection:
        assert retention.prune(connection, before=SLOT + DAY) == 2
        assert connection.execute(select(Edition.id)).all() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_its_message_is_the_digests_with_a_name_and_a_date_of_its_own(ledger_of_ann: Database) -> None:
    number = copy(ledger_of_ann, DAY + HOUR)
    mailroom = Mailroom(ledger_of_ann, PUBLICATION, TOKENS)
    [row] = claim(ledger_of_ann)
    sent = mailroom.compose(row._replace(id=1, kind=Kind.DIGEST, slot_at=SLOT))
    again = mailroom.compose(row)
    assert sent
    assert again
    assert again == mailroom.compose(row)
    assert parsed(again)["Subject"] == parsed(sent)["Subject"] == "Headline number 1, and 1 more"
    assert parsed(again)["Date"].datetime == SLOT + DAY + HOUR
    assert "Tuesday, 24 November 2026" in text_of(again)
    links = (TOKENS.make(Purpose.VIEW, number), TOKENS.make(Purpose.VIEW, 1))
    assert again.message_id.startswith(f"<{number}.copy.20261124.")
    assert parsed(again)["Message-ID"] == again.message_id
    assert again.sender != sent.sender
    assert html_of(again).replace(*links) == html_of(sent)
    doubt = Doubt(number, Kind.COPY, 1, None, row.slot_at, 1, None, SLOT)
    assert mailroom.identify(doubt) == again.message_id
