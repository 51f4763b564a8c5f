"""What a delivery does not show: counted in the ledger at the claim, the same on each attempt."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, delete, select, update

from digestmail.deliveries import ledger
from digestmail.deliveries.hidden import hidden_announcements
from digestmail.deliveries.owner import this_process
from digestmail.store.database import Database
from digestmail.store.models import Announcement, Delivery, Edition, Subscriber
from digestmail.store.outbox import ask_for, new_delivery
from digestmail.store.states import IN_HAND, Kind, Standing, State
from digestmail.subscribers.gifts import give, take_back
from tests.deliveries.conftest import SLOT, statements

DAY = timedelta(days=1)
NONE: frozenset[int] = frozenset()


@pytest.fixture
def readers(database: Database) -> Database:
    """One with Ann, 1, and Bob, 2, and an edition, 1, that every delivery here is of."""
    with database.transaction() as session:
        for name in ("ann", "bob"):
            email = f"{name}@example.org"
            session.add(Subscriber(email=email, email_key=email, standing=Standing.ACTIVE, created_at=SLOT))
        session.add(Edition(kind=Kind.DIGEST, since_at=SLOT, slot_at=SLOT, cutoff_at=SLOT, content="{}"))
    return database


def announce(session: Session, **changes: Any) -> int:
    """An announcement from SLOT on, for ten days; its id."""
    row = Announcement(**({"title": "Give", "starts_at": SLOT, "ends_at": SLOT + 10 * DAY} | changes))
    session.add(row)
    session.flush()
    return row.id or 0


def plan(database: Database, day: int, *, reader: int = 1, state: State = State.DUE) -> int:
    """A digest of the day SLOT + `day`; its id."""
    slot_at = SLOT + day * DAY
    row = new_delivery(Kind.DIGEST, reader, scheduled_day=slot_at.date(), slot_at=slot_at, now=slot_at, edition_id=1)
    with database.transaction() as session:
        delivery = Delivery(**row | {"state": state})
        session.add(delivery)
        session.flush()
        return delivery.id or 0


def claim(database: Database) -> dict[int, frozenset[int]]:
    """What the deliveries that are due hide, by subscriber."""
    with database.writing() as connection:
        ours = ledger.open_claim(connection, owner=this_process())
        return {row.subscriber_id: row.hidden for row in ledger.claim(connection, ours, now=SLOT + 30 * DAY, limit=50)}


def end(database: Database, state: State) -> None:
    """Let what is in hand end so."""
    in_hand = update(Delivery).where(col(Delivery.claim_id).is_not(None)).values(state=state, claim_id=None)
    with database.writing() as connection:
        connection.execute(in_hand)


def sent(database: Database, *days: int) -> None:
    """Digests that went to Ann on these days."""
    for day in days:
        plan(database, day, state=State.SENT)


def test_it_is_shown_so_many_times_and_a_retry_is_like_the_first_attempt(readers: Database) -> None:
    with readers.transaction() as session:
        number = announce(session, most_times=2)
    found = []
    for day in range(4):
        plan(readers, day)
        first = claim(readers)[1]
        end(readers, State.DEFERRED)
        assert claim(readers)[1] == first
        found.append(first)
        end(readers, State.SENT)
    assert found == [NONE, NONE, {number}, {number}]


def test_what_went_out_or_may_have_counts(readers: Database) -> None:
    with readers.transaction() as session:
        number = announce(session, most_times=1)
        for state in set(State) - IN_HAND:
            email = f"{state}@example.org"
            session.add(Subscriber(email=email, email_key=email, standing=Standing.ACTIVE, created_at=SLOT))
    ids = {}
    for reader, state in enumerate(sorted(set(State) - IN_HAND), start=3):
        plan(readers, 0, reader=reader, state=state)
        ids[state] = plan(readers, 1, reader=reader)
    with readers.reading() as session:
        shown = [(row, reader, SLOT + DAY) for reader, row in enumerate(ids.values(), start=3)]
        found = hidden_announcements(session.connection(), shown)
    assert found == {ids[State.SENT]: {number}, ids[State.DOUBT]: {number}}


def test_a_mark_that_nobody_has_settled_counts(readers: Database) -> None:
    with readers.transaction() as session:
        number = announce(session, most_times=1)
    first = plan(readers, 0)
    with readers.writing() as connection:
        ours = ledger.open_claim(connection, owner=this_process())
        ledger.claim(connection, ours, now=SLOT, limit=1)
        assert ledger.mark(connection, ours, [first], now=SLOT) == {first}
    plan(readers, 1)
    assert claim(readers) == {1: {number}}


def test_a_welcome_counts_and_letters_do_not(readers: Database) -> None:
    with readers.transaction() as session:
        number = announce(session, most_times=1)
        for reader, kind in ((1, Kind.WELCOME), (2, Kind.REMINDER)):
            ask_for(session, kind, reader, now=SLOT + timedelta(hours=1))
        session.flush()
        session.connection().execute(update(Delivery).values(state=State.SENT))
    for reader in (1, 2):
        plan(readers, 1, reader=reader)
    assert claim(readers) == {1: {number}, 2: NONE}


def test_a_welcome_is_counted_for_too(readers: Database) -> None:
    with readers.transaction() as session:
        number = announce(session, most_times=1)
    sent(readers, 0)
    with readers.transaction() as session:
        ask_for(session, Kind.WELCOME, 1, now=SLOT + DAY)
        session.flush()
        session.connection().execute(update(Delivery).where(col(Delivery.kind) == Kind.WELCOME).values(edition_id=1))
    assert claim(readers) == {1: {number}}


def test_what_came_before_it_began_is_not_counted(readers: Database) -> None:
    with readers.transaction() as session:
        announce(session, most_times=1, starts_at=SLOT + timedelta(microseconds=1))
    sent(readers, -3, -2, -1, 0)
    plan(readers, 1)
    assert claim(readers) == {1: NONE}


def test_a_digest_of_a_slot_before_it_began_does_not_show_it(readers: Database) -> None:
    """It goes out late, and would not be counted."""
    with readers.transaction() as session:
        number = announce(session, most_times=1, starts_at=SLOT + timedelta(hours=1))
        announce(session, season="year-end", starts_at=SLOT + timedelta(hours=1))
    plan(readers, 0)
    assert claim(readers) == {1: {number}}


def test_days_are_those_of_whoever_is_furthest_behind(readers: Database) -> None:
    """West of the date line a slot may lie on the day before that of its instant in UTC."""
    with readers.transaction() as session:
        number = announce(session, most_times=1)
        row = new_delivery(Kind.DIGEST, 1, scheduled_day=(SLOT - DAY).date(), slot_at=SLOT, now=SLOT, edition_id=1)
        session.add(Delivery(**row | {"state": State.SENT}))
    plan(readers, 1)
    assert claim(readers) == {1: {number}}


def test_each_announcement_has_its_own_limit_and_start(readers: Database) -> None:
    with readers.transaction() as session:
        once = announce(session, most_times=1)
        thrice = announce(session, most_times=3)
        later = announce(session, most_times=1, starts_at=SLOT + 2 * DAY)
        announce(session)
    sent(readers, 0, 1, 2)
    for reader in (1, 2):
        plan(readers, 3, reader=reader)
    assert claim(readers) == {1: {once, thrice, later}, 2: NONE}


def test_who_gave_sees_no_announcement_of_the_season_until_it_is_taken_back(readers: Database) -> None:
    with readers.transaction() as session:
        first, second = (announce(session, season="year-end") for _ in range(2))
        give(session, 1, now=SLOT)
        announce(session, season="roof")
        third = announce(session, season="year-end")
    for reader in (1, 2):
        plan(readers, 0, reader=reader)
    assert claim(readers) == {1: {first, second, third}, 2: NONE}
    end(readers, State.SENT)
    with readers.transaction() as session:
        take_back(session, 1, now=SLOT)
    plan(readers, 1)
    assert claim(readers) == {1: NONE}


def test_a_limit_and_a_season_work_together(readers: Database) -> None:
    with readers.transaction() as session:
        number = announce(session, season="year-end", most_times=1)
        give(session, 2, now=SLOT)
    sent(readers, 0)
    for reader in (1, 2):
        plan(readers, 1, reader=reader)
    assert claim(readers) == {1: {number}, 2: {number}}


def test_deliveries_of_several_slots_are_told_apart(readers: Database) -> None:
    with readers.transaction() as session:
        number = announce(session, most_times=2)
    sent(readers, 0, 1, 2)
    with readers.reading() as session:
        shown = [
            (row.id or 0, row.subscriber_id, row.slot_at)
            for row in session.exec(select(Delivery).order_by(col(Delivery.id)))
        ]
        found = hidden_announcements(session.connection(), shown)
    assert found == {shown[2][0]: {number}}


def test_while_none_has_a_limit_or_a_season_one_look_is_all(readers: Database) -> None:
    with readers.transaction() as session:
        announce(session)
        announce(session, most_times=1, season="old", starts_at=SLOT - 9 * DAY, ends_at=SLOT - 2 * DAY)
    plan(readers, 0)
    with statements(readers) as caught:
        assert claim(readers) == {1: NONE}
    assert [text for text, _ in caught if "gifts" in text or "UNION ALL" in text] == []
    assert len([text for text, _ in caught if "announcements" in text]) == 1


def test_letters_do_not_even_take_the_look(readers: Database) -> None:
    with readers.transaction() as session:
        announce(session, most_times=1)
        ask_for(session, Kind.REMINDER, 1, now=SLOT)
    with statements(readers) as caught:
        assert claim(readers) == {1: NONE}
    assert [text for text, _ in caught if "announcements" in text] == []


def test_what_the_ledger_has_forgotten_is_not_counted(readers: Database) -> None:
    with readers.transaction() as session:
        announce(session, most_times=1)
    sent(readers, 0)
    with readers.writing() as connection:
        connection.execute(delete(Delivery))
    plan(readers, 1)
    assert claim(readers) == {1: NONE}
