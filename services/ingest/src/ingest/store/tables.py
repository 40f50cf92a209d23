"""Ingest's own schema: only the kit's tables so far."""

from sqlalchemy import MetaData

from mainstay.db.migrate import History
from mainstay.db.tables import kit_tables

HISTORY = History("ingest", "ingest.migrations")
metadata = MetaData(schema=HISTORY.schema)
kit = kit_tables(metadata)
