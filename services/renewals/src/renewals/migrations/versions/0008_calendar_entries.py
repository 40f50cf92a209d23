"""What calendars were told of renewals, for each owner: days, whether they are off, and the numbers of the entries.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE renewals.calendar_entry (
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        name text NOT NULL,
        owner text NOT NULL,
        day date NOT NULL,
        is_off boolean NOT NULL,
        sequence integer NOT NULL,
        changed_at timestamptz NOT NULL,
        PRIMARY KEY (contract_id, term, name, owner)
    )
    """,
    "CREATE INDEX calendar_entry_owner ON renewals.calendar_entry (owner, contract_id)",
    # Calendars went by the accounts' owners; now they go by those of renewals.
    "DROP INDEX renewals.account_group_owner",
    # What calendars are to show is worked out as accounts are looked at: each is, now.
    """
    INSERT INTO renewals.due (kind, key, due_at)
    SELECT 'account', account_id || '@' || to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), now()
    FROM renewals.account WHERE erased_at IS NULL ON CONFLICT DO NOTHING
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE renewals.calendar_entry")
    op.execute("CREATE INDEX account_group_owner ON renewals.account_group (owner, account_id)")
