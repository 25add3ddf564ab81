"""Labels that were `auto`, judged by editors who had not seen them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "audits",
        sa.Column("version", sa.Text, primary_key=True),  # of the model
        sa.Column("head", sa.Text, primary_key=True),
        sa.Column("label", sa.Text, primary_key=True),  # its id
        sa.Column("key", sa.LargeBinary, primary_key=True),  # of the article; empty: the label is trusted again
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("correct", sa.Boolean),  # NULL: counting begins anew here
        sa.Column("sequence", Number, nullable=False),  # of the correction
    )
    op.create_index("audits_sequence", "audits", ["sequence"])
    op.execute("UPDATE store SET format = 3")


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
