"""The services' HTTP APIs as any client may use them, with patience where they ask for it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec

PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
PATIENCE_SECONDS = 120.0


class Answer(Protocol):
    """What a service answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, by their names in lower case."""

    @property
    def body(self) -> bytes:
        """The whole body."""


class Http(Protocol):
    """Sends one request. Raises `Unreachable` when no answer comes."""

    async def __call__(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """The answer, whatever its status."""


class Unreachable(Exception):
    """A service gave no answer, or none but that it cannot answer now."""


class Refused(Exception):
    """A service will not do what the demo asked (status 4xx), however often it asks."""

    def __init__(self, method: str, url: str, status: int, body: bytes) -> None:
        super().__init__(f"{method} {url} was answered with {status}: {_why(body)}")
        self.status = status


class Services:
    """Requests with an API key. 429, 5xx and silence are repeated as Retry-After says, for `patience_seconds`."""

    def __init__(
        self,
        http: Http,
        key: str,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._http = http
        self._patience_seconds = patience_seconds
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._wait = wait

    async def get(self, url: str) -> Any:
        """The JSON at a URL. Raises `Refused` and `Unreachable`."""
        return await self._json("GET", url)

    async def all_pages(self, url: str) -> list[Any]:
        """Every item of a list, over all its pages; `url` has a query already."""
        items: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.get(f"{url}&cursor={cursor}" if cursor else url)
            items += page["data"]
            cursor = page["next_cursor"]
        return items

    async def post(self, url: str, body: Any, idempotency_key: str | None = None) -> Any:
        """The JSON answer to a POST; with an Idempotency-Key a repetition has no second effect."""
        extra = {"idempotency-key": idempotency_key} if idempotency_key else {}
        return await self._json("POST", url, msgspec.json.encode(body), extra)

    async def put(self, url: str, body: Any) -> Any:
        """The JSON answer to a PUT; a repetition has no second effect."""
        return await self._json("PUT", url, msgspec.json.encode(body))

    async def post_bytes(self, url: str, body: bytes) -> None:
        """Hand in a body that is JSON already."""
        await self._json("POST", url, body)

    async def delete(self, url: str) -> None:
        """Delete what is at a URL."""
        await self._json("DELETE", url)

    async def get_openly(self, url: str) -> Any | None:
        """The JSON at a URL that needs no key, asked once; None where there is no good answer."""
        try:
            answer = await self._http("GET", url, headers={})
        except Unreachable:
            return None
        return msgspec.json.decode(answer.body) if answer.status == 200 else None

    async def is_ready(self, url: str) -> bool:
        """Whether a service says that it is ready; asks once."""
        try:
            return (await self._http("GET", f"{url}/readyz", headers={})).status == 200
        except Unreachable:
            return False

    async def _json(self, method: str, url: str, body: bytes = b"", extra: Mapping[str, str] | None = None) -> Any:
        headers = self._headers | (dict(extra) if extra else {})
        waited = 0.0
        while True:
            pause = PAUSE_SECONDS
            try:
                answer = await self._http(method, url, headers=headers, body=body)
            except Unreachable:
                if waited >= self._patience_seconds:
                    raise
            else:
                if answer.status < 300:
                    return msgspec.json.decode(answer.body) if answer.body else None
                if answer.status < 500 and answer.status != 429:
                    raise Refused(method, url, answer.status, answer.body)
                if waited >= self._patience_seconds:
                    raise Unreachable(f"{method} {url} was answered with {answer.status}: {_why(answer.body)}")
                pause = _asked_pause(answer.headers)
            await self._wait(pause)
            waited += pause


def _asked_pause(headers: Mapping[str, str]) -> float:
    """The seconds that Retry-After asks for; between a tenth of a second and half a minute."""
    try:
        asked = float(headers.get("retry-after", ""))
    except ValueError:  # absent, or a date
        return PAUSE_SECONDS
    return min(max(asked, 0.1), LONGEST_PAUSE_SECONDS)


def _why(body: bytes) -> str:
    try:
        problem = msgspec.json.decode(body)
        return str(problem.get("detail") or problem.get("title"))
    except (msgspec.MsgspecError, AttributeError, UnicodeDecodeError):
        return body[:200].decode(errors="replace")
