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
        sa.Column("key", sa.LargeBinary, primary_key=True),  # of the article, or of a row that begins anew
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("correct", sa.Boolean),  # NULL: counting begins anew here, an operator trusts the label again
        sa.Column("sequence", Number, nullable=False),  # of the correction
        sa.Column("at", sa.Text),  # of a row that begins anew, ISO 8601, UTC; who wanted it, and why
        sa.Column("actor", sa.Text),
        sa.Column("reason", sa.Text),
    )
    op.create_index("audits_sequence", "audits", ["sequence"])
    op.create_index("audits_article", "audits", ["key", "version"])
    op.create_table(
        "draws",  # articles drawn to be judged: what was published unseen of them, whatever becomes of the answer
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("key", sa.LargeBinary, primary_key=True),  # of the article
        sa.Column("heads", sa.Text, primary_key=True),  # those that were asked for
        sa.Column("article_id", sa.Text, nullable=False),
        sa.Column("prediction_id", sa.Text, nullable=False),
        sa.Column("made_at", Number, nullable=False),  # ms since 1970
        sa.Column("labels", sa.LargeBinary, nullable=False),  # JSON
    )
    op.create_index("draws_made", "draws", ["version", "made_at"])
    op.create_index("draws_article", "draws", ["key"])
    op.execute("UPDATE store SET format = 3")


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
