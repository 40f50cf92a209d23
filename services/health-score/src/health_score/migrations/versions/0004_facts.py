"""Whom facts name, so that an erasure finds them, and a mark of an account's facts as they are."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A customer's people by the things that name them: `contact_id` of the fact, or of an attendee.
    op.execute(
        """
        CREATE TABLE health_score.fact_person (
            contact_id text NOT NULL,
            account_no integer NOT NULL,
            kind text NOT NULL,
            thing_id text NOT NULL,
            PRIMARY KEY (contact_id, account_no, kind, thing_id)
        )
        """
    )
    op.execute("CREATE INDEX fact_person_account ON health_score.fact_person (account_no)")
    # Processes remember an account's facts under this mark. A sequence gives no number twice, not after a rollback.
    op.execute("CREATE SEQUENCE health_score.facts_mark")
    op.execute(
        "ALTER TABLE health_score.account ADD COLUMN facts_mark bigint NOT NULL DEFAULT 0,"
        " ADD COLUMN team jsonb NOT NULL DEFAULT '[]'"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE health_score.account DROP COLUMN facts_mark, DROP COLUMN team")
    op.execute("DROP SEQUENCE health_score.facts_mark")
    op.execute("DROP TABLE health_score.fact_person")
