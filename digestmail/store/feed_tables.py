"""The tables of what feeds bring: topics, feeds, items, and what the operator is told of them.

See `digestmail.store.models`, which has all tables.
"""

from datetime import datetime

from sqlalchemy import Index, Text
from sqlalchemy import UniqueConstraint as Unique
from sqlmodel import Field, SQLModel

from digestmail.store.columns import NEVER_AGAIN, index_where, instant, primary_key, reference
from digestmail.store.states import FeedState


class Topic(SQLModel, table=True):
    """What a reader can choose."""

    __tablename__ = "topics"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    slug: str = Field(unique=True)
    name: str
    description: str = ""
    position: int = Field(default=0)
    """Topics stand in the form and in the mail in this order, then by id."""


class Feed(SQLModel, table=True):
    """Where items come from, and how its last polls went."""

    __tablename__ = "feeds"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    url: str = Field(unique=True)
    title: str = ""
    site_url: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The web page that the feed belongs to."""
    language: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Of all items that name none themselves (RFC 5646)."""
    state: str = Field(default=FeedState.ACTIVE)
    etag: str | None = None
    last_modified: str | None = None
    next_poll_at: datetime = instant(index=True)
    first_success_at: datetime | None = instant(nullable=True)
    last_success_at: datetime | None = instant(nullable=True)
    listed_at: datetime | None = instant(nullable=True)
    """When its document was last read; what stands in it has this instant in its `ItemSource.listed_at`."""
    last_item_at: datetime | None = instant(nullable=True)
    """When it last brought something new."""
    usual_gap: int | None = None
    """The usual seconds from one of its items to the next; empty while too few are known."""
    longest_gap: int | None = None
    """The longest of the last weeks."""
    asked_gap: int | None = None
    """The seconds for which its document asks to be left alone (RSS `ttl`)."""
    last_error: str | None = None
    failures: int = 0
    """Failed polls since the last success."""
    failing_since_at: datetime | None = instant(nullable=True)
    """The first of these."""
    told: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The trouble of which the operator was told last, a `Trouble` or empty."""
    local: bool = False
    """Served by this installation itself (the demo publication), so its loopback address is allowed."""


class Hub(SQLModel, table=True):
    """A WebSub hub that tells us when a feed has something new (W3C WebSub, section 5)."""

    __tablename__ = "hubs"
    feed_id: int = reference("feeds.id", primary_key=True)
    url: str
    """The hub's address."""
    topic_url: str
    """The feed's own address, as the hub knows it (`rel=self`)."""
    secret: str
    """Signs what the hub sends."""
    next_ask_at: datetime = instant()
    """When it is asked next."""
    asked_at: datetime | None = instant(nullable=True)
    """When it was last asked to tell us."""
    asks: int = 0
    """How often it was asked since it last confirmed."""
    leased_until_at: datetime | None = instant(nullable=True)
    """Until when it has said that it will; empty until it confirms."""
    last_error: str | None = None


class Route(SQLModel, table=True):
    """Sends a feed's items to a topic: all of them (category ""), or those of one category."""

    __tablename__ = "routes"
    __table_args__ = (Unique("feed_id", "topic_id", "category"), NEVER_AGAIN)
    id: int | None = primary_key()
    feed_id: int = reference("feeds.id")
    topic_id: int = reference("topics.id")
    category: str = ""


class Item(SQLModel, table=True):
    """One thing that was published, cleaned to plain text."""

    __tablename__ = "items"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    url: str
    link_key: str = Field(index=True)
    """The link without tracking parameters: what makes two feeds' entries one story."""
    title: str
    excerpt: str = ""
    author: str = ""
    source: str = ""
    image_url: str = ""
    language: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """RFC 5646; empty where nobody says."""
    published_at: datetime = instant()
    seen_at: datetime = instant(index=True)
    broken: str | None = None
    """Why it cannot be rendered; then no edition shows it."""
    withdrawn_at: datetime | None = instant(nullable=True)
    """When its feeds took it back; no edition that is frozen later shows it."""
    search_text: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})
    """What it says as `feeds.naming.searchable` has it: where words are looked for."""


class ItemSource(SQLModel, table=True):
    """Under which identity a feed lists an item; its key stores each entry once.

    It outlives its item as a tombstone, for as long as the feed lists it: else it would come back as new.
    """

    __tablename__ = "item_sources"
    __table_args__ = (
        Index("ix_item_sources_link", "feed_id", "link_key"),
        Index("ix_item_sources_text", "feed_id", "text_key"),
    )
    feed_id: int = reference("feeds.id", primary_key=True)
    identity: str = Field(primary_key=True)
    item_id: int | None = reference("items.id", index=True, nullable=True, on_delete="SET NULL")
    link_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """As in `Item`."""
    text_key: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """A hash of what it said when it was last read: where identity and link change, this tells the entry again."""
    dated_at: datetime | None = instant(nullable=True)
    """When the feed says that it was published."""
    listed_at: datetime | None = instant(nullable=True, index=True)
    """When the feed last listed it."""


class ItemTopic(SQLModel, table=True):
    """An item's place in a topic. Windows are cut by `seen_at`; `news` is false for what a new feed already had."""

    __tablename__ = "item_topics"
    __table_args__ = (
        Index("ix_item_topics_topic_seen", "topic_id", "seen_at"),
        index_where("ix_item_topics_quarantine", "quarantined_by", where="quarantined_by IS NOT NULL"),
    )
    item_id: int = reference("items.id", primary_key=True)
    topic_id: int = reference("topics.id", primary_key=True)
    seen_at: datetime = instant(index=True)
    news: bool = True
    quarantined_by: int | None = reference("feeds.id", nullable=True, on_delete="SET NULL")
    """The feed whose flood it came in, until the operator lets it through or has it marked as seen."""


class Notice(SQLModel, table=True):
    """Something that the operator is to be told by mail."""

    __tablename__ = "notices"
    __table_args__ = NEVER_AGAIN
    id: int | None = primary_key()
    feed_id: int | None = reference("feeds.id", nullable=True, index=True)
    trouble: str
    """A `Trouble`, or empty where one has ended."""
    text: str
    """One or two sentences."""
    created_at: datetime = instant()
    sent_at: datetime | None = instant(nullable=True)
