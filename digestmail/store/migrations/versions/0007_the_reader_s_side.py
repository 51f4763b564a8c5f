"""Readers pause, choose a format, move to another address and are forgotten; past items can be searched."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ROWS_AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("subscribers", sa.Column("paused_until_day", sa.Date(), nullable=True))
    op.add_column("subscribers", sa.Column("mail_format", sa.String(), nullable=False, server_default="html"))
    op.add_column("subscribers", sa.Column("moving_from_id", _ID, nullable=True))
    for name in ("reason", "locale"):
        op.add_column("consent_events", sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.create_table(
        "erasures",
        sa.Column("email_hash", sa.String(), nullable=False),
        sa.Column("erased_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("email_hash"),
    )
    confirmations = sa.text("kind = 'confirmation'")
    op.create_index(
        "ix_deliveries_confirmations",
        "deliveries",
        ["created_at"],
        sqlite_where=confirmations,
        postgresql_where=confirmations,
    )
    op.add_column("items", sa.Column("search_text", sa.Text(), nullable=False, server_default=""))
    _make_items_searchable()


def _make_items_searchable() -> None:
    connection = op.get_bind()
    some = sa.text("SELECT id, title, excerpt, author, source FROM items WHERE id > :after ORDER BY id LIMIT :at_most")
    write = sa.text("UPDATE items SET search_text = :search_text WHERE id = :id")
    after = 0
    while rows := connection.execute(some, {"after": after, "at_most": _ROWS_AT_ONCE}).all():
        connection.execute(write, [{"id": row[0], "search_text": _search_text(*row[1:])} for row in rows])
        after = rows[-1][0]


def _search_text(*parts: str) -> str:
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", " ".join(parts)).casefold())
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an earlier version would write to readers who have paused")
