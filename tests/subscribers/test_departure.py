"""Why readers leave is kept beside their unsubscribing, and nowhere else."""

import unicodedata
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from digestmail.store.models import ConsentEvent, Subscriber
from digestmail.store.states import Standing
from digestmail.subscribers.departure import MOST_LETTERS, Reason, give_reason, reason_in_a_line, word_and_line
from digestmail.subscribers.unsubscribe import last_day_to_undo, undo, unsubscribe
from tests.subscribers.conftest import FORM


@pytest.fixture
def ann(session: Session, now: datetime) -> int:
    """An active reader."""
    row = Subscriber(
        email="ann@example.org", email_key="ann@example.org", standing=Standing.ACTIVE, created_at=now, confirmed_at=now
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    return row.id


def reasons(session: Session) -> list[tuple[str, str]]:
    wanted = select(ConsentEvent.event, ConsentEvent.reason).order_by(col(ConsentEvent.id))
    return [(event, reason) for event, reason in session.exec(wanted)]


def test_a_reason_is_kept_with_the_latest_unsubscribing_and_the_last_one_counts(
    session: Session, ann: int, now: datetime
) -> None:
    unsubscribe(session, ann, origin=FORM, now=now)
    undo(session, ann, origin=FORM, now=now)
    unsubscribe(session, ann, origin=FORM, now=now)
    assert give_reason(session, ann, "other: too grey")
    assert give_reason(session, ann, "too many mails")
    session.flush()
    assert reasons(session) == [("unsubscribed", ""), ("undid unsubscribing", ""), ("unsubscribed", "too many mails")]


def test_who_is_not_unsubscribed_gives_no_reason(session: Session, ann: int, now: datetime) -> None:
    assert not give_reason(session, ann, "other")
    unsubscribe(session, ann, origin=FORM, now=now)
    undo(session, ann, origin=FORM, now=now)
    assert not give_reason(session, ann, "other")
    assert not give_reason(session, 999, "other")
    assert {reason for _, reason in reasons(session)} == {""}


@pytest.mark.parametrize(
    ("chosen", "text", "kept"),
    [
        ("too many mails", "", "too many mails"),
        ("not interesting", " too\tgrey\r\n\0 ", "not interesting: too grey"),
        ("", "too: grey", "other: too: grey"),
        ("made up", "", ""),
        ("", " \x07\u2028 ", ""),
    ],
)
def test_a_reason_is_a_word_of_four_and_a_line(chosen: str, text: str, kept: str) -> None:
    assert reason_in_a_line(chosen, text) == kept


@given(st.sampled_from([*Reason, ""]), st.text(max_size=400))
def test_whatever_is_typed_becomes_one_short_line(chosen: str, text: str) -> None:
    word, line = word_and_line(reason_in_a_line(chosen, text))
    assert word in {*Reason, ""}
    assert len(line) <= MOST_LETTERS
    assert not [letter for letter in line if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")]
    assert bool(word) >= bool(line)


def test_the_last_day_for_an_undo_is_one_of_which_every_hour_will_do(session: Session, ann: int, now: datetime) -> None:
    unsubscribe(session, ann, origin=FORM, now=now)
    day = last_day_to_undo(now, time_zone="UTC")
    assert str(day) == "2026-12-22"
    assert undo(session, ann, origin=FORM, now=now.replace(month=12, day=22, hour=23) + timedelta(minutes=59))
