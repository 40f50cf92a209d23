"""Which accounts were erased, by a keyed hash."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE alerts.erased (
            kind text NOT NULL CHECK (kind IN ('user', 'account')),
            subject text NOT NULL,
            erasure_id text NOT NULL,
            erased_at timestamptz NOT NULL,
            PRIMARY KEY (kind, subject)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE alerts.erased")
