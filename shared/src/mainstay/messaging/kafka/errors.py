"""Kafka's failures in the port's own words."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.errors import KafkaError

from mainstay.messaging.port import LogUnavailable

FAILURES = (KafkaError, OSError)
"""What a broker that is away, restarting or overloaded raises; time-outs are OSErrors."""


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Turn a failure of Kafka into `LogUnavailable`."""
    try:
        yield
    except FAILURES as error:
        raise LogUnavailable(why(error)) from error


def why(error: BaseException) -> str:
    """The reason of a failure in one line."""
    return f"Kafka: {type(error).__name__}: {error}".splitlines()[0]
