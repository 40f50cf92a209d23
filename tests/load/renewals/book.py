"""A portfolio whose terms end on every day of the year, written by SQL: as renewals would have left it by now."""

# Contract n is account n's, of a year, and began n days ago (of 365): windows, milestones and states as they are today.
BOOK = (
    """
    CREATE TEMPORARY TABLE book AS
    SELECT n, 'c' || n AS id, 'a' || n AS account, start, (start + interval '1 year')::date AS ends,
        (start + interval '9 months')::date AS opens, CAST(:now AS timestamptz) AS now,
        (ARRAY['EUR', 'EUR', 'EUR', 'USD', 'GBP'])[1 + n % 5] AS currency, 1200 + n % 9000 AS price,
        'tier ' || n % 3 AS tier, 'segment ' || n % 4 AS segment, 'owner ' || n % 200 AS owner
    FROM (
        SELECT n, CAST(:now AS timestamptz)::date - (n * 31 % 365)::int AS start
        FROM generate_series(1, CAST(:contracts AS bigint)) n
    ) AS s
    """,
    """
    INSERT INTO renewals.account (account_id, sequence, arr, next_renewal_on)
    SELECT account, 1, jsonb_build_array(jsonb_build_object('amount', price || '.00', 'currency', currency)), ends
    FROM book
    """,
    """
    INSERT INTO renewals.account_health (account_id, score, band, coverage, as_of, event_id)
    SELECT account, 30 + n % 70, CASE WHEN n % 9 = 0 THEN 'red' ELSE 'green' END, 1, now, 'e' || n FROM book
    """,
    """
    INSERT INTO renewals.account_group (account_id, sequence, said_at, segment, tier, owner)
    SELECT account, 1, now - interval '1 year', segment, tier, owner FROM book
    """,
    """
    INSERT INTO renewals.contract (id, account_id, kind, currency, zone, anchor, anchor_number, term_months, at_end,
        amount, entered_at, entered_by, grace_days)
    SELECT id, account, 'recurring', currency, 'UTC', start, 1, 12, 'renew', price, start, 'bench', 0 FROM book
    """,
    """
    INSERT INTO renewals.term (contract_id, number, start, end_exclusive, counted_from, amount, window_opens_on,
        window_opened_at)
    SELECT id, 1, start, ends, start, price, opens, CASE WHEN opens < now::date THEN opens END FROM book
    """,
    """
    INSERT INTO renewals.renewal (contract_id, term, account_id, state, due_on, currency, arr, owner, owner_role,
        owner_source, tier, segment, risk)
    SELECT id, 1, account, CASE WHEN opens < now::date THEN 'window_open' ELSE 'active' END, ends - 1, currency,
        price + 0.00, owner, 'csm', 'account', tier, segment,
        CASE WHEN opens < now::date THEN CASE WHEN n % 9 = 0 THEN 'at_risk' ELSE 'none' END END
    FROM book
    """,
    """
    INSERT INTO renewals.milestone (contract_id, term, name, on_day, reached_at, late_by_seconds, superseded)
    SELECT id, 1, name, day, day, 0, false FROM book, LATERAL (
        VALUES ('window', opens), ('days_60', ends - 60), ('days_30', ends - 30), ('due', ends - 1)) v (name, day)
    WHERE day < now::date
    """,
)
LEDGER = (
    """
    INSERT INTO renewals.contract_revision (contract_id, number, recorded_at, recorded_by, reason, snapshot)
    SELECT c.id, 1, c.entered_at, 'bench', 'bench', to_jsonb(c) - '{entered_at,entered_by}'::text[]
        || jsonb_build_object('amount', c.amount::text, 'terms', (
            SELECT jsonb_agg(to_jsonb(t) || jsonb_build_object('amount', t.amount::text))
            FROM renewals.term t WHERE t.contract_id = c.id))
    FROM renewals.contract c
    """,
    """
    INSERT INTO renewals.ledger_entry (contract_id, term, account_id, kind, start, end_exclusive, currency, amount,
        months, arr, entitlements, grace_days, continues, recorded_at, recorded_by, reason)
    SELECT id, 1, account, kind, CASE WHEN kind = 'runs' THEN start ELSE ends - 1 END, ends, currency, price, '12',
        price, '{}', 0, false, start, 'bench', 'bench' FROM book, unnest(ARRAY['runs', 'due']) kind
    """,
)
# What stands in the calendars of accounts' owners.
CALENDARS = (
    """
    INSERT INTO renewals.calendar_entry (contract_id, term, name, owner, day, is_off, sequence, changed_at)
    SELECT id, 1, name, owner, day, false, 1, start FROM book, LATERAL (
        VALUES ('window', opens), ('days_60', ends - 60), ('days_30', ends - 30), ('due', ends - 1)) v (name, day)
    WHERE day > now::date - 35
    """,
)
# A timer for each coming day of each term, at some minute of that day: a million terms have about twelve a minute.
TIMERS = (
    """
    INSERT INTO renewals.due (kind, key, due_at)
    SELECT 'account', account || '@' || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), at
    FROM book, LATERAL (VALUES (opens), (ends - 60), (ends - 30), (ends - 1), (ends)) v (day),
        LATERAL (SELECT day::timestamp AT TIME ZONE 'UTC' + (n * 7919 % 1440) * interval '1 minute' AS at) t
    WHERE day >= now::date AND at > now
    """,
)
