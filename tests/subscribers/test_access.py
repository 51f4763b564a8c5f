"""The link to one's own data: mailed to the address alone, seldom, and good for an hour."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from digestmail.store.models import ConsentEvent, Delivery, Subscriber, Suppression
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.access import AccessStatus, ask_for_access, find_access, renew_access
from digestmail.subscribers.consent import Event
from tests.subscribers.people import active, letters

MINUTE = timedelta(minutes=1)


def asked(session: Session, reader: int) -> int:
    return len(letters(session, reader, Kind.ACCESS))


def link(session: Session, reader: int, *, now: datetime) -> int:
    ask_for_access(session, reader, now=now)
    return letters(session, reader, Kind.ACCESS)[-1]


def test_it_is_mailed_at_most_once_in_ten_minutes_and_five_times_a_day(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    counts = []
    for minutes in (0, 9, 10, 20, 30, 40, 50, 24 * 60 - 1, 24 * 60, 24 * 60 + 9):
        ask_for_access(session, reader, now=now + minutes * MINUTE)
        counts.append(asked(session, reader))
    assert counts == [1, 1, 2, 3, 4, 5, 5, 5, 6, 6]


@pytest.mark.parametrize("standing", [Standing.PENDING, Standing.ACTIVE, Standing.UNSUBSCRIBED])
def test_whoever_is_known_may_ask(session: Session, now: datetime, standing: Standing) -> None:
    reader = active(session, now=now)
    session.get_one(Subscriber, reader).standing = standing
    ask_for_access(session, reader, now=now)
    assert asked(session, reader) == 1


def test_a_suppressed_address_an_erased_and_an_unknown_reader_get_nothing(session: Session, now: datetime) -> None:
    suppressed, erased = active(session, now=now), active(session, "bob@example.org", now=now)
    session.add(Suppression(email_key="ann@example.org", reason="complaint", created_at=now))
    session.get_one(Subscriber, erased).standing = Standing.ERASED
    for reader in (suppressed, erased, 99):
        ask_for_access(session, reader, now=now)
        assert asked(session, reader) == 0


def test_it_opens_for_an_hour_from_when_the_mail_went_out(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = link(session, reader, now=now)
    assert find_access(session, number, now=now + 60 * MINUTE).status is AccessStatus.OPEN
    assert find_access(session, number, now=now + 61 * MINUTE).status is AccessStatus.EXPIRED
    session.get_one(Delivery, number).dotted_at = now + 30 * MINUTE
    session.flush()
    found = find_access(session, number, now=now + 90 * MINUTE)
    assert (found.status, found.subscriber_id) == (AccessStatus.OPEN, reader)
    assert find_access(session, number, now=now + 91 * MINUTE).status is AccessStatus.EXPIRED


def test_an_expired_link_mails_a_fresh_one_within_the_limits(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = link(session, reader, now=now)
    for minutes, count in ((5, 1), (90, 2), (95, 2)):
        renew_access(session, number, now=now + minutes * MINUTE)
        assert asked(session, reader) == count


def test_a_move_ends_the_links_of_the_old_address(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    number = link(session, reader, now=now)
    session.add(ConsentEvent(subscriber_id=reader, event=Event.MOVED, wording="", at=now + MINUTE))
    assert find_access(session, number, now=now + 2 * MINUTE).status is AccessStatus.EXPIRED


def test_another_letter_opens_nothing(session: Session, now: datetime) -> None:
    reader = active(session, now=now)
    for number in (*letters(session, reader, Kind.CONFIRMATION), 99):
        assert find_access(session, number, now=now).status is AccessStatus.UNKNOWN
