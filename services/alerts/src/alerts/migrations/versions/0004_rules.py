"""Rules as versioned documents, the metrics that rules can name, and what the account's record has for rules."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = (
    """
    CREATE TABLE alerts.rule_version (
        id text NOT NULL,
        version integer NOT NULL CHECK (version > 0),
        body jsonb NOT NULL,
        saved_at timestamptz NOT NULL,
        saved_by text NOT NULL,
        reason text,
        PRIMARY KEY (id, version)
    )
    """,
    "CREATE TABLE alerts.known_metric (name text PRIMARY KEY)",
    """
    ALTER TABLE alerts.account
        ADD COLUMN stage text,
        ADD COLUMN segment text,
        ADD COLUMN industry text,
        ADD COLUMN touch_every_days integer,
        ADD COLUMN response_within_hours jsonb NOT NULL DEFAULT '{}'
    """,
    "CREATE INDEX observation_subject ON alerts.observation (subject text_pattern_ops, account_id)",
    "CREATE INDEX alert_of_rule ON alerts.alert (rule, account_id) WHERE state <> 'resolved'",
)

DOWN = (
    "DROP INDEX alerts.alert_of_rule",
    "DROP INDEX alerts.observation_subject",
    """
    DELETE FROM alerts.observation WHERE kind NOT IN
        ('band-entered', 'went-silent', 'became-active', 'window-opened', 'term-closed')
    """,
    """
    ALTER TABLE alerts.account
        DROP COLUMN stage, DROP COLUMN segment, DROP COLUMN industry,
        DROP COLUMN touch_every_days, DROP COLUMN response_within_hours
    """,
    "DROP TABLE alerts.known_metric",
    "DROP TABLE alerts.rule_version",
    "DELETE FROM alerts.due WHERE kind = 'look'",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
