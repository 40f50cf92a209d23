"""What is in a file that is to be imported, decompressed, in parts from any byte on."""

import gzip
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

GZIP: Final = ".gz"
_PIECE_BYTES: Final = 1024 * 1024


class NotWhole(Exception):
    """A compressed file that cannot be read to its end."""


class Content:
    """A file, plain or (by its name) gzip; sizes and places are those of what is in it."""

    def __init__(self, path: Path) -> None:
        """`size` of a compressed file is found by reading all of it once. Raises `NotWhole`."""
        self._path, self._is_gzip = path, path.suffix.lower() == GZIP
        opened = gzip.open(path) if self._is_gzip else path.open("rb")  # noqa: SIM115 - `__exit__` closes it
        self._stream = cast("BinaryIO", opened)
        self._held, self._begins = b"", 0
        self.size = self._measured() if self._is_gzip else path.stat().st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._stream.close()

    def part(self, offset: int, length: int) -> bytes:
        """So many bytes from there on, or the rest. Raises `NotWhole`."""
        ends = self._begins + len(self._held)
        if self._begins <= offset <= ends:  # gzip goes back only by beginning anew: the end of the last part is kept
            self._held = self._held[offset - self._begins :]
        else:
            self._stream.seek(offset)
            self._held = b""
        self._begins = offset
        if len(self._held) < length:
            self._held += self._read(length - len(self._held))
        return self._held[:length]

    def _read(self, length: int) -> bytes:
        try:
            return self._stream.read(length)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise NotWhole(f"{self._path} is not a whole gzip file: {error}") from None

    def _measured(self) -> int:
        size = 0
        while piece := self._read(_PIECE_BYTES):
            size += len(piece)
        self._stream.seek(0)
        return size


def inner_suffix(path: Path) -> str:
    """What kind of file it is by its name, without that of the compression: `.csv` of `a.csv.gz`."""
    name = path.with_suffix("") if path.suffix.lower() == GZIP else path
    return name.suffix.lower()
