"""Idempotency-Key on POST: the same request sent again has no second effect and gets the first answer.

The answer is stored in the transaction of the effect, so there is never one without the other. A request that fails
stores nothing, and may be tried again with the same key.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import msgspec
from fastapi import Request, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from mainstay.db.tables import KitTables
from mainstay.db.work import Transactions
from mainstay.kernel.clock import Clock
from mainstay.web.json_body import Handler, JsonRequest, JsonRoute
from mainstay.web.keys import ApiKey
from mainstay.web.problems import BAD_IDEMPOTENCY_KEY, KEY_REUSED, ProblemError

HEADER: Final = "idempotency-key"
REPLAYED: Final = "Idempotent-Replayed"
KEPT: Final = timedelta(hours=24)
_GOOD_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_INSTEAD: Final = "idempotency_keeps"
_KEPT_HEADERS: Final = frozenset({"content-type", "location", "etag"})


@dataclass(frozen=True, slots=True)
class _Request:
    """What was asked: by which API key, under which Idempotency-Key, and a hash of the rest."""

    key_id: str
    idempotency_key: str
    digest: bytes


class Idempotency:
    """A service's memory of its answers, for at least 24 hours."""

    def __init__(self, transactions: Transactions, tables: KitTables, clock: Clock) -> None:
        self._transactions = transactions
        self._table = tables.idempotency
        self._clock = clock

    async def once(self, handler: Handler, request: JsonRequest) -> Response:
        """Answer a request that has an Idempotency-Key. Raises `ProblemError` when the key was used otherwise."""
        asked = await _read(request)
        async with self._transactions.as_one() as tx:
            await self._forget_old(tx.connection)
            # The same request under way elsewhere is waited for here, until its transaction ends.
            claimed = await tx.connection.execute(
                text(
                    f"INSERT INTO {self._table}"
                    " (key_id, idempotency_key, request_hash, status, headers, body, created_at)"
                    " VALUES (:key_id, :key, :digest, 0, '{}', '', :at) ON CONFLICT DO NOTHING RETURNING 1"
                ),
                {
                    "key_id": asked.key_id,
                    "key": asked.idempotency_key,
                    "digest": asked.digest,
                    "at": self._clock.now(),
                },
            )
            if claimed.first() is None:
                return await self._answer_again(tx.connection, asked)
            response = await handler(request)
            body = getattr(request.state, _KEPT_INSTEAD, bytes(response.body))
            await self._keep(tx.connection, asked, response, body)
            return response

    async def _answer_again(self, connection: AsyncConnection, asked: _Request) -> Response:
        found = await connection.execute(
            text(
                f"SELECT request_hash, status, headers, body FROM {self._table}"
                " WHERE key_id = :key_id AND idempotency_key = :key"
            ).columns(headers=self._table.c.headers.type),
            {"key_id": asked.key_id, "key": asked.idempotency_key},
        )
        stored = found.one()
        if bytes(stored.request_hash) != asked.digest:
            raise ProblemError(KEY_REUSED, "this Idempotency-Key was sent before with another request")
        headers: Mapping[str, str] = {**stored.headers, REPLAYED: "true"}
        return Response(bytes(stored.body), status_code=stored.status, headers=headers)

    async def _keep(self, connection: AsyncConnection, asked: _Request, response: Response, body: bytes) -> None:
        await connection.execute(
            text(
                f"UPDATE {self._table} SET status = :status, headers = CAST(:headers AS jsonb), body = :body"
                " WHERE key_id = :key_id AND idempotency_key = :key"
            ),
            {
                "status": response.status_code,
                "headers": msgspec.json.encode(
                    {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
                ).decode(),
                "body": body,
                "key_id": asked.key_id,
                "key": asked.idempotency_key,
            },
        )

    async def _forget_old(self, connection: AsyncConnection) -> None:
        await connection.execute(
            text(
                f"DELETE FROM {self._table} WHERE (key_id, idempotency_key) IN"
                f" (SELECT key_id, idempotency_key FROM {self._table} WHERE created_at < :before"
                " ORDER BY created_at LIMIT 20 FOR UPDATE SKIP LOCKED)"
            ),
            {"before": self._clock.now() - KEPT},
        )


def keep_instead(request: Request, body: bytes) -> None:
    """Have `body` stored in place of the answer, which shows a secret: a repetition is answered without it."""
    setattr(request.state, _KEPT_INSTEAD, body)


class IdempotentRoute(JsonRoute):
    """A JSON route whose POST obeys Idempotency-Key, where the application has an `Idempotency`."""

    def get_route_handler(self) -> Handler:
        """The route's handler, at most once for a key."""
        handler = super().get_route_handler()
        if "POST" not in (self.methods or ()):
            return handler

        async def handle(request: Request) -> Response:
            idempotency: Idempotency | None = getattr(request.app.state, "idempotency", None)
            if idempotency is None or HEADER not in request.headers:
                return await handler(request)
            return await idempotency.once(handler, JsonRequest.of(request))

        return handle


async def _read(request: JsonRequest) -> _Request:
    key = request.headers[HEADER]
    if not _GOOD_KEY.fullmatch(key):
        raise ProblemError(BAD_IDEMPOTENCY_KEY, "an Idempotency-Key has 1 to 255 visible ASCII characters")
    caller: ApiKey = request.state.caller
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    digest.update(await request.body())
    return _Request(caller.id, key, digest.digest())
