"""The OpenAPI documents: what each service's application says of itself, without a database behind it."""

from importlib import import_module
from typing import Any

SERVICES = {"ingest": "ingest", "health-score": "health_score", "alerts": "alerts", "renewals": "renewals"}
"""The services by their name, with their packages."""


def service_of(name: str) -> Any:
    """A service wired as in its own main; nothing connects until it runs."""
    package = SERVICES[name]
    settings = import_module(f"{package}.settings").Settings
    unused = settings(database_url="postgresql://nobody@localhost/nothing", secret_key="x" * 32)
    return import_module(f"{package}.bootstrap").Service(unused)


def openapi(name: str) -> dict[str, Any]:
    """A service's document, OpenAPI 3.1."""
    document: dict[str, Any] = service_of(name).app().openapi()
    return document
