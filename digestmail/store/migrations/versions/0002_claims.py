"""Claims have a table of their own, and the ledger's indexes are those that its statements use."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("leased_until_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    _subscribers()
    _deliveries()


def _subscribers() -> None:
    op.add_column("subscribers", sa.Column("confirmations", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        """
        UPDATE subscribers SET confirmations = (
            SELECT count(*) FROM deliveries
            WHERE deliveries.subscriber_id = subscribers.id AND deliveries.kind = 'confirmation'
            AND (subscribers.confirmed_at IS NULL OR deliveries.created_at > subscribers.confirmed_at)
        )
        WHERE id IN (SELECT subscriber_id FROM deliveries WHERE kind = 'confirmation')
        """
    )
    op.drop_index("ix_subscribers_next_send_at", "subscribers")
    op.create_index("ix_subscribers_due", "subscribers", ["next_send_at", "id"], unique=False)


def _deliveries() -> None:
    # Nobody claims while the tables change, so what is claimed now was claimed by processes that are gone.
    op.execute("UPDATE deliveries SET reason = 'in doubt after a crash: sent again' WHERE state = 'dotted'")
    op.execute("UPDATE deliveries SET state = 'due' WHERE state IN ('claimed', 'dotted')")
    for name in ("ix_deliveries_claim", "ix_deliveries_edition_id", "ix_deliveries_subscriber_id"):
        op.drop_index(name, "deliveries")
    op.drop_index("uq_deliveries_digest", "deliveries")
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        highest = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'"))
    with op.batch_alter_table(
        "deliveries",
        naming_convention={"fk": "%(table_name)s_%(column_0_name)s_fkey"},  # as PostgreSQL calls them
        table_kwargs={"sqlite_autoincrement": True},
    ) as batch:
        batch.add_column(sa.Column("claim_id", _BIG, nullable=True))
        for name in ("claim", "owner", "leased_until_at"):
            batch.drop_column(name)
        batch.alter_column("scheduled_day", existing_type=sa.Date(), nullable=True)
        batch.drop_constraint("deliveries_edition_id_fkey", type_="foreignkey")
        batch.create_foreign_key("deliveries_edition_id_fkey", "editions", ["edition_id"], ["id"])
    if connection.dialect.name == "sqlite" and highest is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'deliveries'"))
        connection.execute(sa.text("INSERT INTO sqlite_sequence VALUES ('deliveries', :seq)"), {"seq": highest})
    op.execute("UPDATE deliveries SET scheduled_day = NULL WHERE kind <> 'digest'")
    op.create_index("uq_deliveries_digest", "deliveries", ["subscriber_id", "scheduled_day"], unique=True)
    op.create_index("ix_deliveries_edition_id", "deliveries", ["edition_id"], unique=False)
    _index_where("ix_deliveries_due", ["priority", "due_at", "id"], "state = 'due'")
    _index_where("ix_deliveries_claimed", ["claim_id"], "claim_id IS NOT NULL")


def _index_where(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "deliveries", columns, unique=False, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: the claims of running workers cannot be told apart again")
