"""PostgreSQL under every service: engine, unit of work, outbox, inbox, timers, migrations."""
