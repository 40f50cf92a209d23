"""Routes: accounts, their health with its explanation and history, their metrics, and the portfolio."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from health_score.application.queries import AccountFilter, AccountKey, AsOfInFuture, Queries, Sort
from health_score.application.views import AccountView, CloseView, HealthView, MetricsView, PortfolioView
from health_score.domain.account import AccountUnknown
from health_score.domain.bands import Band
from health_score.domain.history import DAY
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import BAD_CURSOR, Problem, ProblemError
from mainstay.web.routes import Routes

routes = Routes(tag="health")

AccountId = Annotated[str, Path(min_length=1, max_length=200, description="The customer's own id of the account")]

READ = "health:read"

DAYS_REVERSED = Problem(422, "days-reversed", "The period ends before it begins")

PROBLEMS = {
    AccountUnknown: Problem(404, "account-unknown", "There is no such account"),
    AsOfInFuture: Problem(422, "as-of-in-future", "The day has not begun yet"),
}


def queries(request: Request) -> Queries:
    """The service's queries."""
    found: Queries = request.app.state.queries
    return found


Asked = Annotated[Queries, Depends(queries)]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a list of accounts, as query parameters."""

    band: Annotated[Band | None, Query(description="Only accounts in this band")] = None
    owner: Annotated[str | None, Query(max_length=200, description="Only accounts of this owner")] = None
    tier: Annotated[str | None, Query(max_length=200, description="Only accounts of this tier")] = None


@routes.get("/accounts", scope=READ, answers=Page[AccountView], summary="Accounts with their health")
async def accounts(
    asked: Asked,
    filters: Annotated[Filters, Depends()],
    sort: Sort = Sort.ACCOUNT,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AccountView]:
    """Accounts in the order asked for; a minus turns it round, and what is missing stands last.

    `sort=score` begins with those that need somebody most.
    """
    after = None if cursor is None else _place(cursor, sort)
    wanted = AccountFilter(filters.band, filters.owner, filters.tier)
    found = await asked.accounts(wanted, sort, after, limit + 1)
    return Page(
        data=[view for _, view in found[:limit]],
        next_cursor=encode_cursor("accounts", (sort.value, *found[limit - 1][0])) if len(found) > limit else None,
    )


def _place(cursor: str, sort: Sort) -> AccountKey:
    """The place that a cursor names in this order."""
    order, key, account_id = decode_cursor("accounts", cursor, tuple[str, int | str, str])
    by_score = sort in {Sort.LOWEST_SCORE, Sort.HIGHEST_SCORE}
    if order != sort.value or isinstance(key, int) != by_score:
        raise ProblemError(BAD_CURSOR, "the cursor is one of a list in another order")
    return key, account_id


# An account's id may hold slashes, and servers decode %2F before anybody routes: `path` lets it have them. The first
# route that fits is taken, so the longer ones stand before the shorter.
@routes.get(
    "/accounts/{account_id:path}/health/history",
    scope=READ,
    answers=Page[CloseView],
    summary="An account's daily closes",
)
async def history(
    account_id: AccountId,
    asked: Asked,
    first: Annotated[CivilDay, Query(alias="from", description="The first day")] = date.min,
    last: Annotated[CivilDay, Query(alias="to", description="The last day, included")] = date.max,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[CloseView]:
    """One value a day, oldest first: as known now, and as it was first reported."""
    if last < first:
        raise ProblemError(DAYS_REVERSED, f"to={last} lies before from={first}")
    if cursor is not None:
        (day,) = decode_cursor("closes", cursor, tuple[date])
        first = max(first, min(day, date.max - DAY) + DAY)
    found: Sequence[CloseView] = await asked.closes(account_id, first, last, limit + 1)
    return Page(
        data=list(found[:limit]),
        next_cursor=encode_cursor("closes", (found[limit - 1].day,)) if len(found) > limit else None,
    )


@routes.get(
    "/accounts/{account_id:path}/health", scope=READ, answers=HealthView, summary="An account's health, explained"
)
async def health(account_id: AccountId, asked: Asked) -> HealthView:
    """The current score with every measure's part in it; the contributions add up to the score exactly."""
    return await asked.health(account_id)


@routes.get(
    "/accounts/{account_id:path}/metrics", scope=READ, answers=MetricsView, summary="An account's usage metrics"
)
async def metrics(
    account_id: AccountId,
    asked: Asked,
    as_of: Annotated[CivilDay | None, Query(description="The day; today in the account's zone by default")] = None,
) -> MetricsView:
    """Usage metrics as of a day, exact, from the events of the days before it. Null: undefined on that day.

    Windows count the day itself; trends compare complete days.
    """
    return await asked.metrics(account_id, as_of)


@routes.get("/accounts/{account_id:path}", scope=READ, answers=AccountView, summary="One account")
async def account(account_id: AccountId, asked: Asked) -> AccountView:
    """An account's record, what it is worth, and its health in short."""
    return await asked.account(account_id)


@routes.get("/portfolio/summary", scope=READ, answers=PortfolioView, summary="The portfolio by band")
async def portfolio(asked: Asked) -> PortfolioView:
    """How many accounts are in each band, and what they are worth, by currency."""
    return await asked.portfolio()
