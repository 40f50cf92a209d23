"""Who was erased, by a keyed hash, and which accounts are kept under a pseudonym."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE health_score.erased (
            kind text NOT NULL CHECK (kind IN ('user', 'account')),
            subject text NOT NULL,
            erasure_id text NOT NULL,
            erased_at timestamptz NOT NULL,
            PRIMARY KEY (kind, subject)
        )
        """
    )
    op.execute("ALTER TABLE health_score.account ADD COLUMN erased_at timestamptz")
    # An erasure looks for a user of any account.
    op.execute("CREATE INDEX account_user_user_id ON health_score.account_user (user_id)")


def downgrade() -> None:
    op.execute("DROP INDEX health_score.account_user_user_id")
    op.execute("ALTER TABLE health_score.account DROP COLUMN erased_at")
    op.execute("DROP TABLE health_score.erased")
