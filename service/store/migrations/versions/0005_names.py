"""Names that stand in answered articles, from which new tags are proposed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("predictions", sa.Column("names", sa.Text))  # one a line; NULL when pruned or erased
    op.execute("UPDATE store SET format = 5")


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
