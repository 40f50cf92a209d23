"""Plain HTTP to this machine's own services. The shared outgoing client is for addresses that people type in."""

import asyncio
import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from standalone.demo.services import Unreachable

TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class LocalAnswer:
    """What came back; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def request(method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> LocalAnswer:
    """Send one request, in a thread. Raises `Unreachable` when no whole answer comes within a minute."""
    return await asyncio.to_thread(_exchange, method, url, headers, body)


def _exchange(method: str, url: str, headers: Mapping[str, str], body: bytes) -> LocalAnswer:
    # http.client looks at no proxy variable: nothing stands between us and this machine.
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        connection.request(method, path, body=body or None, headers=dict(headers))
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return LocalAnswer(answer.status, found, answer.read())
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"{parts.netloc} gave no answer: {error}") from error
    finally:
        connection.close()
