"""Forecast calls and the past they are made of, and accounts' scores by day for their trend.

Revision ID: 0005
Revises: 0003
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE renewals.forecast_call (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        kind text NOT NULL CHECK (kind IN ('automated', 'csm', 'final')),
        category text NOT NULL CHECK (category IN ('commit', 'most_likely', 'best_case', 'omitted')),
        probability numeric NOT NULL CHECK (probability BETWEEN 0 AND 1),
        amount numeric NOT NULL CHECK (amount >= 0),
        band text,
        trend text,
        tenure text,
        factors jsonb NOT NULL,
        note text NOT NULL,
        said_at timestamptz NOT NULL,
        said_by text NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX forecast_call_of ON renewals.forecast_call (contract_id, term, kind, said_at DESC, id DESC)",
    """
    CREATE FUNCTION renewals.keep_the_calls() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Erasure alone changes what was said: what people wrote.
        IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - 'note' = to_jsonb(OLD) - 'note' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'forecast calls are only added to';
    END $$
    """,
    (
        "CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON renewals.forecast_call"
        " FOR EACH ROW EXECUTE FUNCTION renewals.keep_the_calls()"
    ),
    """
    CREATE TABLE renewals.renewal_past (
        counted_at timestamptz PRIMARY KEY,
        cells jsonb NOT NULL
    )
    """,
    """
    CREATE TABLE renewals.account_score (
        account_id text NOT NULL,
        day date NOT NULL,
        score smallint,
        as_of timestamptz NOT NULL,
        event_id text NOT NULL,
        PRIMARY KEY (account_id, day)
    )
    """,
    (
        "INSERT INTO renewals.account_score (account_id, day, score, as_of, event_id)"
        " SELECT account_id, (as_of AT TIME ZONE 'UTC')::date, score, as_of, event_id FROM renewals.account_health"
    ),
    # What is known already is looked at as soon as timers run: the past first, then every account with contracts.
    (
        "INSERT INTO renewals.due (kind, key, due_at) SELECT kind, key, to_timestamp(0) FROM"
        " (SELECT 'count_past' AS kind, 'past' AS key WHERE EXISTS (SELECT FROM renewals.contract)"
        " UNION SELECT 'forecast', account_id || '@1970-01-01T00:00:00Z' FROM renewals.contract"
        " WHERE kind = 'recurring') AS t"
    ),
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM renewals.due WHERE kind IN ('count_past', 'forecast')")
    for table in ("account_score", "renewal_past", "forecast_call"):
        op.execute(f"DROP TABLE renewals.{table}")
    op.execute("DROP FUNCTION renewals.keep_the_calls")
