"""Why a reader left: a word of four, a line of the reader's own, or both; asked for after the unsubscribing alone."""

import unicodedata
from enum import StrEnum

from sqlmodel import Session, col, select

from digestmail.store.models import ConsentEvent, Subscriber
from digestmail.store.states import Standing
from digestmail.subscribers.consent import Event

MOST_LETTERS = 300

BETWEEN = ": "
"""Stands between the word and the line, as they are kept; no word has it."""


class Reason(StrEnum):
    """What a reader may choose."""

    TOO_MANY = "too many mails"
    NOT_INTERESTING = "not interesting"
    NEVER_SIGNED_UP = "never signed up"
    OTHER = "other"


def reason_in_a_line(chosen: str, text: str) -> str:
    """What is kept of a reader's answer; "" where there is none.

    Of the text it is one line without control characters, `MOST_LETTERS` at most.
    """
    printable = "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)
    line = " ".join(printable.split())[:MOST_LETTERS].rstrip()
    if chosen in list(Reason):
        return f"{chosen}{BETWEEN}{line}" if line else chosen
    return f"{Reason.OTHER}{BETWEEN}{line}" if line else ""


def word_and_line(reason: str) -> tuple[str, str]:
    """The word and the line of a reason as it is kept."""
    word, _, line = reason.partition(BETWEEN)
    return word, line


def give_reason(session: Session, subscriber_id: int, reason: str) -> bool:
    """Keep a reason beside the unsubscribing that it is for, in place of an earlier one.

    False, and nothing is kept, where the subscriber is unknown or not unsubscribed.
    """
    subscriber = session.get(Subscriber, subscriber_id, with_for_update=True)
    if subscriber is None or subscriber.standing != Standing.UNSUBSCRIBED:
        return False
    event = session.exec(
        select(ConsentEvent)
        .where(ConsentEvent.subscriber_id == subscriber_id, ConsentEvent.event == Event.UNSUBSCRIBED)
        .order_by(col(ConsentEvent.id).desc())
        .limit(1)
    ).first()
    if event is None:
        return False
    event.reason = reason
    return True
