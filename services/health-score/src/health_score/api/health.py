"""Routes: the history of an account's health."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import Query

from health_score.api.asking import READ, AccountId, Asked
from health_score.application.views import CloseView
from health_score.domain.history import DAY
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Routes

routes = Routes(tag="health")

DAYS_REVERSED = Problem(422, "days-reversed", "The period ends before it begins")


@routes.get(
    "/accounts/{account_id:path}/health/history",
    scope=READ,
    answers=Page[CloseView],
    has_tag=True,
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
