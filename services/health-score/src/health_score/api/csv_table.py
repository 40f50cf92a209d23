"""Answers as CSV (RFC 4180) that no spreadsheet takes for a formula; and accounts as such a table."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Final

from health_score.api.media import JSON, prefers
from health_score.application.views import AccountView
from mainstay.contracts.envelope import rfc3339

CSV: Final = "text/csv"

_COLUMNS: Final = (
    "account_id",
    "name",
    "owner",
    "tier",
    "segment",
    "industry",
    "zone",
    "created_at",
    "first_active_on",
    "last_active_on",
    "silent",
    "score",
    "band",
    "band_since",
    "coverage",
    "computed_at",
    "seats",
    "next_renewal_on",
    "stage",
    "stage_entered_on",
    "stage_overdue",
)

_BEGINS_A_FORMULA: Final = frozenset("=+-@\t\r\n＝＋－＠'")
"""What a spreadsheet may take for a formula's beginning (OWASP, CSV injection), and the mark that keeps it from it."""


def wants_csv(accept: str) -> bool:
    """Whether an Accept header prefers CSV to JSON (RFC 9110, section 12.5.1); of equals JSON is answered."""
    return prefers(accept, CSV, JSON)


async def table(pages: AsyncIterator[Sequence[AccountView]], currencies: Sequence[str]) -> AsyncIterator[bytes]:
    """The rows of a table: a column a currency, and `arr_other` for one that appeared while the table was written."""
    yield csv_rows([(*_COLUMNS, *(f"arr_{currency}" for currency in currencies), "arr_other")])
    async for page in pages:
        yield csv_rows([_cells(account, currencies) for account in page])


def _cells(account: AccountView, currencies: Sequence[str]) -> Sequence[str]:
    health, value = account.health, account.value
    arr = {money.currency: money.amount for money in value.arr}
    return (
        *(
            text_cell(text)
            for text in (
                account.account_id,
                account.name,
                account.owner,
                account.tier,
                account.segment,
                account.industry,
                account.zone,
            )
        ),
        *(plain_cell(stated) for stated in (account.created_at, account.first_active_on, account.last_active_on)),
        "true" if account.silent else "false",
        plain_cell(health.score),
        health.band,
        *(plain_cell(stated) for stated in (health.band_since, health.coverage, health.computed_at)),
        plain_cell(value.seats),
        plain_cell(value.next_renewal_on),
        account.stage or "",
        plain_cell(account.stage_entered_on),
        "true" if account.stage_overdue else "false",
        *(arr.pop(currency, "") for currency in currencies),
        "; ".join(f"{amount} {currency}" for currency, amount in sorted(arr.items())),
    )


def text_cell(stated: str | None) -> str:
    """What somebody wrote, so that it stays a text: an apostrophe stands before what would begin a formula."""
    return f"'{stated}" if stated and stated[0] in _BEGINS_A_FORMULA else stated or ""


def plain_cell(stated: float | date | datetime | None) -> str:
    """A number, a day or an instant; nothing for None."""
    if isinstance(stated, datetime):
        return rfc3339(stated)
    return "" if stated is None else str(stated)


def csv_rows(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as they are written."""
    written = io.StringIO(newline="")
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
