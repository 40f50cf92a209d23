"""The stage of an account's life, what follows from its record by rules, and feedback as it is known now."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

SHOWN_BEFORE = (
    "account_id",
    "name",
    "owner",
    "tier",
    "segment",
    "industry",
    "zone",
    "created_at",
    "first_day",
    "last_active",
    "seats",
    "next_renewal_on",
    "score",
    "band",
    "coverage",
    "band_since",
)
LIFE = ("stage", "stage_entered_on", "stage_overdue")
"""The columns of an account that its row of the listing repeats since."""

_LATEST = (
    "(array_agg(f.body ->> '{0}' ORDER BY f.occurred_at DESC, f.event_id DESC)"
    " FILTER (WHERE jsonb_exists(f.body, '{0}')))[1]"
)
FIELDS = ("kind", "theme", "severity", "state", "release", "words", "contact_id")

# Of each field the latest statement by (occurred at, event id), as everywhere.
RESOLVE = (
    "INSERT INTO health_score.feedback AS k (account_no, feedback_id, first_at, last_at, state_at, eta_on, told_at,"
    f" {', '.join(FIELDS)})"
    " SELECT f.account_no, f.thing_id, min(f.occurred_at), max(f.occurred_at),"
    " max(f.occurred_at) FILTER (WHERE jsonb_exists(f.body, 'state')),"
    f" CAST({_LATEST.format('eta_on')} AS date), CAST({_LATEST.format('customer_told_at')} AS timestamptz),"
    f" {', '.join(_LATEST.format(name) for name in FIELDS)}"
    " FROM health_score.fact f WHERE f.kind = 'feedback'{these} GROUP BY f.account_no, f.thing_id"
    " ON CONFLICT (account_no, feedback_id) DO UPDATE SET first_at = excluded.first_at, last_at = excluded.last_at,"
    " state_at = excluded.state_at, eta_on = excluded.eta_on, told_at = excluded.told_at,"
    f" {', '.join(f'{name} = excluded.{name}' for name in FIELDS)}"
)
_THESE = " AND (f.account_no, f.thing_id) IN (SELECT s.account_no, s.thing_id FROM said s WHERE s.kind = 'feedback')"


def listing(columns: tuple[str, ...]) -> tuple[str, str]:
    """The function that keeps the listing with these columns, and its trigger."""
    watched = (*columns, "silent_after", "erased_at", "arr")
    return (
        f"""
        CREATE OR REPLACE FUNCTION health_score.list_account() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.erased_at IS NOT NULL THEN
                DELETE FROM health_score.listing WHERE account_no = NEW.account_no;
                DELETE FROM health_score.account_arr WHERE account_no = NEW.account_no;
                RETURN NULL;
            END IF;
            INSERT INTO health_score.listing AS l (account_no, folded, is_silent, {", ".join(columns)})
            VALUES (NEW.account_no, lower(NEW.name), NEW.silent_after IS NOT NULL,
                {", ".join(f"NEW.{c}" for c in columns)})
            ON CONFLICT (account_no) DO UPDATE SET folded = excluded.folded, is_silent = excluded.is_silent,
                left_owner = CASE WHEN l.owner IS DISTINCT FROM excluded.owner THEN l.owner ELSE l.left_owner END,
                {", ".join(f"{c} = excluded.{c}" for c in columns)};
            IF TG_OP = 'INSERT' OR OLD.arr IS DISTINCT FROM NEW.arr THEN
                DELETE FROM health_score.account_arr WHERE account_no = NEW.account_no;
                INSERT INTO health_score.account_arr
                SELECT NEW.account_no, m ->> 'currency', sum((m ->> 'amount')::numeric), NEW.account_id
                FROM jsonb_array_elements(NEW.arr) AS m GROUP BY 2;
            END IF;
            RETURN NULL;
        END
        $$
        """,
        f"""
        CREATE TRIGGER list_account AFTER UPDATE ON health_score.account FOR EACH ROW
        WHEN (({", ".join(f"OLD.{c}" for c in watched)}) IS DISTINCT FROM ({", ".join(f"NEW.{c}" for c in watched)}))
        EXECUTE FUNCTION health_score.list_account()
        """,
    )


STATEMENTS = (
    "DROP TRIGGER list_account ON health_score.account",
    # `derived` holds the tier, stage and service with why; the columns beside it are for lists.
    (
        "ALTER TABLE health_score.account ADD COLUMN stage text, ADD COLUMN stage_entered_on date,"
        " ADD COLUMN stage_overdue boolean NOT NULL DEFAULT false, ADD COLUMN derived jsonb NOT NULL DEFAULT '{}'"
    ),
    # What was stated before is no news: nobody is told of it again.
    """
    UPDATE health_score.account SET stage = stated #>> '{stage,value}',
        stage_entered_on = CAST(stated #>> '{stage,at}' AS timestamptz)::date,
        derived = jsonb_build_object('stage', stated #>> '{stage,value}', 'stage_entered_at', stated #>> '{stage,at}')
    WHERE stated #>> '{stage,value}' IS NOT NULL
    """,
    (
        'ALTER TABLE health_score.listing ADD COLUMN stage text COLLATE "C", ADD COLUMN stage_entered_on date,'
        " ADD COLUMN stage_overdue boolean NOT NULL DEFAULT false"
    ),
    (
        "UPDATE health_score.listing l SET stage = a.stage, stage_entered_on = a.stage_entered_on"
        " FROM health_score.account a WHERE a.account_no = l.account_no AND a.stage IS NOT NULL"
    ),
    "CREATE INDEX listing_stage ON health_score.listing (stage, account_id)",
    "CREATE INDEX listing_stage_entered_on ON health_score.listing (stage_entered_on, account_id)",
    "CREATE INDEX listing_overdue ON health_score.listing (account_id) WHERE stage_overdue",
    *listing((*SHOWN_BEFORE, *LIFE)),
    # What was asked for, as the facts resolve. A trigger keeps it, so that no writer of facts can leave it behind.
    """
    CREATE TABLE health_score.feedback (
        account_no integer NOT NULL,
        feedback_id text COLLATE "C" NOT NULL,
        first_at timestamptz NOT NULL,
        last_at timestamptz NOT NULL,
        state_at timestamptz,
        eta_on date,
        told_at timestamptz,
        kind text,
        theme text COLLATE "C",
        severity text,
        state text,
        release text,
        words text,
        contact_id text,
        PRIMARY KEY (account_no, feedback_id)
    )
    """,
    "CREATE INDEX feedback_theme ON health_score.feedback (theme, account_no, feedback_id)",
    "CREATE INDEX feedback_last ON health_score.feedback (last_at)",
    (
        "CREATE INDEX feedback_untold ON health_score.feedback (state_at, account_no, feedback_id)"
        " WHERE state IN ('released', 'wont_do') AND told_at IS NULL"
    ),
    f"""
    CREATE FUNCTION health_score.keep_feedback() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM said WHERE kind = 'feedback') THEN
            {RESOLVE.format(these=_THESE)};
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE FUNCTION health_score.forget_feedback() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        DELETE FROM health_score.feedback k USING said s
        WHERE s.kind = 'feedback' AND k.account_no = s.account_no AND k.feedback_id = s.thing_id
            AND NOT EXISTS (SELECT FROM health_score.fact f WHERE f.kind = 'feedback'
                AND f.account_no = k.account_no AND f.thing_id = k.feedback_id);
        RETURN NULL;
    END
    $$
    """,
    *(
        f"CREATE TRIGGER keep_feedback_{event.lower()} AFTER {event} ON health_score.fact"
        " REFERENCING NEW TABLE AS said FOR EACH STATEMENT EXECUTE FUNCTION health_score.keep_feedback()"
        for event in ("INSERT", "UPDATE")
    ),
    *(
        f"CREATE TRIGGER forget_feedback_{event.lower()} AFTER {event} ON health_score.fact"
        " REFERENCING OLD TABLE AS said FOR EACH STATEMENT EXECUTE FUNCTION health_score.forget_feedback()"
        for event in ("UPDATE", "DELETE")
    ),
    RESOLVE.format(these=""),
    # A study may try rules on the portfolio too.
    (
        "ALTER TABLE health_score.study DROP CONSTRAINT study_kind_check,"
        " ADD CONSTRAINT study_kind_check CHECK (kind IN ('backtest', 'preview', 'rules-preview'))"
    ),
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DELETE FROM health_score.study WHERE kind = 'rules-preview'")
    op.execute(
        "ALTER TABLE health_score.study DROP CONSTRAINT study_kind_check,"
        " ADD CONSTRAINT study_kind_check CHECK (kind IN ('backtest', 'preview'))"
    )
    for trigger in ("keep_feedback_insert", "keep_feedback_update", "forget_feedback_update", "forget_feedback_delete"):
        op.execute(f"DROP TRIGGER {trigger} ON health_score.fact")
    op.execute("DROP FUNCTION health_score.keep_feedback()")
    op.execute("DROP FUNCTION health_score.forget_feedback()")
    op.execute("DROP TABLE health_score.feedback")
    op.execute("DROP TRIGGER list_account ON health_score.account")
    op.execute(
        "ALTER TABLE health_score.listing DROP COLUMN stage, DROP COLUMN stage_entered_on, DROP COLUMN stage_overdue"
    )
    for statement in listing(SHOWN_BEFORE):
        op.execute(statement)
    op.execute(
        "ALTER TABLE health_score.account DROP COLUMN stage, DROP COLUMN stage_entered_on,"
        " DROP COLUMN stage_overdue, DROP COLUMN derived"
    )
