"""Files that were imported.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES: tuple[str, ...] = (
    """CREATE TABLE ingest.import (
        id text PRIMARY KEY,
        key_id text NOT NULL,
        source text NOT NULL,
        by text NOT NULL,
        form jsonb NOT NULL,
        state text NOT NULL,
        next_byte bigint NOT NULL DEFAULT 0,
        total_bytes bigint,
        rows bigint NOT NULL DEFAULT 0,
        accepted bigint NOT NULL DEFAULT 0,
        refused bigint NOT NULL DEFAULT 0,
        waiting bigint NOT NULL DEFAULT 0,
        suppressed bigint NOT NULL DEFAULT 0,
        fed_seconds double precision NOT NULL DEFAULT 0,
        started_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        ended_at timestamptz,
        reason text,
        feeder text,
        leased_until timestamptz
    )""",
    """CREATE TABLE ingest.import_refusal (
        import_id text NOT NULL REFERENCES ingest.import (id) ON DELETE CASCADE,
        number bigint NOT NULL,
        byte bigint NOT NULL,
        code text NOT NULL,
        pointer text NOT NULL,
        reason text NOT NULL,
        document bytea NOT NULL,
        PRIMARY KEY (import_id, number)
    )""",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE ingest.import_refusal")
    op.execute("DROP TABLE ingest.import")
