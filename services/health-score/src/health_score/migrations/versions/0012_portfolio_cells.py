"""The portfolio counted as it changes: what each change adds and takes away, and the cells that this adds up to."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_SIDE = """
        INSERT INTO health_score.portfolio_change
            (owner, tier, segment, industry, stage, band, currency, decimals, accounts, silent, amount)
        SELECT {row}.owner, {row}.tier, {row}.segment, {row}.industry, {row}.stage, {row}.band, s.* FROM (
            SELECT NULL::text, 0, {sign} 1, {sign} ({row}.silent_after IS NOT NULL)::integer, 0::numeric
            UNION ALL SELECT m ->> 'currency', scale(a), {sign} 1, 0, {sign} a
            FROM jsonb_array_elements({row}.arr) AS m, CAST(m ->> 'amount' AS numeric) AS a) AS s;
"""
_COUNTED = ("owner", "tier", "segment", "industry", "stage", "band", "silent_after IS NULL", "erased_at IS NULL", "arr")


def _values(row: str) -> str:
    return ", ".join(f"{row}.{column}" for column in _COUNTED)


STATEMENTS = (
    # A row for each side of a change, without a key and never updated: writers of accounts do not wait for each other.
    # Without a currency it counts accounts, with one it counts and adds up ARR, apart by decimals: what is taken away
    # again leaves no `.00` behind.
    """
    CREATE TABLE health_score.portfolio_change (
        change_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        owner text COLLATE "C",
        tier text COLLATE "C",
        segment text COLLATE "C",
        industry text COLLATE "C",
        stage text COLLATE "C",
        band text COLLATE "C" NOT NULL,
        currency text COLLATE "C",
        decimals integer NOT NULL,
        accounts integer NOT NULL,
        silent integer NOT NULL,
        amount numeric NOT NULL
    )
    """,
    # Rows live for a second or so: vacuum by number of dead rows, not by share.
    (
        "ALTER TABLE health_score.portfolio_change"
        " SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
    ),
    # What they added up to, by each thing that the portfolio is grouped by ('': not at all). `apart` has the stage of
    # accounts that left health reporting.
    """
    CREATE TABLE health_score.portfolio_cell (
        grouped_by text COLLATE "C" NOT NULL,
        value text COLLATE "C",
        apart text COLLATE "C",
        band text COLLATE "C" NOT NULL,
        currency text COLLATE "C",
        decimals integer NOT NULL,
        accounts bigint NOT NULL,
        silent bigint NOT NULL,
        amount numeric NOT NULL,
        UNIQUE NULLS NOT DISTINCT (grouped_by, value, apart, band, currency, decimals)
    ) WITH (fillfactor = 50)
    """,
    f"""
    CREATE FUNCTION health_score.count_account() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.erased_at IS NULL THEN
            {_SIDE.format(row="OLD", sign="-")}
        END IF;
        IF NEW.erased_at IS NULL THEN
            {_SIDE.format(row="NEW", sign="+")}
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER count_new_account AFTER INSERT ON health_score.account
    FOR EACH ROW EXECUTE FUNCTION health_score.count_account()
    """,
    f"""
    CREATE TRIGGER count_account AFTER UPDATE ON health_score.account FOR EACH ROW
    WHEN (({_values("OLD")}) IS DISTINCT FROM ({_values("NEW")}))
    EXECUTE FUNCTION health_score.count_account()
    """,
    f"""
    DO $$ DECLARE known record; BEGIN
        FOR known IN SELECT * FROM health_score.account WHERE erased_at IS NULL LOOP
            {_SIDE.format(row="known", sign="+")}
        END LOOP;
    END $$
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    for trigger in ("count_account", "count_new_account"):
        op.execute(f"DROP TRIGGER {trigger} ON health_score.account")
    op.execute("DROP FUNCTION health_score.count_account()")
    op.execute("DROP TABLE health_score.portfolio_cell, health_score.portfolio_change")
