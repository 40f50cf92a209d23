"""Contracts, their terms, what accounts are worth, and their health as last heard.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from mainstay.db.tables import create_kit_tables, drop_kit_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "renewals"


def upgrade() -> None:
    create_kit_tables(op, SCHEMA)
    op.create_table(
        "account",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False, comment="the number of the last account.value_changed"),
        sa.Column("arr", JSONB, nullable=False, comment='[{"amount": "1200.00", "currency": "EUR"}], as last said'),
        sa.Column("seats", sa.BigInteger),
        sa.Column("next_renewal_on", sa.Date),
        schema=SCHEMA,
    )
    op.create_table(
        "account_health",
        sa.Column("account_id", sa.Text, primary_key=True),
        sa.Column("score", sa.SmallInteger),
        sa.Column("band", sa.Text, nullable=False),
        sa.Column("coverage", sa.Float, nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account_id", sa.Text, sa.ForeignKey(f"{SCHEMA}.account.account_id"), nullable=False),
        sa.Column("external_id", sa.Text, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("currency", sa.Text, nullable=False),
        sa.Column("zone", sa.Text, nullable=False),
        sa.Column("anchor", sa.Date, nullable=False),
        sa.Column("anchor_number", sa.Integer, nullable=False),
        sa.Column("term_months", sa.Integer),
        sa.Column("window_days", sa.Integer),
        sa.Column("at_end", sa.Text, nullable=False),
        sa.Column("amount", sa.Numeric, nullable=False),
        sa.Column("seats", sa.Integer),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.Text, nullable=False),
        sa.Index("contract_account_id", "account_id", "id"),
        schema=SCHEMA,
    )
    op.create_table(
        "term",
        sa.Column("contract_id", sa.Text, sa.ForeignKey(f"{SCHEMA}.contract.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("start", sa.Date, nullable=False),
        sa.Column("end_exclusive", sa.Date, nullable=False),
        sa.Column("counted_from", sa.Date, nullable=False),
        sa.Column("stated_end", sa.Date),
        sa.Column("amount", sa.Numeric, nullable=False),
        sa.Column("seats", sa.Integer),
        sa.Column("window_opens_on", sa.Date),
        sa.Column("window_opened_at", sa.DateTime(timezone=True)),
        sa.Column("outcome", sa.Text),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("start < end_exclusive", name="term_is_not_empty"),
        sa.CheckConstraint("(outcome IS NULL) = (closed_at IS NULL)", name="term_closes_with_an_outcome"),
        sa.Index("term_end_exclusive", "end_exclusive", "contract_id", "number"),
        schema=SCHEMA,
    )


def downgrade() -> None:
    for table in ("term", "contract", "account_health", "account"):
        op.drop_table(table, schema=SCHEMA)
    drop_kit_tables(op, SCHEMA)
