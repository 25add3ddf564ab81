"""What was answered each day, in figures."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "days",
        sa.Column("day", sa.Text, primary_key=True),  # ISO 8601, UTC
        sa.Column("version", sa.Text, primary_key=True),  # of the model
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, primary_key=True),  # or a reason; empty where there is none
        sa.Column("count", Number, nullable=False),
    )
    op.execute("UPDATE store SET format = 7")


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
