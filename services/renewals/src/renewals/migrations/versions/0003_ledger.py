"""The ledger on two time axes, what amendments need of contracts and terms, exchange rates, and accounts' groups.

Revision ID: 0003
Revises: 0002
"""

from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CONTRACT_COLUMNS = (
    "entitlements jsonb NOT NULL DEFAULT '{}'",
    "grace_days integer NOT NULL DEFAULT 0",
    "notice jsonb",
    "holders jsonb NOT NULL DEFAULT '[]'",
    "predecessor jsonb",
    "co_term_of text",
    "cancellation jsonb",
)
TERM_COLUMNS = (
    "steps jsonb NOT NULL DEFAULT '[]'",
    "due_before date",
    "cancelled_on date",
    "signed_on date",
    "is_rolling boolean NOT NULL DEFAULT false",
    "entitlements jsonb NOT NULL DEFAULT '{}'",
)
TABLES = (
    """
    CREATE TABLE renewals.contract_revision (
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        number integer NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        reason text NOT NULL,
        snapshot jsonb NOT NULL,
        PRIMARY KEY (contract_id, number)
    )
    """,
    "CREATE INDEX contract_revision_known ON renewals.contract_revision (contract_id, recorded_at DESC, number DESC)",
    """
    CREATE TABLE renewals.ledger_entry (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        contract_id text NOT NULL REFERENCES renewals.contract (id),
        term integer NOT NULL,
        account_id text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('runs', 'served', 'due', 'renewed', 'held')),
        start date NOT NULL,
        end_exclusive date NOT NULL,
        currency text NOT NULL,
        amount numeric NOT NULL,
        months text NOT NULL,
        arr numeric NOT NULL,
        seats integer,
        entitlements jsonb NOT NULL,
        grace_days integer NOT NULL,
        continues boolean NOT NULL,
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        reason text NOT NULL,
        CHECK (start < end_exclusive)
    )
    """,
    "CREATE INDEX ledger_entry_of ON renewals.ledger_entry (account_id)",
    "CREATE INDEX ledger_entry_contract ON renewals.ledger_entry (contract_id)",
    "CREATE INDEX ledger_entry_account ON renewals.ledger_entry (account_id, start) WHERE kind = 'runs'",
    # Figures read these two whole, and nothing of the table: everybody's rows on two days, and a period's expiries.
    (
        "CREATE INDEX ledger_entry_runs ON renewals.ledger_entry (end_exclusive, start)"
        " INCLUDE (id, contract_id, account_id, currency, arr, recorded_at) WHERE kind = 'runs'"
    ),
    (
        "CREATE INDEX ledger_entry_expiry ON renewals.ledger_entry (start)"
        " INCLUDE (id, kind, contract_id, account_id, currency, arr, recorded_at) WHERE kind IN ('due', 'renewed')"
    ),
    "CREATE INDEX ledger_entry_held ON renewals.ledger_entry (contract_id) WHERE kind = 'held'",
    "CREATE INDEX ledger_entry_begins ON renewals.ledger_entry (start) WHERE kind = 'runs' AND NOT continues",
    """
    CREATE TABLE renewals.ledger_withdrawal (
        entry_id bigint PRIMARY KEY REFERENCES renewals.ledger_entry (id),
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL,
        reason text NOT NULL
    )
    """,
    """
    CREATE FUNCTION renewals.keep_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        -- Erasure alone changes what was recorded: the account's id, and what people wrote.
        IF TG_OP = 'UPDATE' AND to_jsonb(NEW) - '{account_id,reason,snapshot}'::text[]
            = to_jsonb(OLD) - '{account_id,reason,snapshot}'::text[] THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the ledger is only added to';
    END $$
    """,
    *(
        f"CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON renewals.{table}"
        " FOR EACH ROW EXECUTE FUNCTION renewals.keep_the_ledger()"
        for table in ("contract_revision", "ledger_entry", "ledger_withdrawal")
    ),
    """
    CREATE TABLE renewals.exchange_rate (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        valid_from date NOT NULL,
        currency text NOT NULL,
        base text NOT NULL,
        rate numeric CHECK (rate > 0),
        recorded_at timestamptz NOT NULL,
        recorded_by text NOT NULL
    )
    """,
    "CREATE INDEX exchange_rate_known ON renewals.exchange_rate (currency, base, valid_from, recorded_at)",
    """
    CREATE TABLE renewals.account_group (
        account_id text NOT NULL,
        sequence bigint NOT NULL,
        said_at timestamptz NOT NULL,
        segment text,
        tier text,
        owner text,
        PRIMARY KEY (account_id, sequence)
    )
    """,
)


def upgrade() -> None:
    for table, columns in (("contract", CONTRACT_COLUMNS), ("term", TERM_COLUMNS)):
        op.execute(f"ALTER TABLE renewals.{table} " + ", ".join(f"ADD COLUMN {column}" for column in columns))
    # Until now a cancellation had an instant only; its day is the one it was where the contract is.
    op.execute(
        "UPDATE renewals.term t SET cancelled_on = GREATEST((t.closed_at AT TIME ZONE c.zone)::date, t.start)"
        " FROM renewals.contract c WHERE c.id = t.contract_id AND t.outcome = 'cancelled'"
    )
    op.execute(
        "UPDATE renewals.contract c SET at_end = 'cancel', cancellation = jsonb_build_object("
        "'on', t.cancelled_on, 'reason', 'cancelled', 'at_end', c.at_end)"
        " FROM renewals.term t WHERE t.contract_id = c.id AND t.outcome = 'cancelled'"
    )
    for statement in TABLES:
        op.execute(statement)
    _fill(op.get_bind())


def downgrade() -> None:
    for table in ("account_group", "exchange_rate", "ledger_withdrawal", "ledger_entry", "contract_revision"):
        op.execute(f"DROP TABLE renewals.{table}")
    op.execute("DROP FUNCTION renewals.keep_the_ledger")
    for table, columns in (("contract", CONTRACT_COLUMNS), ("term", TERM_COLUMNS)):
        op.execute(
            f"ALTER TABLE renewals.{table} " + ", ".join(f"DROP COLUMN {column.split()[0]}" for column in columns)
        )


REASON = "known before the ledger began"


def _fill(connection: Any) -> None:
    """What is known of contracts already: known since they were entered, a renewed term since the one before closed.

    The rules are those of domain/ledger.py as this revision was written; later ones do not change what it did.
    """
    connection.execute(
        sa.text(
            "INSERT INTO renewals.contract_revision (contract_id, number, recorded_at, recorded_by, reason, snapshot)"
            " SELECT c.id, 1, c.entered_at, c.entered_by, :reason, to_jsonb(c) - '{entered_at,entered_by}'::text[]"
            " || jsonb_build_object('amount', c.amount::text, 'terms', (SELECT jsonb_agg("
            " to_jsonb(t) || jsonb_build_object('amount', t.amount::text) ORDER BY t.number)"
            " FROM renewals.term t WHERE t.contract_id = c.id)) FROM renewals.contract c"
        ),
        {"reason": REASON},
    )
    rows = connection.execute(
        sa.text(
            "SELECT c.account_id, c.kind AS contract_kind, c.currency, c.entered_by, c.grace_days, t.*,"
            " GREATEST(c.entered_at, lag(t.closed_at) OVER w) AS known_at, lead(t.start) OVER w AS next_start,"
            " lead(t.end_exclusive) OVER w AS next_end, lead(t.amount) OVER w AS next_amount,"
            " lead(t.counted_from) OVER w AS next_counted_from, lead(t.seats) OVER w AS next_seats,"
            " GREATEST(c.entered_at, t.closed_at) AS renewed_at"
            " FROM renewals.contract c JOIN renewals.term t ON t.contract_id = c.id"
            " WINDOW w AS (PARTITION BY c.id ORDER BY t.number)"
        )
    ).mappings()
    day = timedelta(days=1)
    found: list[dict[str, Any]] = []
    for row in rows:
        recurring = row["contract_kind"] == "recurring"
        until = min(row["end_exclusive"], row["cancelled_on"] or date.max)
        common = {key: row[key] for key in ("contract_id", "account_id", "currency")} | {"by": row["entered_by"]}
        here = _worth(row["counted_from"], row["start"], row["end_exclusive"], row["amount"])
        this = {**common, "term": row["number"], **here, "seats": row["seats"], "grace": 0, "continues": False}
        if row["start"] < until:
            kind = {"kind": "runs"} if recurring else {"kind": "served", "arr": "0"}
            span = {"start": row["start"], "until": until, "at": row["known_at"], "grace": row["grace_days"]}
            found.append({**this, **kind, **span, "continues": row["number"] > 1})
        if not recurring or row["cancelled_on"]:
            continue
        expiry = {"start": row["end_exclusive"] - day, "until": row["end_exclusive"]}
        found.append({**this, "kind": "due", **expiry, "at": row["known_at"]})
        if row["next_start"]:
            worth = _worth(row["next_counted_from"], row["next_start"], row["next_end"], row["next_amount"])
            renewed = {"kind": "renewed", **expiry, **worth, "seats": row["next_seats"], "at": row["renewed_at"]}
            found.append({**this, **renewed})
    if found:
        connection.execute(
            sa.text(
                "INSERT INTO renewals.ledger_entry (contract_id, term, account_id, kind, start, end_exclusive,"
                " currency, amount, months, arr, seats, entitlements, grace_days, continues, recorded_at, recorded_by,"
                " reason)"
                " VALUES (:contract_id, :term, :account_id, :kind, :start, :until, :currency, :amount, :months,"
                " trim_scale(CAST(CAST(:arr AS text) AS numeric)), :seats, '{}', :grace, :continues, :at, :by, :reason)"
            ),
            [{**row, "reason": REASON} for row in found],
        )


def _worth(anchor: date, start: date, end: date, amount: Any) -> dict[str, Any]:
    months = _months_between(anchor, start, end)
    arr = round(Fraction(amount) * 12 / months * 10**24)
    return {"amount": amount, "months": str(months), "arr": f"{arr}e-24"}


def _add_months(anchor: date, months: int) -> date:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return date(year, month + 1, min(anchor.day, monthrange(year, month + 1)[1]))


def _months_from(anchor: date, day: date) -> Fraction:
    whole = (day.year - anchor.year) * 12 + day.month - anchor.month
    if _add_months(anchor, whole) > day:
        whole -= 1
    reached = _add_months(anchor, whole)
    return whole + Fraction((day - reached).days, (_add_months(anchor, whole + 1) - reached).days)


def _months_between(anchor: date, start: date, end: date) -> Fraction:
    before = end - timedelta(days=1)
    is_rolled_over = anchor == start and end.day == 1 and before.day < start.day
    if is_rolled_over:
        return _months_from(anchor, before)
    return _months_from(anchor, end) - _months_from(anchor, start)
