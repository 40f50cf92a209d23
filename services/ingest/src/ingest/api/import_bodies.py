"""The body of an import as it arrives: piece by piece, inflated within bounds, never held as a whole."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator

from ingest.api.bodies import Receive, SenderGone
from ingest.domain.refusal import Refused

PIECE_BYTES = 64 * 1024
BEAT_SECONDS = 5.0
"""While a sender is silent, the lease is kept so often."""
IDLE_SECONDS = 30.0
"""A sender that is silent for so long is cut off; the import goes on with the next request."""

_GZIP = 16 + zlib.MAX_WBITS


class Pieces:
    """Reads a request's body. Nothing is asked of the sender until the piece before was dealt with."""

    def __init__(self, receive: Receive, encoding: bytes) -> None:
        """`encoding` is the value of Content-Encoding. Raises `Refused` for one that is not known."""
        if encoding not in {b"", b"identity", b"gzip", b"x-gzip"}:
            raise Refused("encoding-not-supported", "Files may be sent plain or with Content-Encoding: gzip.")
        self._receive = receive
        self._inflate = _Inflate() if encoding in {b"gzip", b"x-gzip"} else None

    async def __aiter__(self) -> AsyncIterator[bytes | None]:
        """Pieces of at most some 64 KiB; None when the sender was silent for a while.

        Raises `SenderGone`, and `Refused` for a sender that is silent too long and for what is not gzip.
        """
        more = True
        while more:
            arriving = asyncio.ensure_future(self._receive())
            try:
                silent = 0.0
                while not (await asyncio.wait({arriving}, timeout=BEAT_SECONDS))[0]:
                    silent += BEAT_SECONDS
                    if silent >= IDLE_SECONDS:
                        raise Refused("body-too-slow", f"Nothing of the body arrived for {IDLE_SECONDS:g} s.")
                    yield None
                message = arriving.result()
            finally:
                arriving.cancel()
            if message["type"] == "http.disconnect":
                raise SenderGone
            more = message.get("more_body", False)
            body: bytes = message.get("body", b"")
            if self._inflate is None:
                yield body
                continue
            for piece in self._inflate.pieces(body):
                yield piece
                await asyncio.sleep(0)  # a small body can hold gigabytes; others are served between its pieces
        if self._inflate is not None:
            self._inflate.end()


class _Inflate:
    """Inflates gzip of one member or several, a bounded piece at a time."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)
        self._is_begun = False

    def pieces(self, body: bytes) -> Iterator[bytes]:
        """What is in the next bytes. Raises `Refused`."""
        rest = body
        while rest:
            self._is_begun = True
            try:
                piece = self._member.decompress(rest, PIECE_BYTES)
            except zlib.error:
                raise Refused("gzip-malformed", "The body is not gzip, though Content-Encoding says so.") from None
            if piece:
                yield piece
            rest = self._member.unconsumed_tail
            if self._member.eof:
                rest = self._member.unused_data
                self._member, self._is_begun = zlib.decompressobj(_GZIP), False
        while self._is_begun and (piece := self._member.decompress(b"", PIECE_BYTES)):
            yield piece

    def end(self) -> None:
        """The body is complete. Raises `Refused` where the gzip is not."""
        if self._is_begun:
            raise Refused("gzip-malformed", "The body ends within the gzip data.")
