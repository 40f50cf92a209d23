"""The OpenAPI documents: what each service's application says of itself, without a database behind it."""

from importlib import import_module
from typing import Any

SERVICES = {"ingest": "ingest", "health-score": "health_score", "alerts": "alerts", "renewals": "renewals"}
"""The services by the name of their document, with their packages."""


def application(service: str) -> Any:
    """A service's FastAPI application, wired as in its own main; nothing connects until it is called."""
    package = SERVICES[service]
    settings = import_module(f"{package}.settings").Settings
    return (
        import_module(f"{package}.bootstrap")
        .Service(settings(database_url="postgresql://nobody@localhost/nothing", secret_key="x" * 32))
        .app()
    )


def openapi(service: str) -> dict[str, Any]:
    """The service's document, OpenAPI 3.1."""
    document: dict[str, Any] = application(service).openapi()
    return document
