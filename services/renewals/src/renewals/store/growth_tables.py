"""The tables of costs, reviews of churn, consumption, opportunities and credit, and of what accounts are now."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Numeric,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from renewals.store.tables import contract, metadata

economics = Table(
    "economics",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("valid_from", Date, nullable=False),
    Column("segment", Text, comment="null: everybody whose own says nothing"),
    Column("acquisition_cost", Numeric, comment="of one customer"),
    Column("currency", Text),
    Column("gross_margin", Numeric, comment="0 to 1"),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
)

churn_review = Table(
    "churn_review",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("contract_id", Text, ForeignKey(contract.c.id), nullable=False),
    Column("term", Integer, nullable=False),
    Column("churn_reason", Text),
    Column("was_expected", Boolean),
    Column("was_avoidable", Boolean),
    Column("was_good_customer", Boolean),
    Column("win_back_on", Date),
    Column("is_done", Boolean, nullable=False),
    Column("snapshot", JSONB, nullable=False, comment='what people wrote: {"went_well", "went_badly"}'),
    Column("verdict", Text, nullable=False, comment="of the criteria of then: good, not_good or unknown"),
    Column("criteria_version", Integer),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
)

good_customer_criteria = Table(
    "good_customer_criteria",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("document", JSONB, nullable=False, comment="as it was sent"),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("saved_by", Text, nullable=False),
)

consumption = Table(
    "consumption",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column(
        "said", JSONB, nullable=False, comment='{"used": {"value": "900", "at", "event_id"}, "bought", "starts_on"}'
    ),
    Column("recorded_at", DateTime(timezone=True), nullable=False, comment="since when these values are known"),
)

consumption_past = Table(
    "consumption_past",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("metric", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("recorded_at", DateTime(timezone=True), primary_key=True),
    Column("replaced_at", DateTime(timezone=True), nullable=False, comment="the first instant without these values"),
    Column("said", JSONB, nullable=False),
)

charge = Table(
    "charge",
    metadata,
    Column("id", Text, primary_key=True),
    Column("contract_id", Text, ForeignKey(contract.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("amount", Numeric, nullable=False, comment="in the contract's currency"),
    Column("charged_on", Date, nullable=False),
    Column("snapshot", JSONB, nullable=False, comment='what people wrote: {"reason"}'),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
)

opportunity = Table(
    "opportunity",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("contract_id", Text, ForeignKey(contract.c.id)),
    Column("term", Integer),
    Column("signal", Text),
    Column("subject", Text, comment="the metric, or the account that is part of this one"),
    Column("need", JSONB(none_as_null=True), comment="what the signal saw"),
    Column("kind", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("owner", Text),
    Column("version", Integer, nullable=False),
    Column("snapshot", JSONB, nullable=False, comment="everything that changes"),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("changed_by", Text, nullable=False),
)

opportunity_version = Table(
    "opportunity_version",
    metadata,
    Column("opportunity_id", Text, ForeignKey(opportunity.c.id), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("snapshot", JSONB, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
)

renewal_credit = Table(
    "renewal_credit",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("contract_id", Text, ForeignKey(contract.c.id), nullable=False),
    Column("term", Integer, nullable=False),
    Column("credits", JSONB, nullable=False, comment='[{"person", "share": "0.6", "on"}]'),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("recorded_by", Text, nullable=False),
)

account_profile = Table(
    "account_profile",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("segment", Text),
    Column("tier", Text),
    Column("industry", Text),
    Column("owner", Text),
)
