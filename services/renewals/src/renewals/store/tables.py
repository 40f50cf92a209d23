"""The tables of schema `renewals`, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from mainstay.db.tables import kit_tables

SCHEMA = "renewals"
metadata = MetaData(schema=SCHEMA)
kit = kit_tables(metadata)

account = Table(
    "account",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="the number of the last account.value_changed"),
    Column("arr", JSONB, nullable=False, comment='[{"amount": "1200.00", "currency": "EUR"}], as last said'),
    Column("seats", BigInteger),
    Column("next_renewal_on", Date),
    Column("erased_at", DateTime(timezone=True), comment="since when account_id is a pseudonym"),
)

account_health = Table(
    "account_health",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("score", SmallInteger),
    Column("band", Text, nullable=False),
    Column("coverage", Float, nullable=False),
    Column("as_of", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
)

contract = Table(
    "contract",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey(account.c.account_id), nullable=False),
    Column("external_id", Text, unique=True),
    Column("kind", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("anchor", Date, nullable=False),
    Column("anchor_number", Integer, nullable=False),
    Column("term_months", Integer),
    Column("window_days", Integer),
    Column("at_end", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("seats", Integer),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Column("entered_by", Text, nullable=False),
    Column("entitlements", JSONB, nullable=False, comment='{"api_calls": 100000}'),
    Column("grace_days", Integer, nullable=False),
    Column("notice", JSONB(none_as_null=True)),
    Column("holders", JSONB, nullable=False, comment='[{"account_id": "acme", "since": null}]; [] if it never changed'),
    Column("predecessor", JSONB(none_as_null=True)),
    Column("co_term_of", Text),
    Column("cancellation", JSONB(none_as_null=True)),
    Index("contract_account_id", "account_id", "id"),
)

term = Table(
    "term",
    metadata,
    Column("contract_id", Text, ForeignKey(contract.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("start", Date, nullable=False),
    Column("end_exclusive", Date, nullable=False),
    Column("counted_from", Date, nullable=False),
    Column("stated_end", Date),
    Column("amount", Numeric, nullable=False),
    Column("seats", Integer),
    Column("window_opens_on", Date),
    Column("window_opened_at", DateTime(timezone=True)),
    Column("outcome", Text),
    Column("closed_at", DateTime(timezone=True)),
    Column("steps", JSONB, nullable=False, comment='[{"start", "amount", "months", "seats", "entitlements"}]'),
    Column("due_before", Date),
    Column("cancelled_on", Date),
    Column("signed_on", Date),
    Column("is_rolling", Boolean, nullable=False),
    Column("entitlements", JSONB, nullable=False),
    Index("term_end_exclusive", "end_exclusive", "contract_id", "number"),
)

contract_revision = Table(
    "contract_revision",
    metadata,
    Column("contract_id", Text, ForeignKey(contract.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("snapshot", JSONB, nullable=False, comment="the contract's row, and its terms' rows as `terms`"),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("contract_id", Text, ForeignKey(contract.c.id), nullable=False),
    Column("term", Integer, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("start", Date, nullable=False),
    Column("end_exclusive", Date, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("months", Text, nullable=False, comment="exactly: 12, or 11/31"),
    Column("arr", Numeric, nullable=False, comment="to 24 decimals"),
    Column("seats", Integer),
    Column("entitlements", JSONB, nullable=False),
    Column("grace_days", Integer, nullable=False),
    Column("continues", Boolean, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

ledger_withdrawal = Table(
    "ledger_withdrawal",
    metadata,
    Column("entry_id", BigInteger, ForeignKey(ledger_entry.c.id), primary_key=True),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

exchange_rate = Table(
    "exchange_rate",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("valid_from", Date, nullable=False),
    Column("currency", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("rate", Numeric, comment="one unit of `currency` in `base`; null: withdrawn"),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
)

account_group = Table(
    "account_group",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("said_at", DateTime(timezone=True), nullable=False),
    Column("segment", Text),
    Column("tier", Text),
    Column("owner", Text),
    Column("team", JSONB, nullable=False, comment='[{"role", "person", "since", "until"}]'),
    Column("industry", Text),
)

renewal = Table(
    "renewal",
    metadata,
    Column("contract_id", Text, ForeignKey(contract.c.id), primary_key=True),
    Column("term", Integer, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_on", Date, nullable=False, comment="the last day as agreed"),
    Column("currency", Text, nullable=False),
    Column("arr", Numeric, nullable=False, comment="of the last day, to the minor unit"),
    Column("owner", Text),
    Column("co_owner", Text),
    Column("owner_role", Text, nullable=False),
    Column("owner_source", Text, nullable=False),
    Column("tier", Text),
    Column("segment", Text),
    Column("risk", Text, comment="while the window is open"),
)

milestone = Table(
    "milestone",
    metadata,
    Column("contract_id", Text, ForeignKey(contract.c.id), primary_key=True),
    Column("term", Integer, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("on_day", Date, nullable=False, comment="civil date where the contract is"),
    Column("reached_at", DateTime(timezone=True), nullable=False),
    Column("late_by_seconds", BigInteger, nullable=False),
    Column("superseded", Boolean, nullable=False, comment="people heard of a later one in its place"),
)

renewal_handover = Table(
    "renewal_handover",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("contract_id", Text, ForeignKey(contract.c.id), nullable=False),
    Column("term", Integer, nullable=False),
    Column("owner", Text, comment="null: back to whom the policy says"),
    Column("reason", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
)

renewal_policy = Table(
    "renewal_policy",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("body", JSONB, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("saved_by", Text, nullable=False),
)

forecast_call = Table(
    "forecast_call",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("contract_id", Text, ForeignKey(contract.c.id), nullable=False),
    Column("term", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("probability", Numeric, nullable=False),
    Column("amount", Numeric, nullable=False, comment="ARR of the next term, in the contract's currency"),
    Column("band", Text),
    Column("trend", Text),
    Column("tenure", Text),
    Column("factors", JSONB, nullable=False, comment='[{"name", "level", "terms", "renewed", "probability": "9/10"}]'),
    Column("note", Text, nullable=False),
    Column("said_at", DateTime(timezone=True), nullable=False),
    Column("said_by", Text, nullable=False),
    Column("recorded_by", Text, nullable=False),
)

renewal_past = Table(
    "renewal_past",
    metadata,
    Column("counted_at", DateTime(timezone=True), primary_key=True),
    Column("cells", JSONB, nullable=False, comment='[{"band", "trend", "tenure", "terms", "renewed"}]'),
)

account_score = Table(
    "account_score",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("day", Date, primary_key=True, comment="in UTC"),
    Column("score", SmallInteger),
    Column("as_of", DateTime(timezone=True), nullable=False),
    Column("event_id", Text, nullable=False),
)
