"""Routes: the list of accounts, and one account's record.

An account's id may hold slashes, and servers decode %2F before anybody routes: `path` lets it have them. The first
route that fits is taken, so this group stands behind all those with longer paths.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import Depends, Header, Response
from fastapi.responses import StreamingResponse

from health_score.api.account_filters import Filters, SortParameter, cursor_after, ordered, place_in
from health_score.api.asking import READ, AccountId, Asked
from health_score.api.csv_table import table
from health_score.application.listing import AccountFilter, AccountKey, Order
from health_score.application.queries import Queries
from health_score.application.views import AccountDetailView, AccountView
from mainstay.web.csv_rows import CSV, wants_csv
from mainstay.web.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Routes

routes = Routes(tag="accounts")


@routes.get(
    "/accounts",
    scope=READ,
    answers=Page[AccountView],
    has_tag=True,
    summary="Accounts with their health",
    responses={
        200: {
            "content": {CSV: {"schema": {"type": "string", "description": "The whole list, a column each; RFC 4180"}}}
        }
    },
)
async def accounts(
    asked: Asked,
    response: Response,
    filters: Annotated[Filters, Depends()],
    sort: SortParameter = "account_id",
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
    accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
) -> Page[AccountView] | Response:
    """Accounts in the order asked for; a minus turns it round, and what is missing stands last.

    `sort=score` begins with those that need somebody most. A cursor leads on in the list with the same filters and
    order. As CSV, `limit` does not count: the list is written from the cursor, if there is one, to its end.
    """
    response.headers["Vary"] = "Accept"
    wanted, order = filters.wanted(), ordered(sort, filters.currency)
    after = None if cursor is None else place_in(cursor, wanted, order)
    if wants_csv(accept):
        return StreamingResponse(
            table(_pages(asked, wanted, order, after), await asked.currencies()),
            media_type=f"{CSV}; charset=utf-8; header=present",
            headers={
                "Content-Disposition": 'attachment; filename="accounts.csv"',
                "Cache-Control": "private, no-store",
                "Vary": "Accept",
            },
        )
    found = await asked.accounts(wanted, order, after, limit + 1)
    return Page(
        data=[view for _, view in found[:limit]],
        next_cursor=cursor_after(found[limit - 1][0], wanted, order) if len(found) > limit else None,
    )


async def _pages(
    asked: Queries, wanted: AccountFilter, order: Order, after: AccountKey | None
) -> AsyncIterator[Sequence[AccountView]]:
    """The whole list, page by page: no transaction stays open while a slow reader takes it."""
    while found := await asked.accounts(wanted, order, after, MAX_LIMIT):
        yield [view for _, view in found]
        after = found[-1][0]
        if len(found) < MAX_LIMIT:
            return


@routes.get(
    "/accounts/{account_id:path}",
    scope=READ,
    answers=AccountDetailView,
    has_tag=True,
    summary="One account",
)
async def account(account_id: AccountId, asked: Asked) -> AccountDetailView:
    """An account's record, what it is worth, and its health in short."""
    return await asked.account(account_id)
