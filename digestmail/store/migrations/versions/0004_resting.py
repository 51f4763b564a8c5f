"""The indexes of deliveries go by a column that a mark does not change, and PostgreSQL leaves room beside each row."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_RESTING = "CASE WHEN state NOT IN ('claimed', 'dotted') THEN state END"


def upgrade() -> None:
    for name in ("waiting", "suspect", "aside"):
        op.drop_index(f"ix_deliveries_{name}", "deliveries")
    connection = op.get_bind()
    on_sqlite = connection.dialect.name == "sqlite"
    if on_sqlite:
        highest = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'"))
    with op.batch_alter_table(
        "deliveries",
        recreate="always" if on_sqlite else "never",  # SQLite adds no stored column to a table
        table_kwargs={"sqlite_autoincrement": True},
    ) as batch:
        batch.add_column(sa.Column("resting", sa.String(), sa.Computed(_RESTING, persisted=True), nullable=True))
    if on_sqlite and highest is not None:
        connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'deliveries'"))
        connection.execute(sa.text("INSERT INTO sqlite_sequence VALUES ('deliveries', :seq)"), {"seq": highest})
    _index_where("ix_deliveries_waiting", ["priority", "due_at", "id"], "resting IN ('due', 'deferred')")
    _index_where("ix_deliveries_suspect", ["crashes", "id"], "crashes > 0 AND resting IN ('due', 'deferred')")
    _index_where("ix_deliveries_aside", ["resting", "id"], "resting IN ('doubt', 'held')")
    if not on_sqlite:
        op.execute("ALTER TABLE deliveries SET (fillfactor = 70)")


def _index_where(name: str, columns: list[str], where: str) -> None:
    condition = sa.text(where)
    op.create_index(name, "deliveries", columns, unique=False, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead: an earlier version has no index for what is due")
