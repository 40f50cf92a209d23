"""Cutting a file of lines into rows, in constant memory, however its bytes are cut into chunks."""

from collections.abc import Iterator
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")
"""UTF-16's."""


class Row(NamedTuple):
    """A row as it stands in the file, without its line's end; `document` is None where it was too long to be kept.

    `start` is where it begins in the file, in bytes.
    """

    start: int
    document: bytes | None


class LineCutter:
    """Cuts lines off the front of what was fed so far; each byte is looked at once."""

    def __init__(self, start: int, longest: int) -> None:
        """`start` is the offset in the file of the first byte fed; a line of over `longest` bytes is not kept."""
        self.next_byte = start
        """Where the next row begins."""
        self._longest = longest
        self._buffer, self._base, self._scanned = bytearray(), start, 0

    def feed(self, chunk: bytes) -> None:
        """More of the file."""
        self._buffer += chunk

    def rows(self, *, is_last: bool = False) -> Iterator[Row]:
        """The whole lines that are there, in order; with `is_last`, also one that the end of the file ends.

        All of them are to be taken before more is fed.
        """
        buffer, begins = self._buffer, 0
        while (end := buffer.find(b"\n", self._scanned) + 1) or (is_last and self._is_begun()):
            end = end or len(buffer)
            start, self.next_byte = self.next_byte, self._base + end
            if self.next_byte - start > self._longest:
                yield Row(start, None)
            else:
                row = bytes(buffer[begins:end])
                yield Row(start, row.removesuffix(b"\n").removesuffix(b"\r"))
            begins = self._scanned = end
        self._scanned = len(buffer)
        if self._is_begun() and self._base + len(buffer) - self.next_byte > self._longest:
            begins = len(buffer)  # the line that has begun is too long already: only its end is looked for
        del buffer[:begins]
        self._base += begins
        self._scanned -= begins

    def _is_begun(self) -> bool:
        return self._base + len(self._buffer) > self.next_byte
