"""Choosing the transport by the address."""

from mainstay.messaging.kafka import KafkaLog
from mainstay.messaging.port import EventLog
from mainstay.messaging.postgres import PostgresLog


def open_log(url: str, *, client_name: str) -> EventLog:
    """The log at `url`, not started yet: postgresql://… (embedded) or kafka://host:port[,host:port].

    `client_name` is what the database or the broker shows for this process. Raises `ValueError` for another scheme.
    """
    scheme = url.partition("://")[0]
    if scheme in {"postgresql", "postgres", "postgresql+asyncpg"}:
        return PostgresLog(url, client_name=client_name)
    if scheme == "kafka":
        return KafkaLog(url, client_name=client_name)
    raise ValueError(f"the event log's address begins with postgresql:// or kafka://, not {scheme}://")
