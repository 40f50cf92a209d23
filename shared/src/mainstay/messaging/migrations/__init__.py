"""The embedded log's own alembic history, in its own schema `event_log`; run before the first process opens the log."""
