"""Reading request bodies within bounds of size, time and memory."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import timedelta
from typing import Any, TypeAlias

from ingest.api.patience import Patience
from ingest.domain.limits import Limits
from ingest.domain.refusal import Refused

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]

_GZIP = 16 + zlib.MAX_WBITS


class SenderGone(Exception):
    """The sender closed the connection before its body was complete."""


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
            raise Refused("busy", "Too many requests are being received at once; repeat this one a little later.")
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

    async def receive(self, receive: Receive, *, declared: bytes, encoding: bytes, share: Share) -> bytes:
        """The whole body, decompressed.

        `declared` and `encoding` are the values of Content-Length and Content-Encoding, empty where absent.
        Raises `Refused` for a body that is too large, too slow, or compressed in a way we do not know, and
        `SenderGone`.
        """
        if encoding not in {b"", b"identity", b"gzip", b"x-gzip"}:
            raise Refused("encoding-not-supported", "Bodies may be sent plain or with Content-Encoding: gzip.")
        if declared.isdigit() and len(declared) < 20 and int(declared) > self._limit:
            raise self._too_large()
        body = await self._in_time(receive, share)
        if encoding in {b"gzip", b"x-gzip"}:
            body = self._inflated(body)
            share.take(len(body))
        return body

    async def _in_time(self, receive: Receive, share: Share) -> bytes:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in one; for the type checker
        self._patience.begin(task)
        try:
            body = await self._gather(receive, share)
        except asyncio.CancelledError:
            if self._patience.end(task) and task.uncancel() == 0:
                late = f"The body did not arrive within {self._patience.seconds:g} s."
                raise Refused("body-too-slow", late) from None
            raise
        except BaseException:
            self._patience.end(task)
            raise
        self._patience.end(task)
        return body

    async def _gather(self, receive: Receive, share: Share) -> bytes:
        gathered = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise SenderGone
            chunk: bytes = message.get("body", b"")
            if len(gathered) + len(chunk) > self._limit:
                raise self._too_large()
            share.take(len(chunk))
            if not message.get("more_body", False):
                return bytes(gathered + chunk) if gathered else chunk
            gathered += chunk

    def _inflated(self, body: bytes) -> bytes:
        member = zlib.decompressobj(_GZIP)
        try:
            inflated = member.decompress(body, self._limit + 1)
        except zlib.error:
            raise Refused("gzip-malformed", "The body is not gzip, though Content-Encoding says so.") from None
        if len(inflated) > self._limit:
            raise self._too_large()
        if not member.eof or member.unused_data:
            raise Refused("gzip-malformed", "The body is not one whole gzip member.")
        return inflated

    def _too_large(self) -> Refused:
        return Refused("body-too-large", f"A body has at most {self._limit} bytes, decompressed.")
