"""Which accounts were erased, by a keyed hash, and which are kept under a pseudonym.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE renewals.erased (
            kind text NOT NULL CHECK (kind IN ('user', 'account')),
            subject text NOT NULL,
            erasure_id text NOT NULL,
            erased_at timestamptz NOT NULL,
            PRIMARY KEY (kind, subject)
        )
        """
    )
    op.execute("ALTER TABLE renewals.account ADD COLUMN erased_at timestamptz")


def downgrade() -> None:
    op.execute("ALTER TABLE renewals.account DROP COLUMN erased_at")
    op.execute("DROP TABLE renewals.erased")
