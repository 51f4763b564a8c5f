"""What came back, as a value: what it is, about whom, why, and how we know that it speaks of our message."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from digestmail.messages.message import MessageName
from digestmail.store.states import Bounced


class Nature(StrEnum):
    """What something that came back is."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    DELAYED = "delayed"
    """It is still being tried."""
    DELIVERED = "delivered"
    AUTOMATIC = "automatic reply"
    """Of a person who is away, of a robot that wants to be answered, a receipt."""
    OTHER = "not understood"


class Verdict(StrEnum):
    """What a mail server's words mean for one recipient."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    DELAYED = "delayed"
    DELIVERED = "delivered"

    @property
    def bounced(self) -> Bounced | None:
        """The kind of bounce; None where it is none."""
        return None if self in (Verdict.DELAYED, Verdict.DELIVERED) else Bounced(self.value)


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of a message for one recipient."""

    verdict: Verdict
    addresses: frozenset[str] = frozenset()
    """Each name that the recipient goes by, in small letters."""
    status: str = ""
    """The enhanced status code (RFC 3463), such as 5.1.1."""
    reason: str = ""
    """What the mail server said, in its own words."""


class Proof(NamedTuple):
    """What tells whose message it was. All but `message_name` cannot be forged.

    A Message-ID can be guessed, so it only says which message of a reader it was that is known by other means.
    """

    delivery_id: int | None = None
    """From the envelope sender of ours or a link in our mail."""
    subscriber_id: int | None = None
    """From the unsubscribe link in our mail."""
    addressed: bool = False
    """The report is signed by a provider: the addresses in it can be trusted."""
    message_name: MessageName | None = None

    @property
    def proves(self) -> bool:
        """Whether it tells for certain whose message it was."""
        return self.addressed or self.delivery_id is not None or self.subscriber_id is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Something that came back."""

    nature: Nature
    source: str
    """Who reports: a kind of message, or a provider."""
    returned: tuple[Returned, ...] = ()
    """For each recipient, as far as they are told apart. Of a complaint, who it is about, with no verdict to heed."""
    proof: Proof = field(default_factory=Proof)
    identity: str = ""
    """The same for each copy of this report."""
    at: datetime | None = None
    """When it happened, where the report is trusted to say so."""
