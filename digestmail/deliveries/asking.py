"""What is asked of the next hop about a message in doubt, and what it may answer, as values."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from digestmail.deliveries.outcome import Reply


class Verdict(Enum):
    """Whether the next hop has a message."""

    TAKEN = "taken"
    NOT_TAKEN = "not taken"
    PENDING = "pending"
    """It has begun with it and not decided yet."""
    UNKNOWN = "unknown"


class Question(NamedTuple):
    """A message whose dot went out, if at all, after `since_at`; by `until_at` the conversation had ended."""

    message_id: str
    since_at: datetime
    until_at: datetime


class Answer(NamedTuple):
    """The verdict, and where the message has bounced since, why."""

    verdict: Verdict
    bounce: Reply | None = None


Ask = Callable[[Sequence[Question]], Mapping[str, Answer]]
