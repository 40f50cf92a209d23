"""Cutting a CSV file into rows, in constant memory, however its bytes are cut into chunks; and reading a row's cells.

Quoting is RFC 4180's, read as Python's `csv` reads it: a quote opens a field only at its beginning, is doubled inside,
and what follows a closing quote belongs to the field. Rows end with LF or CRLF.
"""

import csv
import re
from collections.abc import Iterator
from enum import Enum

from ingest.api.ndjson_rows import Row
from ingest.domain.refusal import Refused

_LF, _QUOTE_MARK = b"\n", b'"'
_QUOTE_BYTE = _QUOTE_MARK[0]


class _At(Enum):
    """Where in a row the scan stands."""

    FIELD = 0
    PLAIN = 1
    QUOTED = 2
    QUOTE = 3


class CsvCutter:
    """Cuts rows off the front of what was fed so far; each byte is looked at once."""

    def __init__(self, start: int, longest: int, delimiter: str) -> None:
        """`start` is the offset in the file of the first byte fed; a row of over `longest` bytes is not kept."""
        self.next_byte = start
        """Where the next row begins."""
        self._longest, self._delimiter = longest, delimiter.encode()
        self._buffer, self._base = bytearray(), start
        self._scanned, self._at = 0, _At.FIELD
        self._is_row_new = True
        self._whole = _whole_row(self._delimiter) if len(self._delimiter) == 1 else None

    def feed(self, chunk: bytes) -> None:
        """More of the file."""
        self._buffer += chunk

    def rows(self, *, is_last: bool = False) -> Iterator[Row]:
        """The whole rows that are there, in order; with `is_last`, also one that the end of the file ends.

        All of them are to be taken before more is fed.
        """
        buffer, begins = self._buffer, 0
        while (end := self._end(is_last=is_last)) >= 0:
            start, self.next_byte = self.next_byte, self._base + end
            is_open = self._at is _At.QUOTED  # the file ends within quotes: that line's end is the field's
            self._scanned, self._at, self._is_row_new = end, _At.FIELD, True
            if self.next_byte - start > self._longest:
                yield Row(start, None)
            else:
                row = bytes(buffer[begins:end])
                yield Row(start, row if is_open else row.removesuffix(b"\n").removesuffix(b"\r"))
            begins = end
        if self._base + len(buffer) - self.next_byte > self._longest:
            begins = self._scanned  # the row that has begun is too long already: only its end is looked for
        del buffer[:begins]
        self._base += begins
        self._scanned -= begins

    def _end(self, *, is_last: bool) -> int:
        """Where in the buffer the row that has begun ends, behind its line's end; -1 where that is not there yet."""
        if self._is_row_new and self._whole is not None and (whole := self._whole.match(self._buffer, self._scanned)):
            return whole.end()
        self._is_row_new = False
        buffer, size, at, delimiter = self._buffer, len(self._buffer), self._at, self._delimiter
        here = self._scanned
        while here < size:
            if at is _At.QUOTED:
                found = buffer.find(_QUOTE_MARK, here)
                at, here = (_At.QUOTE, found + 1) if found >= 0 else (at, size)
                continue
            if at is _At.PLAIN or buffer[here] != _QUOTE_BYTE:
                line = buffer.find(_LF, here)
                until = line if line >= 0 else size
                if line >= 0 and buffer.find(_QUOTE_MARK, here, line) < 0:
                    self._at = _At.PLAIN
                    return line + 1
                field = buffer.find(delimiter, here, until)
                if field >= 0:
                    at, here = _At.FIELD, field + 1
                elif line >= 0:
                    self._at = _At.PLAIN
                    return line + 1
                else:
                    at, here = _At.PLAIN, size
            else:  # a quote: at a field's beginning it opens one, behind another it is doubled
                at, here = _At.QUOTED, here + 1
        self._scanned, self._at = here, at
        return size if is_last and self._base + size > self.next_byte else -1


def _whole_row(delimiter: bytes) -> re.Pattern[bytes]:
    """Matches a row that is there up to its line's end: the way of most rows, five times as fast as the scan."""
    apart = re.escape(delimiter)
    plain = rb"[^%b\n]*" % apart
    cell = rb'(?:"[^"]*(?:""[^"]*)*"(?!")%b|(?!")%b)' % (plain, plain)
    return re.compile(rb"%b(?:%b%b)*\n" % (cell, apart, cell))


def cells_of(document: bytes, delimiter: str) -> list[str]:
    """The cells of one row. Raises `Refused`."""
    try:
        text = document.decode()
    except UnicodeDecodeError as error:
        raise Refused("not-utf-8", f"The row is not UTF-8 at its byte {error.start}: export it as UTF-8.") from None
    try:
        rows = list(csv.reader([text], delimiter=delimiter, strict=False))
    except csv.Error as error:
        raise Refused("csv-malformed", f"The row is not CSV: {error}.") from None
    return rows[0] if rows else []
