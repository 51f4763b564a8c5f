"""What a server's reply means for a delivery (pure): sent, later, or failed, and whether the address is dead."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from digestmail.store.models import Kind

GIVE_UP_AFTER = {
    Kind.DIGEST: timedelta(hours=24),
    Kind.WELCOME: timedelta(hours=24),
    Kind.CONFIRMATION: timedelta(hours=48),
    Kind.REMINDER: timedelta(hours=48),
}
"""How long after its slot a delivery is tried; the next digest, when it is planned, ends an open one too."""

_FIRST_WAIT = timedelta(minutes=5)
_LONGEST_WAIT = timedelta(hours=3)

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

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


NO_REPLY = Reply(451, "the connection broke off before an answer came")
NOT_COMPOSED = Reply(451, "the message could not be composed; see the worker's log")


class Result(StrEnum):
    """How a try ended."""

    SENT = "sent"
    LATER = "later"
    SKIPPED = "skipped"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try ended; `due_at` for LATER, and whether the address is to be suppressed."""

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
    due_at = (now + min(_FIRST_WAIT * 2 ** min(attempts - 1, 20), _LONGEST_WAIT)).replace(
        microsecond=0
    )  # those put off together end in one statement
    if due_at > slot_at + GIVE_UP_AFTER[kind]:
        return Outcome(Result.EXPIRED, str(reply))
    return Outcome(Result.LATER, str(reply), due_at=due_at)
