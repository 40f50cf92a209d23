"""From where on the facts about a subject are read, and the timer that forgets what nobody needs any more."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE alerts.horizon (
        account_id text NOT NULL REFERENCES alerts.account,
        subject text NOT NULL,
        rules text,
        reads_from timestamptz NOT NULL,
        opens_from timestamptz NOT NULL CHECK (opens_from >= reads_from),
        kept_since timestamptz,
        PRIMARY KEY (account_id, subject)
    )
    """,
    "CREATE INDEX alert_going_on ON alerts.alert (account_id, subject) WHERE state <> 'resolved'",
    "CREATE INDEX attempt_began ON alerts.attempt USING brin (started_at)",
    "INSERT INTO alerts.due (kind, key, due_at, payload) VALUES ('forget', 'all', now(), '{}') ON CONFLICT DO NOTHING",
)

DOWN = (
    "DELETE FROM alerts.due WHERE kind = 'forget'",
    "DROP INDEX alerts.attempt_began",
    "DROP INDEX alerts.alert_going_on",
    "DROP TABLE alerts.horizon",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
