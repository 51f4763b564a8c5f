"""All tables, those of feeds from next door. One word per thing: the words are those of docs/words.md.

Times end in `_at` and are aware UTC; calendar days end in `_day`. Identity is a constraint of the database: what must
exist once has a unique key here, whatever runs twice.
"""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ColumnElement, Computed, Index, Text, literal_column
from sqlalchemy import UniqueConstraint as Unique
from sqlmodel import Field, SQLModel, col

from digestmail.store.columns import NEVER_AGAIN, BigId, index_where, instant, primary_key, reference
from digestmail.store.feed_tables import Feed, Hub, Item, ItemSource, ItemTopic, Notice, Route, Topic
from digestmail.store.states import IN_HAND, MailFormat, Standing, State

__all__ = [
    "WAITING",
    "Announcement",
    "AnnouncementTopic",
    "Bounce",
    "Claim",
    "ConsentEvent",
    "Delivery",
    "Edition",
    "Erasure",
    "Feed",
    "Gift",
    "Hub",
    "Item",
    "ItemSource",
    "ItemTopic",
    "LiftedSuppression",
    "Notice",
    "Route",
    "Subscriber",
    "Subscription",
    "Suppression",
    "Topic",
    "Worker",
    "is_in",
]


class Subscriber(SQLModel, table=True):
    """A person's address and standing, and when the next digest is due."""

    __tablename__ = "subscribers"
    __table_args__ = (
        CheckConstraint("hour BETWEEN 0 AND 23", name="ck_subscribers_hour"),
        CheckConstraint("days BETWEEN 1 AND 127", name="ck_subscribers_days"),
        Index("ix_subscribers_due", "next_send_at", "id"),
        NEVER_AGAIN,
    )
    id: int | None = primary_key()
    email: str
    email_key: str = Field(unique=True)
    standing: str = Field(default=Standing.PENDING)
    time_zone: str = "UTC"
    hour: int = 7
    days: int = 127
    """The chosen days of the week as bits, Monday first (1), Sunday last (64)."""
    locale: str = "en"
    source: str = ""
    created_at: datetime = instant()
    confirmed_at: datetime | None = instant(nullable=True)
    unsubscribed_at: datetime | None = instant(nullable=True)
    confirmations: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Confirmation mails that were asked for since the last time of confirming; the ledger forgets them in time."""
    next_send_at: datetime | None = instant(nullable=True)
    """The next slot; empty unless active."""
    next_day: date | None = None
    """The local day of the next slot."""
    window_start_at: datetime | None = instant(nullable=True)
    """Where the next digest's window starts: the cutoff of the last one."""
    paused_until_day: date | None = None
    """No digest before this local day."""
    mail_format: str = Field(default=MailFormat.HTML, sa_column_kwargs={"server_default": MailFormat.HTML})
    moving_from_id: int | None = Field(default=None, sa_type=BigId)
    """While pending: the subscriber whose new address this is, once it confirms. Once erased: who has the address now,
    so that old links to this row lead there. No foreign key, as links to nobody are answered too."""


class Subscription(SQLModel, table=True):
    """A subscriber's choice of a topic."""

    __tablename__ = "subscriptions"
    subscriber_id: int = reference("subscribers.id", primary_key=True)
    topic_id: int = reference("topics.id", primary_key=True)


class Edition(SQLModel, table=True):
    """The frozen items of one window, for every topic. `content` is an `editions.content.Content` as JSON.

    A digest's window is (since_at, cutoff_at]; a welcome edition shows the newest items up to its cutoff.
    """

    __tablename__ = "editions"
    __table_args__ = (Unique("kind", "since_at", "slot_at"), Index("ix_editions_slot", "kind", "slot_at"), NEVER_AGAIN)
    id: int | None = primary_key()
    kind: str
    since_at: datetime = instant()
    slot_at: datetime = instant()
    cutoff_at: datetime = instant(index=True)
    content: str = Field(sa_type=Text)
    planned: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many of its deliveries there must be, counted as they were planned and not by looking at them."""


class Claim(SQLModel, table=True):
    """A sender's hold on deliveries, from its start to its end. Whose lease is over holds nothing any more."""

    __tablename__ = "claims"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    owner: str
    """The process, as `digestmail.deliveries.owner` names it."""
    leased_until_at: datetime = instant()
    """By the database's clock."""


class Worker(SQLModel, table=True):
    """A worker's sign of life."""

    __tablename__ = "workers"
    owner: str = Field(primary_key=True)
    """The process, as `digestmail.deliveries.owner` names it."""
    started_at: datetime = instant()
    seen_at: datetime = instant()
    """Both by the database's clock."""
    looks: int = 0
    """How often it looked for what is due and came to an end with it."""


class Delivery(SQLModel, table=True):
    """One message to one subscriber: a row of the ledger."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("uq_deliveries_digest", "subscriber_id", "scheduled_day", unique=True),
        index_where("ix_deliveries_waiting", "priority", "due_at", "id", where="resting IN ('due', 'deferred')"),
        index_where("ix_deliveries_suspect", "crashes", "id", where="crashes > 0 AND resting IN ('due', 'deferred')"),
        index_where("ix_deliveries_claimed", "claim_id", where="claim_id IS NOT NULL"),
        index_where("ix_deliveries_aside", "resting", "id", where="resting IN ('doubt', 'held')"),
        index_where("ix_deliveries_confirmations", "created_at", where="kind = 'confirmation'"),
        NEVER_AGAIN,
    )
    id: int | None = primary_key()
    kind: str
    subscriber_id: int = reference("subscribers.id")
    scheduled_day: date | None = None
    """The subscriber's local day, which has one digest at most; empty for letters and welcomes."""
    slot_at: datetime = instant()
    edition_id: int | None = reference("editions.id", index=True, nullable=True, on_delete=None)
    priority: int
    """Smaller goes first: a person waits for a confirmation."""
    state: str
    resting: str | None = Field(
        default=None,
        sa_column_args=[Computed("CASE WHEN state NOT IN ('claimed', 'dotted') THEN state END", persisted=True)],
    )
    """The state, unless it is one of `IN_HAND`. The indexes go by it, since a mark leaves it as it is (ADR 11)."""
    due_at: datetime = instant()
    """Not to be tried before."""
    attempts: int = 0
    crashes: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How many workers died with it in hand since it was last settled."""
    doubts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """How often nobody knew whether the mail server has it."""
    dotted_at: datetime | None = instant(nullable=True)
    """When it was last marked, by the database's clock: its dot went out later, or never."""
    set_aside_at: datetime | None = instant(nullable=True)
    """When it was last deferred, doubted or held, by the database's clock."""
    claim_id: int | None = Field(default=None, sa_type=BigId)
    """The one claim that may mark and settle this row. No foreign key: it would be checked for each row of a batch."""
    settled_at: datetime | None = instant(nullable=True)
    reason: str | None = None
    """Why it was skipped, expired, failed or put off, in a word or the server's reply."""
    created_at: datetime = instant()


def is_in(*states: State) -> ColumnElement[bool]:
    """Whether a delivery is in one of the states, said so that the indexes of some rows are used: with no parameter."""
    column = col(Delivery.resting if IN_HAND.isdisjoint(states) else Delivery.state)
    if len(states) == 1:
        return column == literal_column(f"'{states[0]}'")
    return column.in_([literal_column(f"'{state}'") for state in states])


WAITING = is_in(State.DUE, State.DEFERRED)
"""Whether a delivery may be claimed once it is due."""


class Announcement(SQLModel, table=True):
    """The publisher's dated block, such as a fundraiser: shown from `starts_at` until before `ends_at`."""

    __tablename__ = "announcements"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    title: str
    text: str = ""
    link_url: str = ""
    link_label: str = ""
    image_url: str = Field(default="", sa_column_kwargs={"server_default": ""})
    image_alt: str = Field(default="", sa_column_kwargs={"server_default": ""})
    image_width: int | None = None
    image_height: int | None = None
    """Both in pixels, where they are known."""
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    most_times: int | None = None
    """In so many digests a reader sees it at most; in each where absent."""
    season: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What it collects for: who says to have given sees no announcement of the same season. Empty: it does not ask."""


class AnnouncementTopic(SQLModel, table=True):
    """Limits an announcement to the readers of some topics; without any it is for everybody."""

    __tablename__ = "announcement_topics"
    announcement_id: int = reference("announcements.id", primary_key=True)
    topic_id: int = reference("topics.id", primary_key=True)


class Gift(SQLModel, table=True):
    """A reader said to have given already, and sees no more announcements of the season."""

    __tablename__ = "gifts"
    subscriber_id: int = reference("subscribers.id", primary_key=True)
    season: str = Field(primary_key=True)
    at: datetime = instant()


class Suppression(SQLModel, table=True):
    """An address that must not be written to, and why."""

    __tablename__ = "suppressions"
    email_key: str = Field(primary_key=True)
    reason: str
    created_at: datetime = instant()


class LiftedSuppression(SQLModel, table=True):
    """A suppression that the operator took back, and why."""

    __tablename__ = "lifted_suppressions"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    email_key: str = Field(index=True)
    reason: str
    created_at: datetime = instant()
    lifted_at: datetime = instant()
    lifted_for: str


class Bounce(SQLModel, table=True):
    """A message that came back, or a complaint about one: each is here once."""

    __tablename__ = "bounces"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    fingerprint: str = Field(unique=True)
    """The same for each report of the same event."""
    subscriber_id: int = reference("subscribers.id", index=True)
    delivery_id: int | None = Field(default=None, sa_type=BigId)
    """Where it is known; the ledger may have forgotten the delivery."""
    kind: str
    status: str = ""
    """The enhanced status code (RFC 3463), such as 5.1.1."""
    reason: str = ""
    """What the mail server said, in its own words."""
    source: str
    """Who reported it: a kind of message, or a provider."""
    at: datetime = instant()


class ConsentEvent(SQLModel, table=True):
    """What a subscriber agreed to or took back, when and how: the proof of consent."""

    __tablename__ = "consent_events"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    subscriber_id: int = reference("subscribers.id", index=True)
    event: str
    wording: str
    """The version of the sentence that was agreed to."""
    at: datetime = instant()
    source: str = ""
    ip: str = ""
    """Truncated to its network: /24 for IPv4, /48 for IPv6."""
    user_agent: str = ""
    reason: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Why the reader left, in the reader's own words; mostly empty."""
    locale: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The language in which the sentence was read; empty where nobody knows."""


class Erasure(SQLModel, table=True):
    """Somebody who asked to be forgotten. Of the address a keyed hash is kept, so that no import brings it back."""

    __tablename__ = "erasures"
    email_hash: str = Field(primary_key=True)
    erased_at: datetime = instant()
