"""Sources, their tracking plans, and what was seen of them.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    """CREATE TABLE ingest.source (
        source_id text PRIMARY KEY,
        settings jsonb NOT NULL,
        version bigint NOT NULL,
        updated_at timestamptz NOT NULL,
        updated_by text NOT NULL
    )""",
    """CREATE TABLE ingest.planned_event (
        source_id text NOT NULL,
        event text NOT NULL,
        action text NOT NULL,
        schema jsonb NOT NULL,
        version bigint NOT NULL,
        updated_at timestamptz NOT NULL,
        updated_by text NOT NULL,
        PRIMARY KEY (source_id, event)
    )""",
    # Moved by each change of the two above, so that a process asks for one number every two seconds.
    """CREATE TABLE ingest.policy_revision (
        is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
        revision bigint NOT NULL
    )""",
    "INSERT INTO ingest.policy_revision (revision) VALUES (1)",
    """CREATE TABLE ingest.seen_source (
        source_id text PRIMARY KEY,
        first_seen timestamptz NOT NULL,
        last_seen timestamptz NOT NULL,
        other_events bigint NOT NULL DEFAULT 0,
        silent_since timestamptz,
        deviation text
    )""",
    """CREATE TABLE ingest.seen_event (
        source_id text NOT NULL,
        event text NOT NULL,
        count bigint NOT NULL,
        looked_at bigint NOT NULL,
        other_properties bigint NOT NULL,
        first_seen timestamptz NOT NULL,
        last_seen timestamptz NOT NULL,
        PRIMARY KEY (source_id, event)
    )""",
    """CREATE TABLE ingest.seen_property (
        source_id text NOT NULL,
        event text NOT NULL,
        property text NOT NULL,
        type text NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (source_id, event, property, type)
    )""",
    """CREATE TABLE ingest.source_minute (
        source_id text NOT NULL,
        at timestamptz NOT NULL,
        outcome text NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (source_id, at, outcome)
    )""",
    "CREATE INDEX source_minute_at ON ingest.source_minute (at)",
    """CREATE TABLE ingest.source_hour (
        source_id text NOT NULL,
        at timestamptz NOT NULL,
        taken bigint NOT NULL,
        refused bigint NOT NULL,
        first_seen timestamptz NOT NULL,
        last_seen timestamptz NOT NULL,
        PRIMARY KEY (source_id, at)
    )""",
    "CREATE INDEX source_hour_at ON ingest.source_hour (at)",
    """CREATE TABLE ingest.source_skew (
        source_id text NOT NULL,
        at timestamptz NOT NULL,
        bucket int NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (source_id, at, bucket)
    )""",
    "CREATE INDEX source_skew_at ON ingest.source_skew (at)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in (
        "source_skew",
        "source_hour",
        "source_minute",
        "seen_property",
        "seen_event",
        "seen_source",
        "policy_revision",
        "planned_event",
        "source",
    ):
        op.execute(f"DROP TABLE ingest.{table}")
