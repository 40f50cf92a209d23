"""Versioned documents of the operator (scorecards, rules, policies), which of them are in force, and the journal."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = (
    # A saved version is never changed. `kind`: scorecard, stage-rules, tier-rules, service-policies, metrics.
    """
    CREATE TABLE health_score.document (
        kind text NOT NULL,
        id text NOT NULL,
        version integer NOT NULL CHECK (version >= 1),
        body jsonb NOT NULL,
        digest text NOT NULL,
        saved_at timestamptz NOT NULL,
        saved_by text NOT NULL,
        PRIMARY KEY (kind, id, version)
    )
    """,
    # What people decided, and when: a replay has it all. `account_no` null: it is about all accounts.
    """
    CREATE TABLE health_score.decision (
        decision_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        account_no integer,
        kind text NOT NULL,
        decided_at timestamptz NOT NULL,
        decided_by text NOT NULL,
        body jsonb NOT NULL
    )
    """,
    "CREATE INDEX decision_account ON health_score.decision (account_no, decided_at)",
    # Statements about accounts and the things around them, as they were made; a null field withdraws.
    """
    CREATE TABLE health_score.fact (
        account_no integer NOT NULL,
        kind text NOT NULL,
        thing_id text NOT NULL,
        occurred_at timestamptz NOT NULL,
        event_id text NOT NULL,
        source text NOT NULL,
        known_at timestamptz NOT NULL,
        body jsonb NOT NULL,
        PRIMARY KEY (account_no, occurred_at, event_id, source)
    )
    """,
    "CREATE INDEX fact_thing ON health_score.fact (kind, account_no, thing_id)",
)


def upgrade() -> None:
    for table in TABLES:
        op.execute(table)


def downgrade() -> None:
    for name in ("fact", "decision", "document"):
        op.execute(f"DROP TABLE health_score.{name}")
