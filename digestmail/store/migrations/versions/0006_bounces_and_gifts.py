"""What came back is kept, suppressions can be lifted, and announcements have a picture, a limit and a season."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for name in ("image_url", "image_alt", "season"):
        op.add_column("announcements", sa.Column(name, sa.String(), nullable=False, server_default=""))
    for name in ("image_width", "image_height", "most_times"):
        op.add_column("announcements", sa.Column(name, sa.Integer(), nullable=True))
    op.create_table(
        "gifts",
        sa.Column("subscriber_id", _ID, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("season", sa.String(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "season"),
    )
    op.create_table(
        "lifted_suppressions",
        sa.Column("id", _ID, nullable=False),
        sa.Column("email_key", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("lifted_at", _INSTANT, nullable=False),
        sa.Column("lifted_for", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_lifted_suppressions_email_key", "lifted_suppressions", ["email_key"])
    op.create_table(
        "bounces",
        sa.Column("id", _ID, nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False, unique=True),
        sa.Column("subscriber_id", _ID, sa.ForeignKey("subscribers.id", ondelete="CASCADE"), nullable=False),
        sa.Column("delivery_id", _ID, nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_bounces_subscriber_id", "bounces", ["subscriber_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an earlier version has no place for what came back")
