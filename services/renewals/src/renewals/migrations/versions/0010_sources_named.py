"""Contracts that sources say renew another one, and which contracts of a file are worked on together.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATEMENTS = (
    # Who waits for a contract to be known.
    (
        "ALTER TABLE renewals.source_contract"
        " ADD COLUMN renews text GENERATED ALWAYS AS (said -> 'renews' ->> 2) STORED,"
        " ADD COLUMN co_terms_with text GENERATED ALWAYS AS (said -> 'co_terms_with' ->> 2) STORED"
    ),
    "CREATE INDEX source_contract_renews ON renewals.source_contract (source, renews) WHERE renews IS NOT NULL",
    (
        "CREATE INDEX source_contract_co_terms ON renewals.source_contract (source, co_terms_with)"
        " WHERE co_terms_with IS NOT NULL"
    ),
    # The contracts of a file that name each other share the first row of one of them.
    "ALTER TABLE renewals.contract_import_contract ADD COLUMN chain integer",
    "UPDATE renewals.contract_import_contract SET chain = first_row",
    "ALTER TABLE renewals.contract_import_contract ALTER COLUMN chain SET NOT NULL",
    "CREATE INDEX contract_import_contract_chain ON renewals.contract_import_contract (import_id, chain)",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE renewals.contract_import_contract DROP COLUMN chain")
    op.execute("ALTER TABLE renewals.source_contract DROP COLUMN renews, DROP COLUMN co_terms_with")
