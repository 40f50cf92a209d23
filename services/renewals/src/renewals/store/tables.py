"""The tables of schema `renewals`, as the newest migration leaves them."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
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
    Index("term_end_exclusive", "end_exclusive", "contract_id", "number"),
)
