"""Jobs of bulk retagging that were asked for over HTTP."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, primary_key=True),  # also the name of its folder
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at", sa.Text, nullable=False),  # ISO 8601, UTC
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.Column("max_change", sa.Float, nullable=False),
        sa.Column("progress", sa.LargeBinary),  # JSON
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("callback", sa.Text),  # a URL
        sa.Column("attempts", sa.Integer, nullable=False),  # to tell it how the job ended
        sa.Column("next_attempt", Number),  # ms since 1970; NULL: nothing to tell, or told, or given up
        sa.Column("idempotency_key", sa.Text, unique=True),
        sa.Column("fingerprint", sa.LargeBinary),
    )
    op.execute("UPDATE store SET format = 4")


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
