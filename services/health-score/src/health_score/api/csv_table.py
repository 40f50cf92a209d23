"""Accounts as a table."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from health_score.application.views import AccountView
from mainstay.web.csv_rows import csv_rows, plain_cell, text_cell

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
