"""What the end of a try means for a delivery (pure): sent, later, in doubt or failed; whether the address is dead."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from digestmail.store.states import Kind

GIVE_UP_AFTER = {
    Kind.DIGEST: timedelta(hours=24),
    Kind.WELCOME: timedelta(hours=24),
    Kind.CONFIRMATION: timedelta(hours=48),
    Kind.REMINDER: timedelta(hours=48),
    Kind.COPY: timedelta(hours=24),
    Kind.ACCESS: timedelta(hours=24),
    Kind.MOVE: timedelta(hours=48),
    Kind.MOVING: timedelta(hours=48),
}
"""How long after its slot a delivery is tried; the next digest, when it is planned, ends an open one too."""

CRASHES = 5
"""After so many workers that died with it in hand, or tries to compose it that failed, a delivery is held."""

_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=3)
_FIRST_WAIT_IN_DOUBT = timedelta(seconds=30)

_LONGEST_REASON = 300

_DEAD_ADDRESS = re.compile(r"5\.1\.(1|2|3|6|10)$")
"""RFC 3463 and RFC 7505: the mailbox or its domain does not exist. Other 5xx speak of the moment or of the sender."""

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")


class Reply(NamedTuple):
    """A server's answer to a command (RFC 5321 section 4.2): its code and its text in one line."""

    code: int
    text: str

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) that the text starts with, or ""."""
        found = _ENHANCED.match(self.text)
        return found.group(1) if found else ""

    @property
    def is_policy(self) -> bool:
        """Whether it refuses the sender or the message, whoever the reader is (RFC 3463, 3.8)."""
        return self.code >= 500 and self.enhanced.startswith("5.7.")

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


NO_REPLY = Reply(451, "the connection broke off before an answer came")


class Result(StrEnum):
    """How a try ended."""

    SENT = "sent"
    LATER = "later"
    SKIPPED = "skipped"
    FAILED = "failed"
    EXPIRED = "expired"
    DOUBT = "doubt"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended; `due_at` for LATER and DOUBT, and whether the address is to be suppressed."""

    result: Result
    reason: str = ""
    due_at: datetime | None = None
    dead_address: bool = False


_SENT = Outcome(Result.SENT)


def outcome_of(reply: Reply, *, kind: Kind, slot_at: datetime, attempts: int, now: datetime) -> Outcome:
    """Judge the reply to try number `attempts` (from 1): 2xx sent, 4xx later with doubling waits, 5xx failed."""
    if 200 <= reply.code < 300:
        return _SENT
    if reply.code >= 500:
        return Outcome(Result.FAILED, str(reply), dead_address=bool(_DEAD_ADDRESS.match(reply.enhanced)))
    return put_off(str(reply), kind=kind, slot_at=slot_at, due_at=_again(now, _FIRST_WAIT, attempts))


def put_off(reason: str, *, kind: Kind, slot_at: datetime, due_at: datetime) -> Outcome:
    """Tried again at `due_at`, or expired where that is too late for its kind."""
    if due_at > slot_at + GIVE_UP_AFTER[kind]:
        return Outcome(Result.EXPIRED, reason)
    return Outcome(Result.LATER, reason, due_at=due_at)


def in_doubt(*, attempts: int, now: datetime) -> Outcome:
    """No answer came to the dot of try number `attempts`. `due_at` is when it may be sent again, if it must."""
    return Outcome(Result.DOUBT, "no answer came to the final dot", due_at=_again(now, _FIRST_WAIT_IN_DOUBT, attempts))


def not_composed(error: Exception, *, attempts: int, now: datetime) -> Outcome:
    """Composing failed at try number `attempts`: tried again, since the cause may pass, but not for ever."""
    reason = f"could not be composed: {type(error).__name__}: {error}"[:_LONGEST_REASON]
    if attempts >= CRASHES:
        return Outcome(Result.HELD, reason)
    return Outcome(Result.LATER, reason, due_at=_again(now, _FIRST_WAIT, attempts))


def too_late(catch_up: timedelta) -> str:
    """Why a digest whose slot came longer than `catch_up` ago is not sent, in words."""
    return f"later than the catch-up limit of {catch_up / timedelta(hours=1):g} h"


def _again(now: datetime, first_wait: timedelta, attempts: int) -> datetime:
    """When to try once more: the waits double. In whole seconds: those put off together end in one statement."""
    wait: timedelta = min(first_wait * 2 ** min(attempts - 1, 20), _LONGEST_WAIT)
    return (now + wait).replace(microsecond=0)
