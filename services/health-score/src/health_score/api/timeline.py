"""Route: an account's timeline."""

from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Query, Request
from msgspec import Meta

from health_score.api.asking import READ, AccountId
from health_score.api.health import DAYS_REVERSED
from health_score.application.timeline import Place, TimelineRow, Timelines
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Routes

routes = Routes(tag="timeline")


def timelines(request: Request) -> Timelines:
    """The service's timelines."""
    found: Timelines = request.app.state.handlers.timelines
    return found


@routes.get(
    "/accounts/{account_id:path}/timeline",
    scope=READ,
    answers=Page[TimelineRow],
    summary="Everything known about an account in order of time",
)
async def timeline(
    account_id: AccountId,
    asked: Annotated[Timelines, Depends(timelines)],
    first: Annotated[CivilDay, Query(alias="from", description="The first day, in the account's zone")] = date.min,
    last: Annotated[CivilDay, Query(alias="to", description="The last day, included")] = date.max,
    kind: Annotated[
        list[Annotated[str, Query(max_length=100)]] | None,
        Query(max_length=50, description="Only these: `ticket`, `touchpoint`, `band`, `silence`, `sentiment.given`, …"),
    ] = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[TimelineRow]:
    """Facts as they were stated, decisions of people, bands entered and silences, newest first.

    A fact stands at the instant of which it speaks; what it says of days to come stands there too.
    """
    if last < first:
        raise ProblemError(DAYS_REVERSED, f"to={last} lies before from={first}")
    after = None
    if cursor is not None:
        after = Place(*decode_cursor("timeline", cursor, tuple[Annotated[datetime, Meta(tz=True)], str, str]))
    found = await asked(account_id, first, last, frozenset(kind or ()), after, limit + 1)
    return Page(
        data=[row for _, row in found[:limit]],
        next_cursor=encode_cursor("timeline", found[limit - 1].place) if len(found) > limit else None,
    )
