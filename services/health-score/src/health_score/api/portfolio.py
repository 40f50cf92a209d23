"""Routes: the portfolio as a whole."""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query, Request

from health_score.api.asking import READ
from health_score.application.portfolio import By, Portfolio, page_of_groups
from health_score.application.portfolio_views import PortfolioView
from mainstay.web.fields import CivilDay
from mainstay.web.pages import MAX_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from mainstay.web.routes import Routes

routes = Routes(tag="portfolio")


def _portfolio(request: Request) -> Portfolio:
    found: Portfolio = request.app.state.handlers.portfolio
    return found


@routes.get("/portfolio/summary", scope=READ, answers=PortfolioView, has_tag=True, summary="The portfolio by band")
async def portfolio(
    asked: Annotated[Portfolio, Depends(_portfolio)],
    by: Annotated[By | None, Query(description="Groups of accounts that share this, as it is now")] = None,
    since: Annotated[CivilDay | None, Query(description="What moved since the close of this day")] = None,
    limit: Limit = MAX_LIMIT,
    cursor: Cursor = None,
) -> PortfolioView:
    """How many accounts are in each band, and what they are worth, by currency.

    `since` compares the bands of now with those that the day closed in, as known now; the amounts are today's ARR on
    both sides, so they tell what moved and not what was sold. `limit` and `cursor` page through the groups.
    """
    kind = f"portfolio by {by or 'nothing'}"
    after = None if cursor is None else decode_cursor(kind, cursor, tuple[str | None])
    view, more = page_of_groups(await asked.summary(by, since), after, limit)
    return replace(view, next_cursor=encode_cursor(kind, [view.groups[-1].value])) if more else view
