"""Backtests and previews: long pieces of work with their progress, and what each step brought."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = (
    # One backtest or preview. `after` is the id of the last account it has done in this pass, `digest` that of its
    # content so far. Whoever works on it holds its row in `due`.
    """
    CREATE TABLE health_score.study (
        study_id text PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('backtest', 'preview')),
        state text NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
        spec jsonb NOT NULL,
        pass smallint NOT NULL DEFAULT 0,
        after text NOT NULL DEFAULT '',
        accounts integer NOT NULL,
        accounts_done integer NOT NULL DEFAULT 0,
        parts integer NOT NULL DEFAULT 0,
        digest bytea NOT NULL,
        result jsonb,
        failure text,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        finished_at timestamptz
    )
    """,
    """
    CREATE TABLE health_score.study_part (
        study_id text NOT NULL REFERENCES health_score.study (study_id) ON DELETE CASCADE,
        part integer NOT NULL,
        pass smallint NOT NULL,
        body jsonb NOT NULL,
        PRIMARY KEY (study_id, part)
    )
    """,
    # Studies go through the accounts in the order of their ids' bytes, which no locale changes.
    'CREATE INDEX account_by_bytes ON health_score.account (account_id COLLATE "C") WHERE erased_at IS NULL',
)


def upgrade() -> None:
    for table in TABLES:
        op.execute(table)


def downgrade() -> None:
    op.execute("DROP INDEX health_score.account_by_bytes")
    for name in ("study_part", "study"):
        op.execute(f"DROP TABLE health_score.{name}")
