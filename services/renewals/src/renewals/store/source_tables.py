"""The tables of what other systems and files say of contracts, and of calendars."""

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from renewals.store.tables import contract, metadata

source_contract = Table(
    "source_contract",
    metadata,
    Column("source", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("contract_id", Text, ForeignKey(contract.c.id)),
    Column("said", JSONB, nullable=False, comment='{"seats"-like fields: [occurred at, event id, value]}'),
    Column("seen", Integer, nullable=False, comment="the contract's last revision that was looked at"),
    Column("touched", JSONB, nullable=False, comment="fields that people changed since both sides agreed"),
    Column("terms_taken", Integer, nullable=False),
)

contract_conflict = Table(
    "contract_conflict",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("contract_id", Text, ForeignKey(contract.c.id)),
    Column("kind", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("here", JSONB(none_as_null=True)),
    Column("there", JSONB(none_as_null=True)),
    Column("detail", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("state", Text, nullable=False),
    Column("resolved_at", DateTime(timezone=True)),
    Column("resolved_by", Text),
    Column("reason", Text),
)

contract_import = Table(
    "contract_import",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", Text, nullable=False),
    Column("is_dry_run", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("detail", Text),
    Column("reached", Integer, nullable=False, comment="the chain of the last contract that was worked on"),
    Column("counts", JSONB, nullable=False, comment='{"read": 10, "entered": 3, …}, in rows'),
)

contract_import_row = Table(
    "contract_import_row",
    metadata,
    Column("import_id", Text, ForeignKey(contract_import.c.id), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("external_id", Text, nullable=False, comment="empty where the row could not be read"),
    Column("account_id", Text, nullable=False, comment="likewise"),
    Column("stated", JSONB(none_as_null=True)),
    Column("outcome", Text),
    Column("code", Text),
    Column("field", Text),
    Column("detail", Text),
)

contract_import_contract = Table(
    "contract_import_contract",
    metadata,
    Column("import_id", Text, ForeignKey(contract_import.c.id), primary_key=True),
    Column("first_row", Integer, primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("chain", Integer, nullable=False, comment="the same for contracts that name each other: a first row"),
)

calendar_link = Table(
    "calendar_link",
    metadata,
    Column("id", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("created_by", Text, nullable=False),
)

calendar_entry = Table(
    "calendar_entry",
    metadata,
    Column("contract_id", Text, ForeignKey(contract.c.id), primary_key=True),
    Column("term", Integer, primary_key=True),
    Column("name", Text, primary_key=True, comment="of a milestone"),
    Column("owner", Text, primary_key=True, comment="in whose calendar it stands, or stood"),
    Column("day", Date, nullable=False),
    Column("is_off", Boolean, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
