"""The event log in PostgreSQL tables: durable, partitioned, with consumer groups; no broker to run."""

from mainstay.messaging.postgres.log import PostgresLog

__all__ = ["PostgresLog"]
