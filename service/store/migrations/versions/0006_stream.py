"""What corrections changed about a model since it was trained."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "calibrations",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("body", sa.LargeBinary),  # JSON; NULL: taken back
        sa.Column("sequence", Number, nullable=False),  # of the last change
    )
    op.execute("UPDATE store SET format = 6")


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
