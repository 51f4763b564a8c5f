"""Double opt-in: nobody is subscribed without the button behind the mailed link."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import Session, col, delete, select

from digestmail.errors import FormError
from digestmail.store.models import ConsentEvent, Delivery, Subscriber, Suppression
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.choices import topics_of
from digestmail.subscribers.consent import Origin
from digestmail.subscribers.sign_up import ConfirmationStatus, confirm, find_confirmation, renew, sign_up
from digestmail.subscribers.unsubscribe import unsubscribe
from tests.subscribers.conftest import FORM

HOUR = timedelta(hours=1)


def sign(
    session: Session, now: datetime, email: str = "ann@example.org", topics: tuple[str, ...] = ("climate",)
) -> None:
    sign_up(session, email=email, topics=topics, hour="7", time_zone="Europe/Berlin", origin=FORM, now=now)
    session.flush()


def mails(session: Session) -> list[str]:
    return list(session.exec(select(Delivery.kind).order_by(Delivery.id)))  # type: ignore[arg-type]


def latest(session: Session) -> int:
    number = session.exec(select(Delivery.id).order_by(Delivery.id.desc())).first()  # type: ignore[union-attr]
    assert number is not None
    return number


def subscriber(session: Session) -> Subscriber:
    return session.exec(select(Subscriber)).one()


def test_a_sign_up_plans_a_confirmation_and_nothing_else(session: Session, now: datetime) -> None:
    sign(session, now)
    found = subscriber(session)
    assert (found.email, found.standing, found.next_send_at) == ("ann@example.org", Standing.PENDING, None)
    assert mails(session) == [Kind.CONFIRMATION]


def test_the_network_is_kept_and_not_the_address(session: Session, now: datetime) -> None:
    sign(session, now)
    event = session.exec(select(ConsentEvent)).one()
    assert (event.event, event.ip, event.user_agent) == ("signed up", "203.0.113.0/24", "Browser/1.0")
    assert Origin.of("form", ip="2001:db8:1:2:3::4").ip == "2001:db8:1::/48"
    assert Origin.of("form", ip="nonsense").ip == ""


def test_the_language_in_which_somebody_agreed_is_noted(session: Session, now: datetime) -> None:
    sign_up(
        session,
        email="ann@example.org",
        topics=["climate"],
        hour="7",
        time_zone="Europe/Berlin",
        locale="ar",
        origin=FORM,
        now=now,
    )
    session.flush()
    confirm(session, latest(session), origin=FORM, now=now)
    session.flush()
    events = session.exec(select(ConsentEvent.event, ConsentEvent.locale).order_by(col(ConsentEvent.id))).all()
    assert events == [("signed up", "ar"), ("confirmed", "ar")]


def test_who_signs_up_again_and_confirms_is_not_paused(session: Session, now: datetime) -> None:
    sign(session, now)
    confirm(session, latest(session), origin=FORM, now=now)
    subscriber(session).paused_until_day = date(2026, 12, 6)
    unsubscribe(session, 1, origin=FORM, now=now + HOUR)
    sign(session, now + 25 * HOUR)
    assert subscriber(session).paused_until_day == date(2026, 12, 6)
    confirm(session, latest(session), origin=FORM, now=now + 25 * HOUR)
    assert (subscriber(session).paused_until_day, subscriber(session).next_day) == (None, date(2026, 11, 25))


def test_every_wrong_field_is_named_at_once(session: Session, now: datetime) -> None:
    with pytest.raises(FormError) as caught:
        sign_up(session, email="ann", topics=[], hour="25", time_zone="Mars/Base", origin=FORM, now=now)
    assert set(caught.value.messages) == {"email", "topics", "hour", "time_zone"}
    assert session.exec(select(Subscriber)).all() == []


def test_confirming_makes_active_and_welcomes_once(session: Session, now: datetime) -> None:
    sign(session, now)
    link = latest(session)
    assert find_confirmation(session, link, now=now).status == ConfirmationStatus.READY
    done = confirm(session, link, origin=FORM, now=now + HOUR)
    session.flush()
    assert done.status == ConfirmationStatus.CONFIRMED
    assert done.next_send_at == datetime(2026, 11, 24, 6, tzinfo=UTC)
    assert mails(session) == [Kind.CONFIRMATION, Kind.WELCOME]
    assert confirm(session, link, origin=FORM, now=now + HOUR).status == ConfirmationStatus.ALREADY
    assert mails(session) == [Kind.CONFIRMATION, Kind.WELCOME]


def test_the_first_digest_keeps_away_from_the_welcome(session: Session, now: datetime) -> None:
    sign(session, now)
    late = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)  # midnight in Berlin: seven is too near
    assert confirm(session, latest(session), origin=FORM, now=late).next_send_at == datetime(
        2026, 11, 25, 6, tzinfo=UTC
    )


def test_a_link_expires_and_a_fresh_one_can_be_had(session: Session, now: datetime) -> None:
    sign(session, now)
    late = now + 49 * HOUR
    assert confirm(session, latest(session), origin=FORM, now=late).status == ConfirmationStatus.EXPIRED
    renew(session, latest(session), now=late)
    assert confirm(session, latest(session), origin=FORM, now=late).status == ConfirmationStatus.CONFIRMED


def test_an_unknown_link_is_unknown(session: Session, now: datetime) -> None:
    assert find_confirmation(session, 12345, now=now).status == ConfirmationStatus.UNKNOWN


def test_an_address_is_mailed_once_a_day_and_three_times_at_most(session: Session, now: datetime) -> None:
    for hours in range(0, 24 * 10, 3):
        sign(session, now + hours * HOUR)
    assert mails(session) == [Kind.CONFIRMATION] * 3


def test_three_mails_are_the_most_also_after_the_ledger_has_forgotten_them(session: Session, now: datetime) -> None:
    for days in range(3):
        sign(session, now + days * 24 * HOUR)
    session.exec(delete(Delivery))
    sign(session, now + 100 * 24 * HOUR)
    assert mails(session) == []


def test_a_link_that_the_ledger_has_forgotten_is_unknown(session: Session, now: datetime) -> None:
    sign(session, now)
    link = latest(session)
    session.exec(delete(Delivery))
    assert confirm(session, link, origin=FORM, now=now).status == ConfirmationStatus.UNKNOWN


def test_signing_up_again_before_confirming_takes_the_newer_choices(session: Session, now: datetime) -> None:
    sign(session, now)
    sign(session, now + HOUR, email="Ann@Example.ORG", topics=("labour",))
    found = subscriber(session)
    assert len(topics_of(session, found.id or 0)) == 1
    assert topics_of(session, found.id or 0) == {2}


def test_a_subscriber_who_signs_up_again_is_reminded_and_unchanged(session: Session, now: datetime) -> None:
    sign(session, now)
    confirm(session, latest(session), origin=FORM, now=now)
    sign(session, now + HOUR, topics=("labour",))
    sign(session, now + 2 * HOUR, topics=("labour",))
    assert mails(session) == [Kind.CONFIRMATION, Kind.WELCOME, Kind.REMINDER]
    assert topics_of(session, subscriber(session).id or 0) == {1}


def test_a_suppressed_address_gets_nothing(session: Session, now: datetime) -> None:
    session.add(Suppression(email_key="ann@example.org", reason="550 5.1.1", created_at=now))
    sign(session, now)
    assert mails(session) == []


def test_who_left_can_come_back_by_a_new_confirmation_only(session: Session, now: datetime) -> None:
    sign(session, now)
    link = latest(session)
    confirm(session, link, origin=FORM, now=now)
    unsubscribe(session, subscriber(session).id or 0, origin=FORM, now=now + HOUR)
    assert confirm(session, link, origin=FORM, now=now + 2 * HOUR).status == ConfirmationStatus.EXPIRED
    sign(session, now + 30 * HOUR)
    assert subscriber(session).standing == Standing.PENDING
    assert confirm(session, latest(session), origin=FORM, now=now + 31 * HOUR).status == ConfirmationStatus.CONFIRMED


def test_who_left_can_come_back_on_the_same_day(session: Session, now: datetime) -> None:
    sign(session, now)
    confirm(session, latest(session), origin=FORM, now=now + HOUR)
    unsubscribe(session, subscriber(session).id or 0, origin=FORM, now=now + 2 * HOUR)
    sign(session, now + 3 * HOUR)
    assert confirm(session, latest(session), origin=FORM, now=now + 3 * HOUR).status == ConfirmationStatus.CONFIRMED
    session.flush()
    assert mails(session) == [Kind.CONFIRMATION, Kind.WELCOME] * 2
