"""Channels of every kind, their pace and language; attempts, digests and replays of deliveries; operators' messages."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KINDS = "'webhook', 'slack', 'email', 'teams', 'wecom', 'dingtalk', 'feishu'"

UP = (
    "ALTER TABLE alerts.channel DROP CONSTRAINT channel_kind_check",
    f"ALTER TABLE alerts.channel ADD CONSTRAINT channel_kind_check CHECK (kind IN ({KINDS}))",
    """
    ALTER TABLE alerts.channel
        ADD COLUMN language text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'zh-Hans', 'zh-Hant')),
        ADD COLUMN operator boolean NOT NULL DEFAULT false,
        ADD COLUMN sealed_with text
    """,
    """
    CREATE TABLE alerts.pace (
        channel_id text PRIMARY KEY REFERENCES alerts.channel,
        full_at timestamptz,
        blocked_until timestamptz,
        failures integer NOT NULL DEFAULT 0,
        probe_at timestamptz
    ) WITH (fillfactor = 50)
    """,
    "INSERT INTO alerts.pace (channel_id) SELECT id FROM alerts.channel",
    "ALTER TABLE alerts.notification DROP CONSTRAINT notification_kind_check",
    "ALTER TABLE alerts.notification DROP CONSTRAINT notification_check",
    """
    ALTER TABLE alerts.notification
        ADD COLUMN about jsonb,
        ADD CONSTRAINT notification_kind_check CHECK (kind IN ('opened', 'resolved', 'test', 'channel-disabled')),
        ADD CONSTRAINT notification_check CHECK (
            (kind IN ('test', 'channel-disabled')) = (alert_id IS NULL) AND (alert_id IS NULL) = (account_id IS NULL)
        )
    """,
    """
    ALTER TABLE alerts.delivery
        ADD COLUMN trial boolean NOT NULL DEFAULT false,
        ADD COLUMN digest_id text,
        ADD COLUMN attempts_before integer NOT NULL DEFAULT 0
    """,
    "ALTER TABLE alerts.alert ADD COLUMN said jsonb NOT NULL DEFAULT '[]'",
    "CREATE INDEX delivery_trial ON alerts.delivery (channel_id) WHERE trial AND state IN ('pending', 'delivering')",
    "CREATE INDEX delivery_under_way ON alerts.delivery (channel_id) WHERE state = 'delivering'",
    "CREATE INDEX delivery_digest ON alerts.delivery (digest_id) WHERE digest_id IS NOT NULL",
    "CREATE INDEX delivery_failed ON alerts.delivery (created_at, id) WHERE state = 'failed'",
    """
    CREATE TABLE alerts.attempt (
        delivery_id text NOT NULL REFERENCES alerts.delivery,
        number integer NOT NULL,
        digest_id text,
        started_at timestamptz NOT NULL,
        took_ms integer,
        outcome text CHECK (outcome IN ('delivered', 'failed')),
        status integer,
        answer text,
        error text,
        PRIMARY KEY (delivery_id, number)
    )
    """,
    """
    CREATE TABLE alerts.replay (
        id text PRIMARY KEY,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        wanted jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
        total integer NOT NULL,
        replayed integer NOT NULL DEFAULT 0,
        passed_over integer NOT NULL DEFAULT 0,
        seen_at timestamptz,
        seen_id text,
        finished_at timestamptz,
        CHECK ((state = 'running') = (finished_at IS NULL))
    )
    """,
    "CREATE INDEX replay_newest ON alerts.replay (created_at DESC, id DESC)",
    """
    CREATE TABLE alerts.refused_address (
        address text PRIMARY KEY,
        refused_at timestamptz NOT NULL,
        until timestamptz NOT NULL,
        reason text NOT NULL
    )
    """,
)

DOWN = (
    "ALTER TABLE alerts.alert DROP COLUMN said",
    "DROP TABLE alerts.refused_address",
    "DROP TABLE alerts.replay",
    "DROP TABLE alerts.attempt",
    """
    DELETE FROM alerts.delivery
    WHERE notification_id IN (SELECT id FROM alerts.notification WHERE kind = 'channel-disabled')
        OR channel_id IN (SELECT id FROM alerts.channel WHERE kind NOT IN ('webhook', 'slack', 'email'))
    """,
    "DELETE FROM alerts.notification WHERE kind = 'channel-disabled'",
    "DROP INDEX alerts.delivery_under_way",
    "DROP INDEX alerts.delivery_failed",
    "ALTER TABLE alerts.delivery DROP COLUMN trial, DROP COLUMN digest_id, DROP COLUMN attempts_before",
    "ALTER TABLE alerts.notification DROP CONSTRAINT notification_check",
    "ALTER TABLE alerts.notification DROP CONSTRAINT notification_kind_check",
    """
    ALTER TABLE alerts.notification
        DROP COLUMN about,
        ADD CONSTRAINT notification_kind_check CHECK (kind IN ('opened', 'resolved', 'test')),
        ADD CONSTRAINT notification_check CHECK (
            (kind = 'test') = (alert_id IS NULL) AND (alert_id IS NULL) = (account_id IS NULL)
        )
    """,
    "DROP TABLE alerts.pace",
    "DELETE FROM alerts.channel WHERE kind NOT IN ('webhook', 'slack', 'email')",
    "ALTER TABLE alerts.channel DROP COLUMN language, DROP COLUMN operator, DROP COLUMN sealed_with",
    "ALTER TABLE alerts.channel DROP CONSTRAINT channel_kind_check",
    "ALTER TABLE alerts.channel ADD CONSTRAINT channel_kind_check CHECK (kind IN ('webhook', 'slack', 'email'))",
)


def upgrade() -> None:
    for statement in UP:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWN:
        op.execute(statement)
