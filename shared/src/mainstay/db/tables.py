"""The kit's own tables, which every service has in its schema: offsets, inbox, outbox, timers, idempotency keys."""

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB


class Op(Protocol):
    """What is needed of the module `alembic.op`."""

    def get_bind(self) -> Connection:
        """The migration's connection."""

    def execute(self, sqltext: str, /) -> None:
        """Run one statement."""


@dataclass(frozen=True)
class KitTables:
    """The kit's tables of one service."""

    consumer_offset: Table
    """The next offset of each partition of a group; moved by compare-and-set in the transaction of the effect."""
    inbox: Table
    """The events that had their effect."""
    outbox: Table
    """Records on their way to the log. `refused` holds the reason of one that the log will never take."""
    relay: Table
    """One row; who holds its lock relays."""
    due: Table
    """Durable timers."""
    idempotency: Table
    """Answers already given to an Idempotency-Key."""

    def all(self) -> tuple[Table, ...]:
        """Every table, in the order of creation."""
        return (self.consumer_offset, self.inbox, self.outbox, self.relay, self.due, self.idempotency)


def kit_tables(metadata: MetaData) -> KitTables:
    """Add the kit's tables to a service's metadata, in the metadata's schema."""
    return KitTables(
        consumer_offset=Table(
            "consumer_offset",
            metadata,
            Column("log_id", Text, primary_key=True),
            Column("consumer_group", Text, primary_key=True),
            Column("topic", Text, primary_key=True),
            Column("partition", Integer, primary_key=True),
            Column("next_offset", BigInteger, nullable=False),
        ),
        inbox=Table(
            "inbox",
            metadata,
            Column("source", Text, primary_key=True),
            Column("event_id", Text, primary_key=True),
            Column("received_at", DateTime(timezone=True), nullable=False),
        ),
        outbox=Table(
            "outbox",
            metadata,
            Column("id", BigInteger, Identity(always=False), primary_key=True),
            Column("topic", Text, nullable=False),
            Column("key", Text, nullable=False),
            Column("value", LargeBinary, nullable=False),
            Column("header_names", ARRAY(Text), nullable=False),
            Column("header_values", ARRAY(LargeBinary), nullable=False),
            Column("written_at", DateTime(timezone=True), nullable=False),
            Column("refused", Text),
        ),
        relay=Table("relay", metadata, Column("id", SmallInteger, primary_key=True)),
        due=Table(
            "due",
            metadata,
            Column("kind", Text, primary_key=True),
            Column("key", Text, primary_key=True),
            Column("due_at", DateTime(timezone=True), nullable=False),
            Column("payload", JSONB, nullable=False, server_default=text("'{}'")),
            Column("attempts", Integer, nullable=False, server_default=text("0")),
            Index("due_kind_due_at", "kind", "due_at"),
        ),
        idempotency=Table(
            "idempotency",
            metadata,
            Column("key_id", Text, primary_key=True),
            Column("idempotency_key", Text, primary_key=True),
            Column("request_hash", LargeBinary, nullable=False),
            Column("status", SmallInteger, nullable=False),
            Column("headers", JSONB, nullable=False),
            Column("body", LargeBinary, nullable=False),
            Column("created_at", DateTime(timezone=True), nullable=False),
            Index("idempotency_created_at", "created_at"),
        ),
    )


def create_kit_tables(op: Op, schema: str) -> None:
    """Create the kit's tables; for a service's first migration, which passes alembic's `op`."""
    tables = kit_tables(MetaData(schema=schema))
    for table in tables.all():
        table.create(op.get_bind())
    op.execute(f"INSERT INTO {tables.relay} VALUES (1)")
    # Rows live for milliseconds here: vacuum by number of dead rows, not by share.
    for busy in (tables.outbox, tables.due):
        op.execute(f"ALTER TABLE {busy} SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)")


def drop_kit_tables(op: Op, schema: str) -> None:
    """Undo `create_kit_tables`."""
    for table in reversed(kit_tables(MetaData(schema=schema)).all()):
        table.drop(op.get_bind())
