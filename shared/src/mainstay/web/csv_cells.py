"""Answers as CSV (RFC 4180) that no spreadsheet takes for a formula."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from mainstay.contracts.envelope import rfc3339
from mainstay.web.media import JSON, prefers

CSV: Final = "text/csv"

_BEGINS_A_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠'")
"""What a spreadsheet may take for a formula's beginning (OWASP, CSV injection), and the mark that keeps it from it."""


def wants_csv(accept: str) -> bool:
    """Whether an Accept header prefers CSV to JSON (RFC 9110, section 12.5.1); of equals JSON is answered."""
    return prefers(accept, CSV, JSON)


def text_cell(stated: str | None) -> str:
    """What somebody wrote, so that it stays a text: an apostrophe stands before what would begin a formula."""
    return f"'{stated}" if stated and stated[0] in _BEGINS_A_FORMULA else stated or ""


def plain_cell(stated: float | Decimal | date | datetime | None) -> str:
    """A number, a day or an instant; nothing for None."""
    if isinstance(stated, datetime):
        return rfc3339(stated)
    return "" if stated is None else str(stated)


def csv_rows(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as they are written."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
