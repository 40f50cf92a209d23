"""Accounts, raw events by week of receipt, days of use, and one close a day."""

from alembic import op

from mainstay.db.tables import create_kit_tables, drop_kit_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    # Every version of a scorecard that ever scored here; closes name it by its short number.
    """
    CREATE TABLE health_score.scorecard (
        scorecard_no smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        id text NOT NULL,
        version integer NOT NULL,
        digest text NOT NULL,
        registered_at timestamptz NOT NULL,
        UNIQUE (id, version)
    )
    """,
    # The row that writers lock before anything else of an account. Half-empty pages keep its updates on their page.
    """
    CREATE TABLE health_score.account (
        account_id text PRIMARY KEY,
        account_no integer GENERATED ALWAYS AS IDENTITY UNIQUE,
        created_at timestamptz NOT NULL,
        sequence bigint NOT NULL DEFAULT 0,
        stated jsonb NOT NULL DEFAULT '{}',
        name text,
        owner text,
        tier text,
        zone text,
        industry text,
        segment text,
        arr jsonb NOT NULL DEFAULT '[]',
        seats integer,
        next_renewal_on date,
        value_sequence bigint NOT NULL DEFAULT 0,
        seats_by_day jsonb NOT NULL DEFAULT '[]',
        first_day date,
        last_active date,
        dirty_from date,
        dirty_by jsonb NOT NULL DEFAULT '[]',
        regroup boolean NOT NULL DEFAULT false,
        closed_through date,
        standing_band text,
        standing_on date,
        standing_previous text,
        score smallint CHECK (score BETWEEN 0 AND 100),
        band text NOT NULL DEFAULT 'unknown' CHECK (band IN ('red', 'yellow', 'green', 'unknown')),
        coverage smallint NOT NULL DEFAULT 0 CHECK (coverage BETWEEN 0 AND 10000),
        band_entered_on date,
        band_since timestamptz,
        measures jsonb NOT NULL DEFAULT '[]',
        as_of date,
        computed_at timestamptz,
        scorecard_no smallint REFERENCES health_score.scorecard,
        silent_after date,
        habit_days integer
    ) WITH (fillfactor = 50)
    """,
    # A user's or a feature's number within its account: what raw rows and bit sets hold instead of the name.
    """
    CREATE TABLE health_score.account_user (
        account_no integer NOT NULL REFERENCES health_score.account (account_no),
        user_id text NOT NULL,
        user_no integer NOT NULL,
        PRIMARY KEY (account_no, user_id),
        UNIQUE (account_no, user_no)
    )
    """,
    """
    CREATE TABLE health_score.account_feature (
        account_no integer NOT NULL REFERENCES health_score.account (account_no),
        feature text NOT NULL,
        feature_no integer NOT NULL,
        PRIMARY KEY (account_no, feature),
        UNIQUE (account_no, feature_no)
    )
    """,
    # A unique key of a partitioned table has to contain the partition's column; it stands last, so that the index
    # of a week is one over ids.
    """
    CREATE TABLE health_score.raw_event (
        received_week date NOT NULL,
        source text NOT NULL,
        event_id text NOT NULL,
        account_no integer NOT NULL,
        user_no integer,
        feature_no integer NOT NULL,
        event text NOT NULL,
        occurred_at timestamptz NOT NULL,
        received_at timestamptz NOT NULL,
        properties text NOT NULL,
        PRIMARY KEY (event_id, source, received_week)
    ) PARTITION BY LIST (received_week)
    """,
    "CREATE INDEX raw_event_account ON health_score.raw_event (account_no, occurred_at)",
    """
    CREATE TABLE health_score.account_day (
        account_no integer NOT NULL,
        day date NOT NULL,
        events integer NOT NULL,
        users bytea NOT NULL,
        features bytea NOT NULL,
        PRIMARY KEY (account_no, day)
    ) WITH (fillfactor = 80)
    """,
    # The close as first reported stays beside the restated one.
    """
    CREATE TABLE health_score.health_day (
        account_no integer NOT NULL,
        day date NOT NULL,
        score smallint,
        band text NOT NULL,
        coverage smallint NOT NULL,
        scorecard_no smallint NOT NULL,
        reported_score smallint,
        reported_band text NOT NULL,
        reported_at timestamptz NOT NULL,
        restated_at timestamptz,
        PRIMARY KEY (account_no, day)
    )
    """,
)


def upgrade() -> None:
    create_kit_tables(op, "health_score")
    for table in TABLES:
        op.execute(table)


def downgrade() -> None:
    for name in (
        "health_day",
        "account_day",
        "raw_event",
        "account_feature",
        "account_user",
        "account",
        "scorecard",
    ):
        op.execute(f"DROP TABLE health_score.{name}")
    drop_kit_tables(op, "health_score")
