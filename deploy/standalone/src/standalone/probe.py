"""Asks a service of this machine how it is."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    """What /readyz said: `trouble` is None when the service is ready."""

    trouble: str | None
    said: Mapping[str, Any]


async def health_of(url: str) -> Health:
    """Ask a service's /readyz; never raises."""
    return await asyncio.to_thread(_ask, url)


def _ask(url: str) -> Health:
    # http.client: no proxy variable of the environment stands between us and this machine.
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = json.loads(answer.read(1_000_000))
    except ConnectionRefusedError:
        return Health("does not listen", {})
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Health(f"does not answer ({type(error).__name__})", {})
    finally:
        connection.close()
    if not isinstance(said, dict):
        return Health("answers something else: is it Mainstay?", {})
    return Health(None if answer.status == http.client.OK else _reasons(said), said)


def _reasons(said: Mapping[str, Any]) -> str:
    """The failing checks of a /readyz body, in one line."""
    checks = said.get("checks", said)
    found = [f"{name}: {reason}" for name, reason in checks.items() if reason not in {None, "ok"}]
    return "; ".join(found) or "not ready"
