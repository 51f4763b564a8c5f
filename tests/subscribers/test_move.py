"""A subscription moves when the new address agrees, and keeps its number, its ledger and its proof of consent."""

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, col, func, select

from digestmail.errors import InputError
from digestmail.store.models import Bounce, ConsentEvent, Delivery, Erasure, Subscriber, Suppression
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Bounced, Kind, Standing
from digestmail.subscribers.choices import topics_of
from digestmail.subscribers.consent import Event
from digestmail.subscribers.erasure import whose
from digestmail.subscribers.move import MoveStatus, ask_to_move, find_move, find_stay, move, stay
from digestmail.subscribers.sign_up import confirm
from digestmail.subscribers.unsubscribe import unsubscribe
from tests.subscribers.conftest import FORM
from tests.subscribers.people import FINGERPRINT, active, letters, pending, subscriber

NEW = "ann@new.example"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def ask(session: Session, reader: int, email: str = NEW, *, now: datetime) -> None:
    ask_to_move(session, reader, email, fingerprint=FINGERPRINT, now=now)
    session.flush()


def asked(session: Session, reader: int, email: str = NEW, *, now: datetime) -> int:
    """The delivery behind the link to the new address."""
    ask(session, reader, email, now=now)
    return letters(session, subscriber(session, email).id or 0, Kind.MOVE)[-1]


def count_deliveries(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Delivery)).one()


def test_both_addresses_are_written_to_and_nothing_else_changes(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = asked(session, reader, now=now)
    assert len(letters(session, reader, Kind.MOVING)) == 1
    other = subscriber(session, NEW)
    assert (other.standing, other.moving_from_id) == (Standing.PENDING, reader)
    assert session.get_one(Subscriber, reader).email == "ann@example.org"
    assert find_move(session, number, now=now).status is MoveStatus.READY


def test_the_new_address_takes_over_and_the_number_stays(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    before = session.get_one(Subscriber, reader).next_send_at
    number = asked(session, reader, now=now)
    found = move(session, number, origin=FORM, now=now + HOUR)
    assert (found.status, found.subscriber_id, found.email) == (MoveStatus.MOVED, reader, NEW)
    moved = subscriber(session, NEW)
    assert (moved.id, moved.standing, moved.next_send_at) == (reader, Standing.ACTIVE, before)
    assert topics_of(session, reader)
    assert session.exec(select(Subscriber).where(Subscriber.email_key == "ann@example.org")).first() is None


def test_a_second_press_says_that_it_is_done_and_does_nothing(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = asked(session, reader, now=now)
    move(session, number, origin=FORM, now=now)
    again = move(session, number, origin=FORM, now=now)
    assert (again.status, again.subscriber_id, again.email) == (MoveStatus.MOVED, reader, NEW)
    events = select(ConsentEvent.event).where(ConsentEvent.event == Event.MOVED)
    assert len(session.exec(events).all()) == 1


def test_the_ledger_loses_no_row_and_a_day_keeps_its_one_digest(session: Session, now: datetime) -> None:
    """Also where the new address had digests of its own, on the same days."""
    reader, left = active(session, now=now), active(session, NEW, now=now)
    for each in (reader, left):
        row = new_delivery(Kind.DIGEST, each, scheduled_day=date(2026, 11, 23), slot_at=now, now=now)
        session.add(Delivery(**row))
    unsubscribe(session, left, origin=FORM, now=now)
    number = asked(session, reader, now=now + DAY)
    count = count_deliveries(session)
    move(session, number, origin=FORM, now=now + DAY)
    assert count_deliveries(session) == count
    days = select(Delivery.subscriber_id).where(Delivery.scheduled_day == date(2026, 11, 23))
    assert sorted(session.exec(days)) == [reader, left]


def test_old_links_of_the_new_address_lead_to_who_has_it_now(session: Session, now: datetime) -> None:
    reader, left, first = (active(session, email, now=now) for email in ("ann@example.org", NEW, "a@first.example"))
    for each in (left, first):
        unsubscribe(session, each, origin=FORM, now=now)
    for email in ("a@first.example", NEW):
        move(session, asked(session, reader, email, now=now + DAY), origin=FORM, now=now + DAY)
    assert [whose(session, number) for number in (reader, left, first, 99)] == [reader, reader, reader, 99]


def test_consent_given_with_the_new_address_goes_along(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    pending(session, NEW, now=now)
    number = asked(session, reader, now=now + DAY)
    move(session, number, origin=FORM, now=now + DAY)
    events = select(ConsentEvent.event).where(ConsentEvent.subscriber_id == reader).order_by(col(ConsentEvent.id))
    assert list(session.exec(events)) == [Event.SIGNED_UP, Event.CONFIRMED, Event.SIGNED_UP, Event.MOVED]


def test_bounces_of_the_old_address_do_not_count_against_the_new_one(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    session.add(Bounce(fingerprint="x", subscriber_id=reader, kind=Bounced.SOFT, reason="full", source="dsn", at=now))
    number = asked(session, reader, now=now)
    move(session, number, origin=FORM, now=now)
    assert session.exec(select(Bounce)).all() == []


def test_who_is_subscribed_with_the_new_address_is_reminded_and_nothing_moves(session: Session, now: datetime) -> None:
    reader, other = active(session, now=now), active(session, NEW, now=now)
    for _ in range(2):
        ask(session, reader, now=now + DAY)
    assert len(letters(session, other, Kind.REMINDER)) == 1
    assert letters(session, other, Kind.MOVE) == []
    assert session.get_one(Subscriber, other).moving_from_id is None


def test_a_suppressed_and_a_forgotten_address_get_nothing(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    session.add(Suppression(email_key="gone@new.example", reason="complaint", created_at=now))
    session.add(Erasure(email_hash=FINGERPRINT("forgotten@new.example"), erased_at=now))
    for email in ("gone@new.example", "Forgotten@new.example"):
        ask(session, reader, email, now=now)
    assert session.exec(select(Subscriber.id)).all() == [reader]
    assert len(letters(session, reader, Kind.MOVING)) == 2


def test_an_address_is_asked_once_a_day_and_three_times_in_all_whoever_asks(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    pending(session, NEW, now=now)
    counts = []
    for hours in (1, 24, 40, 49, 73, 97):
        ask(session, reader, now=now + hours * HOUR)
        counts.append(len(letters(session, subscriber(session, NEW).id or 0, Kind.MOVE)))
    assert counts == [0, 1, 1, 2, 2, 2]


def test_a_subscriber_moves_at_most_three_times_a_day(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    for number in range(5):
        ask(session, reader, f"a{number}@new.example", now=now)
    assert len(letters(session, reader, Kind.MOVING)) == 3
    assert len(session.exec(select(Subscriber)).all()) == 4


def test_asking_for_another_address_ends_what_was_asked_before(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    first, second = (asked(session, reader, email, now=now) for email in (NEW, "ann@other.example"))
    assert move(session, first, origin=FORM, now=now).status is MoveStatus.STOPPED
    assert move(session, second, origin=FORM, now=now).status is MoveStatus.MOVED


def test_a_link_that_is_out_never_comes_to_mean_another_subscription(session: Session, now: datetime) -> None:
    ann, bob = active(session, now=now), active(session, "bob@example.org", now=now)
    number = asked(session, ann, now=now)
    ask(session, bob, now=now + DAY)
    assert move(session, number, origin=FORM, now=now + DAY).subscriber_id == ann


def test_it_works_for_two_days(session: Session, now: datetime) -> None:
    number = asked(session, active(session, now=now), now=now)
    assert find_move(session, number, now=now + 2 * DAY).status is MoveStatus.READY
    assert move(session, number, origin=FORM, now=now + 2 * DAY + HOUR).status is MoveStatus.EXPIRED


def test_the_old_address_stops_it(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = asked(session, reader, now=now)
    [notice] = letters(session, reader, Kind.MOVING)
    assert find_stay(session, notice).status is MoveStatus.READY
    for _ in range(2):
        assert stay(session, notice).status is MoveStatus.STOPPED
    assert move(session, number, origin=FORM, now=now).status is MoveStatus.STOPPED
    assert session.get_one(Subscriber, reader).email == "ann@example.org"


def test_once_it_has_moved_the_old_address_cannot_stop_it(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = asked(session, reader, now=now)
    move(session, number, origin=FORM, now=now + HOUR)
    [notice] = letters(session, reader, Kind.MOVING)
    assert stay(session, notice).status is MoveStatus.MOVED
    assert subscriber(session, NEW).id == reader


def test_who_left_meanwhile_does_not_move(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = asked(session, reader, now=now)
    unsubscribe(session, reader, origin=FORM, now=now)
    assert move(session, number, origin=FORM, now=now).status is MoveStatus.STOPPED
    with pytest.raises(InputError, match="Only a subscription that runs can move"):
        ask(session, reader, now=now)


def test_an_address_that_confirms_a_sign_up_of_its_own_is_not_taken_over(session: Session, now: datetime) -> None:
    reader, other = active(session, now=now), pending(session, NEW, now=now)
    number = asked(session, reader, now=now + DAY)
    confirm(session, letters(session, other, Kind.CONFIRMATION)[-1], origin=FORM, now=now + DAY)
    assert move(session, number, origin=FORM, now=now + DAY).status is MoveStatus.STOPPED
    assert session.get_one(Subscriber, other).email == NEW


@pytest.mark.parametrize(
    ("email", "words"),
    [("ann", "does not look like"), ("", "Please give"), ("ANN@example.org", "comes to already")],
)
def test_what_cannot_be_an_other_address_is_said(session: Session, now: datetime, email: str, words: str) -> None:
    reader = active(session, now=now)
    with pytest.raises(InputError, match=words):
        ask(session, reader, email, now=now)
    assert letters(session, reader, Kind.MOVING) == []


def test_another_letter_moves_and_stops_nothing(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    for number in (*letters(session, reader, Kind.CONFIRMATION), 99):
        assert move(session, number, origin=FORM, now=now).status is MoveStatus.UNKNOWN
        assert stay(session, number).status is MoveStatus.UNKNOWN
