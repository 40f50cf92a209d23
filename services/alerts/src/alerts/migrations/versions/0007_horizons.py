"""Horizons of facts, the timer that forgets what nobody needs, and the health by which everybody's work is ranked."""

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
    """
    CREATE TABLE alerts.account_health (
        account_id text PRIMARY KEY REFERENCES alerts.account,
        band text,
        score integer
    )
    """,
    """
    INSERT INTO alerts.account_health (account_id, band, score)
    SELECT a.account_id, b.fact ->> 'band', CAST(coalesce(s.fact, b.fact) ->> 'score' AS integer)
    FROM alerts.account a
    LEFT JOIN LATERAL (
        SELECT fact FROM alerts.observation o WHERE o.account_id = a.account_id AND o.subject = 'band'
        ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1
    ) b ON true
    LEFT JOIN LATERAL (
        SELECT fact FROM alerts.observation o WHERE o.account_id = a.account_id AND o.subject = 'score'
        ORDER BY o.occurred_at DESC, o.event_id DESC LIMIT 1
    ) s ON true
    WHERE b.fact IS NOT NULL OR s.fact IS NOT NULL
    """,
    "CREATE INDEX alert_going_on ON alerts.alert (account_id, subject) WHERE state <> 'resolved'",
    "CREATE INDEX attempt_began ON alerts.attempt USING brin (started_at)",
    "INSERT INTO alerts.due (kind, key, due_at, payload) VALUES ('forget', 'all', now(), '{}') ON CONFLICT DO NOTHING",
)

DOWN = (
    "DELETE FROM alerts.due WHERE kind = 'forget'",
    "DROP INDEX alerts.attempt_began",
    "DROP INDEX alerts.alert_going_on",
    "DROP TABLE alerts.account_health",
    "DROP TABLE alerts.horizon",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
