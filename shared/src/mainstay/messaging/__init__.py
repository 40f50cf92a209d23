"""The event log port and its two transports, Apache Kafka and PostgreSQL; `open.open_log` chooses."""
