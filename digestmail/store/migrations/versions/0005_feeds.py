"""Feeds have a rhythm, a language and hubs; entries are told by what they say and outlive their items; notices."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("site_url", "language", "told"):
        op.add_column("feeds", sa.Column(name, sa.String(), nullable=False, server_default=""))
    for name in ("listed_at", "last_item_at", "failing_since_at"):
        op.add_column("feeds", sa.Column(name, _INSTANT, nullable=True))
    for name in ("usual_gap", "longest_gap", "asked_gap"):
        op.add_column("feeds", sa.Column(name, sa.Integer(), nullable=True))
    op.execute("UPDATE feeds SET failing_since_at = last_success_at WHERE failures > 0")
    op.create_table(
        "hubs",
        sa.Column("feed_id", _ID, sa.ForeignKey("feeds.id", ondelete="CASCADE"), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("topic_url", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("next_ask_at", _INSTANT, nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=True),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("leased_until_at", _INSTANT, nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("feed_id"),
    )
    op.add_column("items", sa.Column("language", sa.String(), nullable=False, server_default=""))
    op.add_column("items", sa.Column("withdrawn_at", _INSTANT, nullable=True))
    _renew_item_sources()
    op.add_column("item_topics", sa.Column("quarantined_by", _ID, nullable=True))
    with op.batch_alter_table("item_topics") as batch:
        batch.create_foreign_key("fk_item_topics_quarantine", "feeds", ["quarantined_by"], ["id"], ondelete="SET NULL")
    quarantined = sa.text("quarantined_by IS NOT NULL")
    op.create_index(
        "ix_item_topics_quarantine",
        "item_topics",
        ["quarantined_by"],
        sqlite_where=quarantined,
        postgresql_where=quarantined,
    )
    op.create_table(
        "notices",
        sa.Column("id", _ID, nullable=False),
        sa.Column("feed_id", _ID, sa.ForeignKey("feeds.id", ondelete="CASCADE"), nullable=True),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("sent_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_notices_feed_id", "notices", ["feed_id"])


def _renew_item_sources() -> None:
    """SQLite can neither drop a constraint nor change one, so the table is written anew, on both databases alike."""
    op.drop_index("ix_item_sources_item_id", "item_sources")
    op.rename_table("item_sources", "item_sources_before")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE item_sources_before RENAME CONSTRAINT item_sources_pkey TO item_sources_before_pkey")
    op.create_table(
        "item_sources",
        sa.Column("feed_id", _ID, sa.ForeignKey("feeds.id", ondelete="CASCADE"), nullable=False),
        sa.Column("identity", sa.String(), nullable=False),
        sa.Column("item_id", _ID, sa.ForeignKey("items.id", ondelete="SET NULL"), nullable=True),
        sa.Column("link_key", sa.String(), nullable=False, server_default=""),
        sa.Column("text_key", sa.String(), nullable=False, server_default=""),
        sa.Column("dated_at", _INSTANT, nullable=True),
        sa.Column("listed_at", _INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("feed_id", "identity"),
    )
    op.execute(
        "INSERT INTO item_sources (feed_id, identity, item_id, link_key)"
        " SELECT feed_id, identity, item_id, link_key FROM item_sources_before JOIN items ON items.id = item_id"
    )
    op.drop_table("item_sources_before")
    op.execute(
        "UPDATE feeds SET last_item_at = (SELECT max(seen_at) FROM items JOIN item_sources ON item_id = items.id"
        " WHERE feed_id = feeds.id)"
    )
    op.create_index("ix_item_sources_item_id", "item_sources", ["item_id"])
    op.create_index("ix_item_sources_link", "item_sources", ["feed_id", "link_key"])
    op.create_index("ix_item_sources_text", "item_sources", ["feed_id", "text_key"])
    op.create_index("ix_item_sources_listed_at", "item_sources", ["listed_at"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an earlier version takes an entry without its item for new")
