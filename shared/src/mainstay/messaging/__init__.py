"""The event log port and its two transports, Apache Kafka and PostgreSQL."""
