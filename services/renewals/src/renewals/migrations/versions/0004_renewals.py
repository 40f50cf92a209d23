"""Renewals: where each stands, its milestones and hand-overs; the operator's policy; accounts' dated teams.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE renewals.renewal (
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        account_id text NOT NULL,
        state text NOT NULL,
        due_on date NOT NULL,
        currency text NOT NULL,
        arr numeric NOT NULL,
        owner text,
        co_owner text,
        owner_role text NOT NULL,
        owner_source text NOT NULL,
        tier text,
        segment text,
        risk text,
        PRIMARY KEY (contract_id, term)
    )
    """,
    # The board reads its totals from this index alone.
    (
        "CREATE INDEX renewal_due ON renewals.renewal (due_on, contract_id, term)"
        " INCLUDE (state, currency, arr, owner, co_owner, tier, segment)"
    ),
    "CREATE INDEX renewal_account ON renewals.renewal (account_id)",
    """
    CREATE TABLE renewals.milestone (
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        name text NOT NULL,
        on_day date NOT NULL,
        reached_at timestamptz NOT NULL,
        late_by_seconds bigint NOT NULL,
        superseded boolean NOT NULL,
        PRIMARY KEY (contract_id, term, name)
    )
    """,
    """
    CREATE TABLE renewals.renewal_handover (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        owner text,
        reason text NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX renewal_handover_of ON renewals.renewal_handover (contract_id, term, id)",
    """
    CREATE TABLE renewals.renewal_policy (
        version integer PRIMARY KEY,
        body jsonb NOT NULL,
        saved_at timestamptz NOT NULL,
        saved_by text NOT NULL
    )
    """,
    "ALTER TABLE renewals.account_group ADD COLUMN team jsonb NOT NULL DEFAULT '[]'",
    (
        "CREATE INDEX contract_predecessor ON renewals.contract ((predecessor ->> 'contract_id'))"
        " WHERE predecessor IS NOT NULL"
    ),
    # Windows that have opened were told; all else about renewals is worked out as their accounts are looked at, now.
    """
    INSERT INTO renewals.milestone (contract_id, term, name, on_day, reached_at, late_by_seconds, superseded)
    SELECT t.contract_id, t.number, 'window', t.window_opens_on, t.window_opened_at,
        greatest(0, extract(epoch FROM t.window_opened_at - t.window_opens_on::timestamp AT TIME ZONE c.zone))::bigint,
        false
    FROM renewals.term t JOIN renewals.contract c ON c.id = t.contract_id WHERE t.window_opened_at IS NOT NULL
    """,
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
    op.execute("DROP INDEX renewals.contract_predecessor")
    op.execute("ALTER TABLE renewals.account_group DROP COLUMN team")
    for table in ("renewal_policy", "renewal_handover", "milestone", "renewal"):
        op.execute(f"DROP TABLE renewals.{table}")
