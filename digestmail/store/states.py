"""The words for what a subscriber, a feed and a delivery can be: those of docs/words.md."""

from enum import StrEnum


class Standing(StrEnum):
    """Whether a subscriber may be written to."""

    PENDING = "pending"
    """Signed up, not confirmed yet: gets confirmation mails only."""
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    ERASED = "erased"
    """Nothing is known of the person any more; the row stays for the ledger's sake."""


class MailFormat(StrEnum):
    """In what form a reader wants the digest."""

    HTML = "html"
    """Both forms in one message."""
    TEXT = "text"
    """The plain form alone."""


class FeedState(StrEnum):
    """Whether a feed is polled."""

    ACTIVE = "active"
    PAUSED = "paused"
    """By the operator."""
    GONE = "gone"
    """Its server answered 410: it is not asked again (RFC 9110)."""


class Trouble(StrEnum):
    """What is wrong with a feed, the worst first."""

    GONE = "gone"
    FAILING = "failing"
    QUARANTINE = "quarantine"
    """It brought so much at once that it is held back until the operator decides."""
    SILENT = "silent"
    """It has brought nothing for much longer than it usually does."""


class Bounced(StrEnum):
    """What somebody's mail server, provider or click said of a message after it had been sent."""

    HARD = "hard"
    """The mailbox or its domain does not exist: the address is suppressed at once."""
    SOFT = "soft"
    """It may work another day; the address is suppressed where that goes on for long."""
    POLICY = "policy"
    """It speaks of the sender or of the message: nobody is suppressed."""
    COMPLAINT = "complaint"
    """The reader called it spam: the address is suppressed at once."""


class Kind(StrEnum):
    """What a delivery carries. Editions exist for DIGEST and WELCOME only, and a COPY carries one of them again."""

    DIGEST = "digest"
    WELCOME = "welcome"
    CONFIRMATION = "confirmation"
    REMINDER = "reminder"
    """To somebody who signs up again though subscribed: the link to the preferences."""
    COPY = "copy"
    """The last digest or welcome once more, because its reader asked for it."""
    ACCESS = "access"
    """The link to a reader's own data, which lasts an hour."""
    MOVE = "move"
    """To the new address of a subscriber: the link that makes the move."""
    MOVING = "moving"
    """To the address that is moved away from: the link that stops the move."""


class State(StrEnum):
    """Where a delivery stands. See `digestmail.deliveries.ledger` for the transitions."""

    DUE = "due"
    DEFERRED = "deferred"
    """A try ended without success, and another is due later."""
    CLAIMED = "claimed"
    DOTTED = "dotted"
    DOUBT = "doubt"
    """The dot went out, and nobody knows whether the mail server has the message."""
    SENT = "sent"
    SKIPPED = "skipped"
    EXPIRED = "expired"
    FAILED = "failed"
    HELD = "held"
    """Waits for the operator, who releases or drops it."""


ENDS = (State.SENT, State.SKIPPED, State.EXPIRED, State.FAILED)
"""In these a delivery stays."""

OPEN = (State.DUE, State.DEFERRED, State.CLAIMED, State.DOTTED, State.DOUBT)
"""In these it goes on by itself. What is HELD is neither: it waits for the operator."""

IN_HAND = frozenset({State.CLAIMED, State.DOTTED})
"""In these a claim holds a delivery."""
