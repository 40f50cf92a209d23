"""What lists are filtered and sorted by, the stream of changes in the order of their commits, and links to pictures."""

from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

SHOWN = (
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
"""The columns of an account that its row of the listing repeats."""

WATCHED = (*SHOWN, "silent_after", "erased_at", "arr")

TABLES = (
    # A narrow copy of what lists show. Accounts are wide rows, written with every batch of events: indexes there would
    # cost each of those writes, and a scan of 100,000 would read 400 MB instead of 15.
    """
    CREATE TABLE health_score.listing (
        account_no integer PRIMARY KEY,
        account_id text COLLATE "C" NOT NULL,
        name text COLLATE "C",
        folded text COLLATE "C",
        owner text COLLATE "C",
        left_owner text COLLATE "C",
        tier text COLLATE "C",
        segment text COLLATE "C",
        industry text COLLATE "C",
        zone text COLLATE "C",
        created_at timestamptz NOT NULL,
        first_day date,
        last_active date,
        is_silent boolean NOT NULL,
        seats integer,
        next_renewal_on date,
        score smallint,
        band text COLLATE "C" NOT NULL,
        coverage smallint NOT NULL,
        band_since timestamptz
    ) WITH (fillfactor = 80)
    """,
    "CREATE UNIQUE INDEX listing_account_id ON health_score.listing (account_id)",
    # Every index is written with each change of a score. Orders that few ask for (coverage, silence, the first day, and
    # since when) have none: they are a scan of the narrow table.
    *(
        f"CREATE INDEX listing_{column} ON health_score.listing ({column}, account_id)"
        for column in (
            "owner",
            "tier",
            "segment",
            "industry",
            "zone",
            "folded",
            "last_active",
            "seats",
            "next_renewal_on",
            "score",
        )
    ),
    (
        "CREATE INDEX listing_band ON health_score.listing"
        " ((CASE band WHEN 'red' THEN 1 WHEN 'yellow' THEN 2 WHEN 'green' THEN 3 END), account_id)"
    ),
    """
    CREATE TABLE health_score.account_arr (
        account_no integer NOT NULL,
        currency text COLLATE "C" NOT NULL,
        amount numeric NOT NULL,
        account_id text COLLATE "C" NOT NULL,
        PRIMARY KEY (account_no, currency)
    )
    """,
    "CREATE INDEX account_arr_amount ON health_score.account_arr (currency, amount, account_id)",
    # A trigger, so that no writer of accounts can leave the copy behind; its condition is all that a batch costs which
    # changes nothing that is shown.
    f"""
    CREATE FUNCTION health_score.list_account() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.erased_at IS NOT NULL THEN
            DELETE FROM health_score.listing WHERE account_no = NEW.account_no;
            DELETE FROM health_score.account_arr WHERE account_no = NEW.account_no;
            RETURN NULL;
        END IF;
        INSERT INTO health_score.listing AS l (account_no, folded, is_silent, {", ".join(SHOWN)})
        VALUES (NEW.account_no, lower(NEW.name), NEW.silent_after IS NOT NULL, {", ".join(f"NEW.{c}" for c in SHOWN)})
        ON CONFLICT (account_no) DO UPDATE SET folded = excluded.folded, is_silent = excluded.is_silent,
            left_owner = CASE WHEN l.owner IS DISTINCT FROM excluded.owner THEN l.owner ELSE l.left_owner END,
            {", ".join(f"{c} = excluded.{c}" for c in SHOWN)};
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
    """
    CREATE TRIGGER list_new_account AFTER INSERT ON health_score.account
    FOR EACH ROW EXECUTE FUNCTION health_score.list_account()
    """,
    f"""
    CREATE TRIGGER list_account AFTER UPDATE ON health_score.account FOR EACH ROW
    WHEN (({", ".join(f"OLD.{c}" for c in WATCHED)}) IS DISTINCT FROM ({", ".join(f"NEW.{c}" for c in WATCHED)}))
    EXECUTE FUNCTION health_score.list_account()
    """,
    f"""
    INSERT INTO health_score.listing (account_no, folded, is_silent, {", ".join(SHOWN)})
    SELECT account_no, lower(name), silent_after IS NOT NULL, {", ".join(SHOWN)}
    FROM health_score.account WHERE erased_at IS NULL
    """,
    """
    INSERT INTO health_score.account_arr
    SELECT a.account_no, m ->> 'currency', sum((m ->> 'amount')::numeric), a.account_id
    FROM health_score.account a, jsonb_array_elements(a.arr) AS m WHERE a.erased_at IS NULL GROUP BY 1, 2, 4
    """,
    # What was said about accounts, for tools that follow it. `change_no` is given while the account is locked, so it is
    # in order within an account, but between accounts a lower one may be committed after a higher. So rows wait here
    # until they are committed, and one process at a time moves them on and gives them their places: whoever has read a
    # place has missed nothing before it.
    """
    CREATE TABLE health_score.change_waiting (
        change_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        account_id text COLLATE "C",
        owner text COLLATE "C",
        left_owner text COLLATE "C",
        type text NOT NULL,
        event_id text NOT NULL,
        source text NOT NULL,
        occurred_at text NOT NULL,
        said_at timestamptz NOT NULL,
        data text NOT NULL
    )
    """,
    # Rows live for a fraction of a second here: vacuum by number of dead rows, not by share.
    (
        "ALTER TABLE health_score.change_waiting"
        " SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)"
    ),
    # Without an account: all readers have to look again.
    """
    CREATE TABLE health_score.change (
        place bigint PRIMARY KEY,
        account_id text COLLATE "C",
        owner text COLLATE "C",
        left_owner text COLLATE "C",
        type text NOT NULL,
        event_id text NOT NULL,
        source text NOT NULL,
        occurred_at text NOT NULL,
        said_at timestamptz NOT NULL,
        data text NOT NULL
    )
    """,
    "CREATE INDEX change_account ON health_score.change (account_id)",
    "CREATE TABLE health_score.change_order (id smallint PRIMARY KEY, last bigint NOT NULL, forgotten bigint NOT NULL)",
    "INSERT INTO health_score.change_order VALUES (1, 0, 0)",
    # All that is published passes the outbox, so a new kind of event is in the stream without a word. An erased account
    # has no row under its id any more, and so nothing of it is kept here.
    """
    CREATE FUNCTION health_score.keep_changes() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO health_score.change_waiting
            (account_id, owner, left_owner, type, event_id, source, occurred_at, said_at, data)
        SELECT s.key, l.owner, l.left_owner,
            convert_from(s.header_values[array_position(s.header_names, 'ce_type')], 'UTF8'),
            convert_from(s.header_values[array_position(s.header_names, 'ce_id')], 'UTF8'),
            convert_from(s.header_values[array_position(s.header_names, 'ce_source')], 'UTF8'),
            convert_from(s.header_values[array_position(s.header_names, 'ce_time')], 'UTF8'),
            s.written_at, convert_from(s.value, 'UTF8')
        FROM said s JOIN health_score.listing l ON l.account_id = s.key
        WHERE s.topic IN ('health-events', 'account-events') ORDER BY s.id;
        UPDATE health_score.listing l SET left_owner = NULL
        FROM said s WHERE s.topic = 'account-events' AND l.account_id = s.key AND l.left_owner IS NOT NULL;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER keep_changes AFTER INSERT ON health_score.outbox REFERENCING NEW TABLE AS said
    FOR EACH STATEMENT EXECUTE FUNCTION health_score.keep_changes()
    """,
    """
    CREATE TABLE health_score.picture_link (
        link_id text PRIMARY KEY,
        account_no integer NOT NULL,
        created_at timestamptz NOT NULL,
        created_by text NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
    )
    """,
    "CREATE INDEX picture_link_account ON health_score.picture_link (account_no, created_at)",
    # Who an account was in the hands of: its facts that name an owner.
    "CREATE INDEX fact_owner ON health_score.fact ((body ->> 'owner')) WHERE kind = 'account'",
    "CREATE INDEX fact_touchpoint ON health_score.fact (account_no, occurred_at) WHERE kind = 'touchpoint'",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP INDEX health_score.fact_touchpoint")
    op.execute("DROP INDEX health_score.fact_owner")
    op.execute("DROP TRIGGER keep_changes ON health_score.outbox")
    op.execute("DROP FUNCTION health_score.keep_changes()")
    for trigger in ("list_account", "list_new_account"):
        op.execute(f"DROP TRIGGER {trigger} ON health_score.account")
    op.execute("DROP FUNCTION health_score.list_account()")
    for name in ("picture_link", "change_order", "change", "change_waiting", "account_arr", "listing"):
        op.execute(f"DROP TABLE health_score.{name}")
