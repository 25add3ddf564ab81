"""What editors changed about tags: added, renamed, merged, retired."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "vocabulary",  # a row for each tag that is not as the model has it; never deleted
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("entry", sa.LargeBinary, nullable=False),  # JSON
        sa.Column("sequence", Number, nullable=False),  # of the last change
    )
    op.execute("UPDATE store SET format = 2")


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
