"""Who was erased, by a keyed hash, and what the services confirmed.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES: tuple[str, ...] = (
    """
    CREATE TABLE ingest.erasure (
        id text PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('user', 'account')),
        subject text NOT NULL,
        requested_at timestamptz NOT NULL,
        requested_by text NOT NULL,
        completed_at timestamptz,
        lifted_at timestamptz,
        lifted_by text,
        CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
    )
    """,
    # What is suppressed; and the one erasure of a subject that a repeated request is answered with.
    "CREATE UNIQUE INDEX erasure_suppressed ON ingest.erasure (kind, subject) WHERE lifted_at IS NULL",
    """
    CREATE TABLE ingest.erasure_confirmation (
        erasure_id text NOT NULL REFERENCES ingest.erasure,
        service text NOT NULL,
        confirmed_at timestamptz NOT NULL,
        rows_erased bigint NOT NULL,
        rows_pseudonymised bigint NOT NULL,
        PRIMARY KEY (erasure_id, service)
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE ingest.erasure_confirmation")
    op.execute("DROP TABLE ingest.erasure")
