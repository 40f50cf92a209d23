"""The embedded log's own alembic history, in its own schema `event_log`."""

from mainstay.db.migrate import History

HISTORY = History("event_log", "mainstay.messaging.migrations")
"""Run by `mainstay.db.migrate.migrate(event_log_url, HISTORY)`, before the first process opens the log."""
