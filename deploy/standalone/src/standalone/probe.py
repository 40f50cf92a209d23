"""Asks a service of this machine how it is."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

_TIMEOUT_SECONDS = 3.0
_MOST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Health:
    """What /readyz said: `trouble` is None when the service is ready."""

    trouble: str | None
    said: Mapping[str, Any]


async def health_of(url: str) -> Health:
    """Ask a service's /readyz; never raises."""
    return await asyncio.to_thread(_ask, url)


async def lag_of(url: str) -> int | None:
    """How many records a service's consumers have still to do, by its /metrics; None when it does not say."""
    try:
        _, text = await asyncio.to_thread(_get, url, "/metrics")
        families = {family.name: family for family in text_string_to_metric_families(text.decode())}
    except (OSError, http.client.HTTPException, ValueError):
        return None
    lag = families.get("mainstay_consumer_lag_records")
    return int(sum(sample.value for sample in lag.samples)) if lag else None


def _ask(url: str) -> Health:
    try:
        status, body = _get(url, "/readyz")
        said = json.loads(body)
    except ConnectionRefusedError:
        return Health("does not listen", {})
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Health(f"does not answer ({type(error).__name__})", {})
    if not isinstance(said, dict):
        return Health("answers something else: is it Mainstay?", {})
    return Health(None if status == http.client.OK else _reasons(said), said)


def _get(url: str, path: str) -> tuple[int, bytes]:
    # http.client: no proxy variable of the environment stands between us and this machine.
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(_MOST_BYTES)
    finally:
        connection.close()


def _reasons(said: Mapping[str, Any]) -> str:
    """The failing checks of a /readyz body, in one line."""
    checks = said.get("checks", said)
    found = [f"{name}: {reason}" for name, reason in checks.items() if reason not in {None, "ok"}]
    return "; ".join(found) or "not ready"
