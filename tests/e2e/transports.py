"""The two transports, as parameters: each gives the settings with which `mainstay up` uses it."""

from typing import Any

import pytest


def embedded(_request: pytest.FixtureRequest) -> dict[str, str]:
    """The log in the embedded PostgreSQL: nothing to set."""
    return {}


def kafka(request: pytest.FixtureRequest) -> dict[str, str]:
    """A real Apache Kafka of this test run."""
    return {"MAINSTAY_EVENT_LOG_URL": request.getfixturevalue("kafka_url")}


def transports() -> list[Any]:
    return [pytest.param(embedded, id="embedded"), pytest.param(kafka, id="kafka", marks=pytest.mark.kafka)]
