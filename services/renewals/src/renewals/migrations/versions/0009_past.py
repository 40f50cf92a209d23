"""What was stated of consumption before it was corrected, industries of before, and what changed since an instant.

Revision ID: 0009
Revises: 0008
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Known since it was stated, as far as that is told; a sender's clock may run ahead.
    "ALTER TABLE renewals.consumption ADD COLUMN recorded_at timestamptz",
    """
    UPDATE renewals.consumption SET recorded_at = LEAST(now(), coalesce(
        (SELECT max(CAST(field.value ->> 'at' AS timestamptz)) FROM jsonb_each(said) AS field), CAST(day AS timestamptz)
    ))
    """,
    "ALTER TABLE renewals.consumption ALTER COLUMN recorded_at SET NOT NULL",
    # Kept beside the table: what is looked at with every fact stays as small as it is.
    """
    CREATE TABLE renewals.consumption_past (
        account_id text NOT NULL,
        metric text NOT NULL,
        day date NOT NULL,
        recorded_at timestamptz NOT NULL,
        replaced_at timestamptz NOT NULL,
        said jsonb NOT NULL,
        PRIMARY KEY (account_id, metric, day, recorded_at)
    )
    """,
    # What changed since an instant is read from the ledger, and all else from the tables of the present.
    "CREATE INDEX contract_revision_recorded ON renewals.contract_revision (recorded_at) INCLUDE (contract_id)",
    (
        "CREATE INDEX term_lost ON renewals.term ((LEAST(end_exclusive, cancelled_on)), contract_id, number)"
        " WHERE outcome <> 'renewed'"
    ),
    "ALTER TABLE renewals.account_group ADD COLUMN industry text",
    # Only the latest industry was kept until now.
    """
    UPDATE renewals.account_group g SET industry = p.industry FROM renewals.account_profile p
    WHERE p.account_id = g.account_id AND p.industry IS NOT NULL
        AND g.sequence = (SELECT max(n.sequence) FROM renewals.account_group n WHERE n.account_id = g.account_id)
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for index in ("term_lost", "contract_revision_recorded"):
        op.execute(f"DROP INDEX renewals.{index}")
    op.execute("ALTER TABLE renewals.account_group DROP COLUMN industry")
    op.execute("DROP TABLE renewals.consumption_past")
    op.execute("ALTER TABLE renewals.consumption DROP COLUMN recorded_at")
