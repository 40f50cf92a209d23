"""Reading request bodies within bounds of size, time and memory."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from typing import Any, TypeAlias

from ingest.domain.limits import Limits
from ingest.domain.refusal import Refused
from mainstay.kernel.patience import Patience

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

_GZIP = 16 + zlib.MAX_WBITS
_PIECE = 64 * 1024
BUSY = "busy"
"""The code of a request for which there is no memory now."""


class SenderGone(Exception):
    """The sender closed the connection before its body was complete."""


class BadGzip(Refused):
    """A body that says it is gzip and is not; `body` is what arrived."""

    def __init__(self, body: bytes, detail: str) -> None:
        super().__init__("gzip-malformed", detail)
        self.body = body


class BytesInFlight:
    """How many bytes of bodies are held at this moment, over all requests, and how many may be."""

    def __init__(self, most: int) -> None:
        self.most, self.held = most, 0


class Share:
    """One request's share of the bytes in flight, given back at its end."""

    __slots__ = ("_bytes", "_held")

    def __init__(self, in_flight: BytesInFlight) -> None:
        self._bytes, self._held = in_flight, 0

    def take(self, count: int) -> None:
        """Hold more bytes. Raises `Refused` where that would be more than there is memory for."""
        if self._bytes.held + count > self._bytes.most:
            raise Refused(BUSY, "Too many requests are being received at once; repeat this one a little later.")
        self._bytes.held += count
        self._held += count

    def give_back(self) -> None:
        """Hold none."""
        self._bytes.held -= self._held
        self._held = 0


class Bodies:
    """Receives bodies."""

    def __init__(self, limits: Limits, *, within: timedelta) -> None:
        self._limit = limits.body_bytes
        self._patience = Patience(within.total_seconds())

    async def receive(
        self,
        receive: Receive,
        *,
        declared: bytes,
        encoding: bytes,
        share: Share,
        limit: int | None = None,
        arrived: bytes | None = None,
    ) -> bytes:
        """The whole body, decompressed.

        `declared` and `encoding` are the values of Content-Length and Content-Encoding, empty where absent; `limit`
        is the most bytes, where the sender's differs from all others'. `arrived` is the body as it was sent, where
        all of it is there already: then there is nothing to wait for. Raises `Refused` for a body that is too large,
        too slow, or compressed in a way we do not know, `BadGzip`, and `SenderGone`.
        """
        limit = limit or self._limit
        if encoding not in {b"", b"identity", b"gzip", b"x-gzip"}:
            raise Refused("encoding-not-supported", "Bodies may be sent plain or with Content-Encoding: gzip.")
        if declared.isdigit() and len(declared) < 20 and int(declared) > limit:
            raise too_large(limit)
        if arrived is None:
            body = await self._in_time(receive, share, limit)
        elif len(arrived) > limit:
            raise too_large(limit)
        else:
            body = arrived
            share.take(len(body))
        if encoding in {b"gzip", b"x-gzip"}:
            body = _inflated(body, limit)
            share.take(len(body))
        return body

    async def _in_time(self, receive: Receive, share: Share, limit: int) -> bytes:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one; for the type checker
        self._patience.begin(task, task.get_loop())
        try:
            body = await _gather(receive, share, limit)
        except asyncio.CancelledError:
            if self._patience.end(task) and task.uncancel() == 0:
                late = f"The body did not arrive within {self._patience.seconds:g} s."
                raise Refused("body-too-slow", late) from None
            raise
        except BaseException:  # whatever ends it, the patience with this body ends too
            self._patience.end(task)
            raise
        self._patience.end(task)
        return body


async def _gather(receive: Receive, share: Share, limit: int) -> bytes:
    gathered = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise SenderGone
        chunk: bytes = message.get("body", b"")
        if len(gathered) + len(chunk) > limit:
            raise too_large(limit)
        share.take(len(chunk))
        if not message.get("more_body", False):
            return bytes(gathered + chunk) if gathered else chunk
        gathered += chunk


def _inflated(body: bytes, limit: int) -> bytes:
    member = zlib.decompressobj(_GZIP)
    inflated, rest = bytearray(), body
    try:
        while not member.eof:  # in pieces: asked for all at once, zlib takes twice the limit
            piece = member.decompress(rest, min(_PIECE, limit + 1 - len(inflated)))
            rest = member.unconsumed_tail
            if not piece and not rest:
                break
            inflated += piece
            if len(inflated) > limit:
                raise too_large(limit)
    except zlib.error:
        raise BadGzip(body, "The body is not gzip, though Content-Encoding says so.") from None
    if not member.eof or member.unused_data:
        raise BadGzip(body, "The body is not one whole gzip member.")
    return bytes(inflated)


def too_large(limit: int) -> Refused:
    """The refusal of a body of more than `limit` bytes."""
    return Refused("body-too-large", f"A body has at most {limit} bytes, decompressed.")
