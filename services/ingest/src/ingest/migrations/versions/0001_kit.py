"""The kit's tables.

Revision ID: 0001
Revises:
"""

from alembic import op

from mainstay.db.tables import create_kit_tables, drop_kit_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "ingest"


def upgrade() -> None:
    create_kit_tables(op, SCHEMA)


def downgrade() -> None:
    drop_kit_tables(op, SCHEMA)
