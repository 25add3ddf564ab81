"""The journal of editors' decisions, what it amounts to for each article, and answers."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "store",  # one row
        sa.Column("format", sa.Integer, nullable=False),
        sa.Column("oldest_reader", sa.Integer, nullable=False),
        sa.Column("sequence", Number, nullable=False),  # the latest number that was given to anything
    )
    op.execute("INSERT INTO store (format, oldest_reader, sequence) VALUES (1, 1, 0)")
    op.create_table(
        "corrections",  # appended to; a row changes only when its article is erased
        sa.Column("sequence", Number, primary_key=True, autoincrement=False),
        sa.Column("article_id", sa.Text),
        sa.Column("actor", sa.Text),
        sa.Column("received_at", sa.Text, nullable=False),  # ISO 8601, UTC
        sa.Column("undoes", Number),  # the correction that this one takes back
        sa.Column("taught", sa.Boolean, nullable=False),  # training may learn from it: seen, and no draft
        sa.Column("body", sa.LargeBinary),  # JSON; NULL when erased
        sa.Column("article", sa.LargeBinary),  # JSON, zstd
    )
    op.create_index("corrections_article", "corrections", ["article_id", "sequence"])
    op.create_index("corrections_actor", "corrections", ["actor", "sequence"])
    op.create_index("corrections_received", "corrections", ["received_at"])
    op.create_index("corrections_undone", "corrections", ["undoes"])
    op.create_table(
        "articles",  # what the decisions on one amount to; a tombstone when it was erased
        sa.Column("key", sa.LargeBinary, primary_key=True),  # a hash of the id: all that is left of an erased one
        sa.Column("article_id", sa.Text),
        sa.Column("memory", sa.LargeBinary),  # JSON
        sa.Column("erased_at", sa.Text),
        sa.Column("sequence", Number, nullable=False),  # of the last change, so that others can ask what is new
    )
    op.create_index("articles_sequence", "articles", ["sequence"])
    op.create_table(
        "calls",  # those with an Idempotency-Key
        sa.Column("idempotency_key", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),  # of the body
        sa.Column("first", Number, nullable=False),  # its corrections have the numbers from here
        sa.Column("last", Number, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),  # JSON
        sa.Column("received_at", sa.Text, nullable=False),
    )
    op.create_index("calls_received", "calls", ["received_at"])
    op.create_index("calls_first", "calls", ["first"])
    op.create_table(
        "predictions",
        sa.Column("prediction_id", sa.Text, primary_key=True),
        sa.Column("heads", sa.Text, primary_key=True),  # those that were asked for
        sa.Column("article_id", sa.Text),
        sa.Column("draft", sa.Boolean, nullable=False),
        sa.Column("made_at", Number, nullable=False),  # ms since 1970
        sa.Column("size", sa.Integer, nullable=False),  # bytes of the answer
        sa.Column("answer", sa.LargeBinary),  # JSON, zstd; NULL when pruned or erased
    )
    held = sa.text("answer IS NOT NULL")
    op.create_index("predictions_held", "predictions", ["made_at", "size"], sqlite_where=held, postgresql_where=held)
    op.create_index("predictions_made", "predictions", ["made_at"])
    op.create_index("predictions_article", "predictions", ["article_id"])


def downgrade() -> None:
    raise NotImplementedError("a store is never made older: restore a backup")
