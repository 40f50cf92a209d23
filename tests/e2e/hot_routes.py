"""Every way in which a document reaches ingest, found in its own OpenAPI document."""

import base64
import gzip
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote_from_bytes

import httpx

_BINARY = {
    "ce-specversion": "1.0",
    "ce-id": "e1",
    "ce-source": "urn:tests",
    "ce-type": "mainstay.usage.recorded.v1",
}


class Way(NamedTuple):
    """A request that carries a document: `written` wraps it up as its protocol does."""

    name: str
    method: str
    path: str
    headers: dict[str, str]
    written: Callable[[bytes], bytes] = bytes

    def send(self, http: httpx.Client, document: bytes) -> httpx.Response:
        return http.request(self.method, self.path, content=self.written(document), headers=self.headers)


def ways_in(http: httpx.Client) -> list[Way]:
    """All routes that take a body, in each of their media types, and what else their protocols can do."""
    found = []
    for path, operations in http.get("/openapi.json").raise_for_status().json()["paths"].items():
        for method, operation in operations.items():
            filled = re.sub(r"\{\w+\}", "acme", path)
            found += [
                Way(f"{method} {path} {media}", method.upper(), filled, {"Content-Type": media})
                for media in _media_types(operation)
            ]
            found += _more(method.upper(), path)
    return found


def _media_types(operation: dict[str, Any]) -> list[str]:
    return list(operation.get("requestBody", {}).get("content", {}))


def _more(method: str, path: str) -> list[Way]:
    if method != "POST":
        return []
    if path == "/v1/events":
        binary = {**_BINARY, "Content-Type": "application/json"}
        return [Way("binary CloudEvent", "POST", path, binary)]
    if path == "/sa":
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return [
            Way("/sa, one", "POST", path, form, lambda it: b"data=" + _field(base64.b64encode(it))),
            Way("/sa, many", "POST", path, form, lambda it: b"data_list=" + _field(base64.b64encode(it))),
            Way(
                "/sa, gzip",
                "POST",
                path,
                form,
                lambda it: b"gzip=1&data=" + _field(base64.b64encode(gzip.compress(it))),
            ),
        ]
    if path.startswith("/pixel.gif"):
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return [Way(f"{path}, a name", "POST", path, form, lambda it: b"sdr_o=acme&sdr_u=ann&sdr_a=" + _field(it))]
    return []


def _field(value: bytes) -> bytes:
    return quote_from_bytes(value, safe="").encode()
