"""What other systems say of contracts, the conflicts with it, files of contracts, and links to calendars.

Revision ID: 0007
Revises: 0003
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE renewals.source_contract (
        source text NOT NULL,
        external_id text NOT NULL,
        account_id text NOT NULL,
        contract_id text REFERENCES renewals.contract (id),
        said jsonb NOT NULL,
        seen integer NOT NULL,
        touched jsonb NOT NULL,
        terms_taken integer NOT NULL,
        PRIMARY KEY (source, external_id)
    )
    """,
    "CREATE UNIQUE INDEX source_contract_of ON renewals.source_contract (contract_id)",
    "CREATE INDEX source_contract_account ON renewals.source_contract (account_id)",
    """
    CREATE TABLE renewals.contract_conflict (
        id text PRIMARY KEY,
        source text NOT NULL,
        external_id text NOT NULL,
        account_id text NOT NULL,
        contract_id text REFERENCES renewals.contract (id),
        kind text NOT NULL,
        field text NOT NULL,
        here jsonb,
        there jsonb,
        detail text NOT NULL,
        since timestamptz NOT NULL,
        state text NOT NULL CHECK (state IN ('open', 'ours', 'theirs', 'ended')),
        resolved_at timestamptz,
        resolved_by text,
        reason text
    )
    """,
    (
        "CREATE UNIQUE INDEX contract_conflict_standing ON renewals.contract_conflict (source, external_id, field)"
        " WHERE state IN ('open', 'ours')"
    ),
    (
        "CREATE INDEX contract_conflict_contract ON renewals.contract_conflict (contract_id)"
        " WHERE state IN ('open', 'ours')"
    ),
    "CREATE INDEX contract_conflict_account ON renewals.contract_conflict (account_id, id)",
    "CREATE INDEX contract_conflict_state ON renewals.contract_conflict (state, id)",
    """
    CREATE TABLE renewals.contract_import (
        id text PRIMARY KEY,
        source text NOT NULL,
        is_dry_run boolean NOT NULL,
        state text NOT NULL CHECK (state IN ('receiving', 'working', 'done', 'failed')),
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        finished_at timestamptz,
        detail text,
        reached integer NOT NULL,
        counts jsonb NOT NULL
    )
    """,
    """
    CREATE TABLE renewals.contract_import_row (
        import_id text NOT NULL REFERENCES renewals.contract_import (id) ON DELETE CASCADE,
        number integer NOT NULL,
        external_id text NOT NULL,
        account_id text NOT NULL,
        stated jsonb,
        outcome text,
        code text,
        field text,
        detail text,
        PRIMARY KEY (import_id, number)
    )
    """,
    "CREATE INDEX contract_import_row_of ON renewals.contract_import_row (import_id, external_id, number)",
    "CREATE INDEX contract_import_row_outcome ON renewals.contract_import_row (import_id, outcome, number)",
    "CREATE INDEX contract_import_row_account ON renewals.contract_import_row (account_id)",
    # Which contracts a file is about, in the order of their first rows: what a chunk of work takes.
    """
    CREATE TABLE renewals.contract_import_contract (
        import_id text NOT NULL REFERENCES renewals.contract_import (id) ON DELETE CASCADE,
        first_row integer NOT NULL,
        external_id text NOT NULL,
        PRIMARY KEY (import_id, first_row)
    )
    """,
    """
    CREATE TABLE renewals.calendar_link (
        id text PRIMARY KEY,
        owner text NOT NULL,
        secret_hash text NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL
    )
    """,
    "CREATE INDEX calendar_link_owner ON renewals.calendar_link (owner, id)",
    # The groups of an owner's accounts, the latest of each: whose renewals are in whose calendar.
    "CREATE INDEX account_group_owner ON renewals.account_group (owner, account_id)",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX renewals.account_group_owner")
    for table in (
        "calendar_link",
        "contract_import_contract",
        "contract_import_row",
        "contract_import",
        "contract_conflict",
        "source_contract",
    ):
        op.execute(f"DROP TABLE renewals.{table}")
