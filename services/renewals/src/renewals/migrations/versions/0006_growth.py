"""Costs and margins; reviews of lost customers and criteria of good ones; what accounts use; opportunities and credit.

Revision ID: 0006
Revises: 0003
"""

from alembic import op

revision = "0006"
down_revision = "0005"
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
    """
    CREATE TABLE renewals.churn_review (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        churn_reason text,
        was_expected boolean,
        was_avoidable boolean,
        was_good_customer boolean,
        win_back_on date,
        is_done boolean NOT NULL,
        snapshot jsonb NOT NULL,
        verdict text NOT NULL CHECK (verdict IN ('good', 'not_good', 'unknown')),
        criteria_version integer,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX churn_review_of ON renewals.churn_review (contract_id, term, recorded_at DESC, id DESC)",
    """
    CREATE TABLE renewals.good_customer_criteria (
        version integer PRIMARY KEY CHECK (version > 0),
        document jsonb NOT NULL,
        saved_at timestamptz NOT NULL,
        saved_by text NOT NULL
    )
    """,
    """
    CREATE TABLE renewals.account_profile (
        account_id text PRIMARY KEY,
        sequence bigint NOT NULL,
        segment text,
        tier text,
        industry text,
        owner text
    )
    """,
    """
    CREATE TABLE renewals.consumption (
        account_id text NOT NULL,
        metric text NOT NULL,
        day date NOT NULL,
        said jsonb NOT NULL,
        PRIMARY KEY (account_id, metric, day)
    )
    """,
    """
    CREATE TABLE renewals.charge (
        id text PRIMARY KEY,
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        kind text NOT NULL CHECK (kind IN ('top_up', 'overage')),
        metric text NOT NULL,
        quantity numeric NOT NULL,
        amount numeric NOT NULL,
        charged_on date NOT NULL,
        snapshot jsonb NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX charge_of ON renewals.charge (contract_id, id)",
    """
    CREATE TABLE renewals.opportunity (
        id text PRIMARY KEY,
        account_id text NOT NULL,
        contract_id text REFERENCES renewals.contract (id),
        term integer,
        signal text,
        subject text,
        need jsonb,
        kind text NOT NULL,
        stage text NOT NULL,
        owner text,
        version integer NOT NULL,
        snapshot jsonb NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        changed_at timestamptz NOT NULL,
        changed_by text NOT NULL
    )
    """,
    # Once a signal and term, whatever comes again.
    (
        "CREATE UNIQUE INDEX opportunity_signal ON renewals.opportunity (contract_id, term, signal, subject)"
        " WHERE signal IS NOT NULL"
    ),
    "CREATE INDEX opportunity_of ON renewals.opportunity (account_id, id)",
    "CREATE INDEX opportunity_subject ON renewals.opportunity (subject)",
    "CREATE INDEX opportunity_owner ON renewals.opportunity (owner, id)",
    """
    CREATE TABLE renewals.opportunity_version (
        opportunity_id text NOT NULL REFERENCES renewals.opportunity (id),
        version integer NOT NULL,
        snapshot jsonb NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        PRIMARY KEY (opportunity_id, version)
    )
    """,
    """
    CREATE TABLE renewals.renewal_credit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        credits jsonb NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX renewal_credit_of ON renewals.renewal_credit (contract_id, term, recorded_at DESC)",
    # What was kept of accounts until now; their industry comes with the next word about each.
    """
    INSERT INTO renewals.account_profile (account_id, sequence, segment, tier, owner)
    SELECT DISTINCT ON (account_id) account_id, sequence, segment, tier, owner FROM renewals.account_group
    ORDER BY account_id, sequence DESC
    """,
    (
        "CREATE INDEX contract_successor ON renewals.contract ((predecessor ->> 'contract_id'))"
        " WHERE predecessor IS NOT NULL"
    ),
    (
        "CREATE INDEX term_ended ON renewals.term ((LEAST(end_exclusive, cancelled_on)), contract_id, number)"
        " WHERE outcome IS NOT NULL"
    ),
)
KEEP = """
    CREATE FUNCTION renewals.keep_what_was_stated() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Erasure alone changes what was recorded: what people wrote.
        IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'snapshot' = to_jsonb(OLD) - 'snapshot' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'what was stated is only added to';
    END $$
    """
ONLY_ADDED_TO = (
    "economics",
    "churn_review",
    "good_customer_criteria",
    "charge",
    "opportunity_version",
    "renewal_credit",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)
    op.execute(KEEP)
    for table in ONLY_ADDED_TO:
        op.execute(
            f"CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON renewals.{table}"
            " FOR EACH ROW EXECUTE FUNCTION renewals.keep_what_was_stated()"
        )


def downgrade() -> None:
    for index in ("contract_successor", "term_ended"):
        op.execute(f"DROP INDEX renewals.{index}")
    for table in (*ONLY_ADDED_TO, "opportunity", "consumption", "account_profile"):
        op.execute(f"DROP TABLE renewals.{table}")
    op.execute("DROP FUNCTION renewals.keep_what_was_stated()")
