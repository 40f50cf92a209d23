"""The two transports, as parameters: each gives the settings with which `mainstay up` uses it."""

from typing import Any
from uuid import uuid4

import pytest

from tests.kafka import KafkaNode


def embedded(_request: pytest.FixtureRequest) -> dict[str, str]:
    """The log in the embedded PostgreSQL: nothing to set."""
    return {}


def kafka(request: pytest.FixtureRequest) -> dict[str, str]:
    """A real Apache Kafka of the test's own, so that its log begins empty."""
    node = KafkaNode(f"e2e-{uuid4().hex[:8]}")
    request.addfinalizer(node.wipe)
    return {"MAINSTAY_EVENT_LOG_URL": node.start()}


def transports() -> list[Any]:
    return [pytest.param(embedded, id="embedded"), pytest.param(kafka, id="kafka", marks=pytest.mark.kafka)]
