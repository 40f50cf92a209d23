"""The tables of playbooks, risk cases, owners by date and touches, as migration 0006 builds them."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Identity, Integer, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from alerts.store.tables import metadata

account_owner = Table(
    "account_owner",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("since", DateTime(timezone=True), primary_key=True),
    Column("owner", Text),
)

account_health = Table(
    "account_health",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("band", Text),
    Column("score", Integer),
)

account_touch = Table(
    "account_touch",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("touched_at", DateTime(timezone=True)),
    Column("next_due_on", Date),
)

playbook_version = Table(
    "playbook_version",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", JSONB, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("saved_by", Text, nullable=False),
    Column("reason", Text),
)

run = Table(
    "run",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", JSONB, nullable=False),  # the version that it runs, whatever becomes of the playbook
    Column("cause", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("started_by", Text, nullable=False),
    Column("owner", Text),
    Column("state", Text, nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_by", Text),
    Column("reason", Text),
    Column("comment", Text),
)

run_cause = Table(
    "run_cause",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("playbook", Text, primary_key=True),
    Column("cause", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("heard_at", DateTime(timezone=True), nullable=False),
)

task = Table(
    "task",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("due_on", Date),
    Column("settled_at", DateTime(timezone=True)),
    Column("settled_by", Text),
    Column("note", Text),
    Column("reminded_at", DateTime(timezone=True)),
    Column("escalated_at", DateTime(timezone=True)),
)

risk_case = Table(
    "risk_case",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("owner", Text),
    Column("plan", Text),
    Column("arr_at_risk", JSONB, nullable=False),
    Column("alert_ids", ARRAY(Text), nullable=False),
    Column("run_id", Text),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("closed_at", DateTime(timezone=True)),
    Column("closed_by", Text),
    Column("outcome", Text),
)

risk_case_step = Table(
    "risk_case_step",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("case_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("by", Text, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("comment", Text),
)
