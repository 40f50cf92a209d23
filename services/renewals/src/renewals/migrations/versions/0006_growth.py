"""Costs and margins by segment.

Revision ID: 0006
Revises: 0003
"""

from alembic import op

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE renewals.economics (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        valid_from date NOT NULL,
        segment text CHECK (segment <> ''),
        acquisition_cost numeric CHECK (acquisition_cost >= 0),
        currency text,
        gross_margin numeric CHECK (gross_margin BETWEEN 0 AND 1),
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        CHECK ((acquisition_cost IS NULL) = (currency IS NULL))
    )
    """,
    "CREATE INDEX economics_known ON renewals.economics (valid_from, coalesce(segment, ''), recorded_at)",
)
ONLY_ADDED_TO = ("economics",)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    for table in ONLY_ADDED_TO:
        op.execute(
            f"CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON renewals.{table}"
            " FOR EACH ROW EXECUTE FUNCTION renewals.keep_the_ledger()"
        )


def downgrade() -> None:
    op.execute("DROP TABLE renewals.economics")
