"""Deliveries in doubt, deferred and held; what was planned is counted; broken items and workers are noted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("crashes", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("deliveries", sa.Column("doubts", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("deliveries", sa.Column("dotted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("deliveries", sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE deliveries SET state = 'deferred' WHERE state = 'due' AND attempts > 0 AND reason IS NOT NULL")
    op.drop_index("ix_deliveries_due", "deliveries")
    _index_where("ix_deliveries_waiting", ["priority", "due_at", "id"], "state IN ('due', 'deferred')")
    _index_where("ix_deliveries_suspect", ["crashes", "id"], "crashes > 0 AND state IN ('due', 'deferred')")
    _index_where("ix_deliveries_aside", ["state", "id"], "state IN ('doubt', 'held')")
    op.add_column("editions", sa.Column("planned", sa.Integer(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE editions SET planned = (SELECT count(*) FROM deliveries WHERE deliveries.edition_id = editions.id)"
    )
    op.add_column("items", sa.Column("broken", sa.String(), nullable=True))
    op.create_table(
        "workers",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
    )


def _index_where(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "deliveries", columns, unique=False, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an earlier version cannot tell what is in doubt")
