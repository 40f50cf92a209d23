"""The tables of people, routing and what mutes, as migration 0005 builds them."""

from sqlalchemy import BigInteger, Column, Date, DateTime, Identity, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from alerts.store.tables import metadata

directory_version = Table(
    "directory_version",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", JSONB(none_as_null=True)),  # null: deleted
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("saved_by", Text, nullable=False),
    Column("reason", Text),
    Column("number", BigInteger, Identity(always=False)),  # rises with every saving: whoever saves holds the table
)

mute = Table(
    "mute",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("notification_id", Text, nullable=False),
    Column("delivery_id", Text),
    Column("why", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True)),
)

silence = Table(
    "silence",
    metadata,
    Column("id", Text, primary_key=True),
    Column("matchers", JSONB, nullable=False),
    Column("starts_at", DateTime(timezone=True), nullable=False),
    Column("ends_at", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ended_by", Text),
)

assignment = Table(
    "assignment",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("team_id", Text, nullable=False),
    Column("person_id", Text, nullable=False),
    Column("assigned_at", DateTime(timezone=True), nullable=False),
)

escalation = Table(
    "escalation",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("steps", JSONB, nullable=False),
    Column("step", Integer, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("ended_because", Text),
)

escalation_step = Table(
    "escalation_step",
    metadata,
    Column("alert_id", Text, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("taken_at", DateTime(timezone=True), nullable=False),
    Column("told", JSONB, nullable=False),
)

digest_sent = Table(
    "digest_sent",
    metadata,
    Column("person_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("until", DateTime(timezone=True), nullable=False),
)

reassignment = Table(
    "reassignment",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("effective_on", Date, nullable=False),
    Column("moves", JSONB, nullable=False),
    Column("moved", Integer, nullable=False),
    Column("finished_at", DateTime(timezone=True)),
)
