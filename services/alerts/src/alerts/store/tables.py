"""The tables of the schema `alerts`, as migrations/versions builds them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from mainstay.db.migrate import History
from mainstay.db.tables import kit_tables

HISTORY = History("alerts", "alerts.migrations")
metadata = MetaData(schema=HISTORY.schema)
kit = kit_tables(metadata)

account = Table(
    "account",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("name", Text),
    Column("owner", Text),
    Column("tier", Text),
    Column("zone", Text),
    Column("arr", JSONB, nullable=False),
    Column("seats", Integer),
    Column("next_renewal_on", Date),
    Column("stage", Text),
    Column("segment", Text),
    Column("industry", Text),
    Column("touch_every_days", Integer),
    Column("response_within_hours", JSONB, nullable=False),
    Column("team", JSONB, nullable=False),
)

rule_version = Table(
    "rule_version",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", JSONB, nullable=False),
    Column("saved_at", DateTime(timezone=True), nullable=False),
    Column("saved_by", Text, nullable=False),
    Column("reason", Text),
)

known_metric = Table("known_metric", metadata, Column("name", Text, primary_key=True))

observation = Table(
    "observation",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("occurred_at", DateTime(timezone=True), primary_key=True),
    Column("event_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("fact", JSONB, nullable=False),
)

horizon = Table(
    "horizon",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("rules", Text),  # under which rules it holds; null: it does not hold any more
    Column("reads_from", DateTime(timezone=True), nullable=False),
    Column("opens_from", DateTime(timezone=True), nullable=False),
    Column("kept_since", DateTime(timezone=True)),  # what ended before cannot be told any more: its facts are gone
)

alert = Table(
    "alert",
    metadata,
    Column("id", Text, primary_key=True),
    Column("identity", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("rule_version", Integer, nullable=False),
    Column("category", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("words", JSONB, nullable=False),
    Column("opened_at", DateTime(timezone=True), nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("told", Boolean, nullable=False),
    Column("acknowledged_at", DateTime(timezone=True)),
    Column("acknowledged_by", Text),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolved_by", Text),
    Column("resolution", Text),
    Column("reason", Text),
    Column("said", JSONB, nullable=False),
    Column("snoozed_until", DateTime(timezone=True)),
    Column("snoozed_by", Text),
    Column("assignee", Text),
    Column("outcome", Text),
    Column("feedback", Text),
    Column("feedback_by", Text),
    Column("feedback_at", DateTime(timezone=True)),
)

transition = Table(
    "transition",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("alert_id", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("by", Text),
    Column("comment", Text),
)

channel = Table(
    "channel",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("destination", LargeBinary),  # sealed: webhook and chat URLs are credentials, and so are signing secrets
    Column("owners", ARRAY(Text), nullable=False),
    Column("categories", ARRAY(Text), nullable=False),
    Column("min_severity", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("updated_at", DateTime(timezone=True), nullable=False),
    Column("failing_since", DateTime(timezone=True)),
    Column("disabled_at", DateTime(timezone=True)),
    Column("disabled_reason", Text),
    Column("deleted", Boolean, nullable=False),
    Column("language", Text, nullable=False),
    Column("operator", Boolean, nullable=False),
    Column("sealed_with", Text),  # the id of the key that `destination` was sealed with
)

pace = Table(
    "pace",
    metadata,
    Column("channel_id", Text, primary_key=True),
    Column("full_at", DateTime(timezone=True)),
    Column("blocked_until", DateTime(timezone=True)),
    Column("failures", Integer, nullable=False),
    Column("probe_at", DateTime(timezone=True)),
)

notification = Table(
    "notification",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("alert_id", Text),
    Column("account_id", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("about", JSONB(none_as_null=True)),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("notification_id", Text, nullable=False),
    Column("channel_id", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", DateTime(timezone=True)),
    Column("lease_until", DateTime(timezone=True)),
    Column("error", Text),
    Column("unclear", Boolean, nullable=False),
    Column("route_at_send", Boolean, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("delivered_at", DateTime(timezone=True)),
    Column("trial", Boolean, nullable=False),
    Column("digest_id", Text),
    Column("attempts_before", Integer, nullable=False),
    Column("person_id", Text),
    Column("muted_by", Text),
    Column("muted_why", Text),
    Column("through", Text),
    Column("policy", Text),
    Column("grouped", Boolean, nullable=False),
)

attempt = Table(
    "attempt",
    metadata,
    Column("delivery_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("digest_id", Text),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("took_ms", Integer),
    Column("outcome", Text),
    Column("status", Integer),
    Column("answer", Text),
    Column("error", Text),
)

replay = Table(
    "replay",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("wanted", JSONB, nullable=False),
    Column("state", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("replayed", Integer, nullable=False),
    Column("passed_over", Integer, nullable=False),
    Column("seen_at", DateTime(timezone=True)),
    Column("seen_id", Text),
    Column("finished_at", DateTime(timezone=True)),
)

refused_address = Table(
    "refused_address",
    metadata,
    Column("address", Text, primary_key=True),
    Column("refused_at", DateTime(timezone=True), nullable=False),
    Column("until", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
)
