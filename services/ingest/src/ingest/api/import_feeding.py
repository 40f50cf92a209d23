"""Feeding an import from a request's body: cut into rows, read, and handed over in chunks.

While a chunk is made durable the next one is read, and no further: a sender waits for the log, not memory.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

from ingest.api.bodies import SenderGone
from ingest.api.csv_rows import CsvCutter, cells_of
from ingest.api.import_bodies import Pieces
from ingest.api.import_reading import CSV, RowReader, around, with_header
from ingest.api.ndjson_rows import BOM, OTHER_BOMS, LineCutter
from ingest.application.importing import Chunk, Feed, ReadRow
from ingest.application.ports import Reader
from ingest.domain.refusal import Refused

CHUNK_ROWS: Final = 1_000
CHUNK_BYTES: Final = 1024 * 1024
CHUNK_SECONDS: Final = 5
"""Of a source with a rate of its own, a chunk has what it may send in so long: waiting for it shall not look dead."""


class HeaderRefused(Refused):
    """The file cannot be imported as it is."""


class Feeding:
    """One request's share of a file."""

    def __init__(self, feed: Feed, readers: Mapping[str, Reader], traceparent: str) -> None:
        self._feed, self._readers, self._traceparent = feed, readers, traceparent
        self._form, self._policy = feed.form, feed.policy
        self._limits = self._policy.limits
        self._cutter = self._cutter_at(feed.next_byte)
        self._head: bytes | None = b"" if feed.next_byte == 0 else None
        self._reader: RowReader | None = None
        rate = self._policy.rate
        self._most = (
            CHUNK_ROWS if rate is None else max(1, min(CHUNK_ROWS, int(rate.events_per_second * CHUNK_SECONDS)))
        )
        self._rows: list[ReadRow] = []
        self._bytes = 0
        self._taking: asyncio.Task[None] | None = None

    async def everything(self, pieces: Pieces, *, is_whole: bool) -> None:
        """All that arrives; with `is_whole`, the file ends with it, and its last row needs no line's end.

        Raises what `Pieces` and `Feed.take` raise, and `HeaderRefused`. Whole rows that arrived before are durable
        where the sender was the reason.
        """
        try:
            await self._all_of(pieces, is_whole=is_whole)
        finally:
            if self._taking is not None:  # cut off by something else: what is on its way comes again
                self._taking.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await self._taking

    async def _all_of(self, pieces: Pieces, *, is_whole: bool) -> None:
        try:
            async for piece in pieces:
                if piece is None:
                    await self._hand_over()
                    await self._taken()
                    continue
                await self._cut(self._without_bom(piece, is_last=False))
        except HeaderRefused:
            raise
        except (Refused, SenderGone):
            await self._hand_over()  # what arrived whole by then is good
            await self._taken()
            raise
        await self._cut(self._without_bom(b"", is_last=True), is_last=is_whole)
        await self._hand_over()
        await self._taken()

    def _cutter_at(self, byte: int) -> CsvCutter | LineCutter:
        longest = self._limits.event_bytes
        if self._form.media_type == CSV:
            return CsvCutter(byte, longest, self._form.delimiter)
        return LineCutter(byte, longest)

    def _without_bom(self, piece: bytes, *, is_last: bool) -> bytes:
        """The piece without the mark that some programs put at the beginning of UTF-8."""
        if self._head is None:
            return piece
        self._head += piece
        if len(self._head) < len(BOM) and not is_last:
            return b""
        head, self._head = self._head, None
        if head.startswith(OTHER_BOMS):
            raise HeaderRefused("not-utf-8", "The file is not UTF-8 at byte 0: it begins as UTF-16 does.")
        if head.startswith(BOM):
            self._cutter = self._cutter_at(len(BOM))
            return head[len(BOM) :]
        return head

    async def _cut(self, piece: bytes, *, is_last: bool = False) -> None:
        self._cutter.feed(piece)
        now = self._feed.now()
        for byte, document in self._cutter.rows(is_last=is_last):
            if document is not None and not document.strip():
                continue
            if self._form.media_type == CSV and self._form.header is None:
                self._read_header(document)
                continue
            self._rows.append(self._read(byte, document, now))
            self._bytes += len(document or b"")
            if len(self._rows) >= self._most or self._bytes >= CHUNK_BYTES:
                await self._hand_over()

    def _read_header(self, document: bytes | None) -> None:
        if document is None:
            raise HeaderRefused("header-invalid", f"The header has more than {self._limits.event_bytes} bytes.")
        try:
            self._form = with_header(self._form, cells_of(document, self._form.delimiter))
        except Refused as refused:
            raise HeaderRefused(refused.code, refused.detail, refused.pointer) from None

    def _read(self, byte: int, document: bytes | None, now: datetime) -> ReadRow:
        if document is None:
            detail = f"A row has at most {self._limits.event_bytes} bytes; one begins at byte {byte} that is longer."
            return ReadRow(byte, b"", None, Refused("event-too-large", detail))
        if self._reader is None:
            self._reader = RowReader(self._readers, self._form, self._feed.job.id)
        return self._reader.read(byte, document, self._policy, now)

    async def _hand_over(self) -> None:
        """Give the rows away, once those before are durable. Raises what `Feed.take` raised of those."""
        await self._taken()
        kept = around(self._form, self._feed.job.id, self._feed.counts.rows + 1)
        chunk = Chunk(self._rows, self._cutter.next_byte, self._form, kept)
        self._rows, self._bytes = [], 0
        self._taking = asyncio.create_task(self._feed.take(chunk, self._traceparent))

    async def _taken(self) -> None:
        """Wait until what was handed over is durable. Raises what `Feed.take` raises."""
        taking, self._taking = self._taking, None
        if taking is not None:
            await taking
