"""Routes: an account's health with its parts, and what people say of it: sentiment, and scores set by hand."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from health_score.api.asking import READ, WRITE, AccountId
from health_score.application.deciding import (
    Decide,
    MeasureUnknown,
    NotOverridden,
    OverrideExpired,
)
from health_score.application.health import NoClose, ReadHealth
from health_score.application.health_views import HealthView, SentimentView
from health_score.domain.decisions import Sentiment
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem
from mainstay.web.routes import Caller, Routes

routes = Routes(tag="health")

PROBLEMS: dict[type[Exception], Problem] = {
    NoClose: Problem(404, "no-close", "The account has no close of this day"),
    MeasureUnknown: Problem(404, "measure-unknown", "The account's scorecard has no such measure"),
    NotOverridden: Problem(404, "not-overridden", "There is nothing set by hand"),
    OverrideExpired: Problem(422, "override-expired", "The override has expired already", pointer="/expires_at"),
}

MeasureName = Annotated[str, Path(min_length=1, max_length=63, description="The measure's name in the scorecard")]
Author = Annotated[
    str | None, Field(min_length=1, max_length=200, description="Who decided; the name of the API key by default")
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class OverrideBody(_Body):
    """A score set by hand."""

    score: Annotated[int, Field(strict=True, ge=0, le=100)]
    reason: Annotated[str, Field(min_length=1, max_length=2_000)]
    expires_at: AwareDatetime
    by: Author = None


class SentimentBody(_Body):
    """How a CSM sees the account."""

    sentiment: Sentiment
    note: Annotated[str, Field(max_length=2_000)] | None = None
    by: Author = None


def _health(request: Request) -> ReadHealth:
    found: ReadHealth = request.app.state.handlers.health
    return found


def _decide(request: Request) -> Decide:
    found: Decide = request.app.state.handlers.decide
    return found


Reader = Annotated[ReadHealth, Depends(_health)]
Deciding = Annotated[Decide, Depends(_decide)]
By = Annotated[
    str | None, Query(min_length=1, max_length=200, description="Who decided; the name of the API key by default")
]


@routes.get(
    "/accounts/{account_id:path}/health",
    scope=READ,
    answers=HealthView,
    has_tag=True,
    summary="An account's health, explained",
)
async def health(
    account_id: AccountId,
    reader: Reader,
    as_of: Annotated[
        CivilDay | None, Query(description="A past day: its close, made again from what is known now; default: now")
    ] = None,
) -> HealthView:
    """The score with every measure's part in it; the contributions add up to the score exactly.

    As of a past day the parts are made again from what is known of that day now (restated); `reported` has the score
    and band as the close first said.
    """
    return await (reader.now(account_id) if as_of is None else reader.on(account_id, as_of))


@routes.put(
    "/accounts/{account_id:path}/overrides/{measure}",
    scope=WRITE,
    answers=HealthView,
    summary="Set a measure's score by hand",
)
async def override_measure(
    account_id: AccountId, measure: MeasureName, body: OverrideBody, caller: Caller, decide: Deciding, reader: Reader
) -> HealthView:
    """Set the score of one measure by hand until it expires; the computed one stays beside it."""
    by = body.by or caller.name
    await decide.override(account_id, measure, body.score, body.reason, _utc(body.expires_at), by=by)
    return await reader.now(account_id)


@routes.delete("/accounts/{account_id:path}/overrides/{measure}", scope=WRITE, summary="Take a measure's score back")
async def lift_measure(
    account_id: AccountId, measure: MeasureName, caller: Caller, decide: Deciding, by: By = None
) -> None:
    """Let the measure be computed again."""
    await decide.lift(account_id, measure, by=by or caller.name)


@routes.put(
    "/accounts/{account_id:path}/override", scope=WRITE, answers=HealthView, summary="Set an account's score by hand"
)
async def override(
    account_id: AccountId, body: OverrideBody, caller: Caller, decide: Deciding, reader: Reader
) -> HealthView:
    """Set the account's score by hand until it expires; the computed score is kept beside it."""
    await decide.override(account_id, None, body.score, body.reason, _utc(body.expires_at), by=body.by or caller.name)
    return await reader.now(account_id)


@routes.delete("/accounts/{account_id:path}/override", scope=WRITE, summary="Take an account's score back")
async def lift(account_id: AccountId, caller: Caller, decide: Deciding, by: By = None) -> None:
    """Let the score be computed again."""
    await decide.lift(account_id, None, by=by or caller.name)


@routes.put(
    "/accounts/{account_id:path}/sentiment", scope=WRITE, answers=HealthView, summary="Say how you see an account"
)
async def feel(
    account_id: AccountId, body: SentimentBody, caller: Caller, decide: Deciding, reader: Reader
) -> HealthView:
    """Set the CSM's sentiment, the metric `csm_sentiment`: red is 0 points, yellow 50, green 100."""
    await decide.feel(account_id, body.sentiment, body.note, by=body.by or caller.name)
    return await reader.now(account_id)


@routes.delete("/accounts/{account_id:path}/sentiment", scope=WRITE, summary="Withdraw the sentiment")
async def withdraw(account_id: AccountId, caller: Caller, decide: Deciding, by: By = None) -> None:
    """Have no sentiment any more; what was said stays in the history."""
    await decide.feel(account_id, None, None, by=by or caller.name)


@routes.get(
    "/accounts/{account_id:path}/sentiment",
    scope=READ,
    answers=Page[SentimentView],
    summary="How an account was seen",
)
async def sentiments(
    account_id: AccountId, decide: Deciding, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[SentimentView]:
    """Every sentiment given, newest first; the first one holds."""
    given = await decide.sentiments(account_id)
    if cursor is not None:  # counted from the oldest, which stays where it is when others are added
        (left,) = decode_cursor("sentiments", cursor, tuple[int])
        given = given[max(0, len(given) - left) :]
    page = [SentimentView(each.sentiment and each.sentiment.value, each.note, each.by, each.at) for each in given]
    left = len(page) - limit
    return Page(data=page[:limit], next_cursor=encode_cursor("sentiments", (left,)) if left > 0 else None)


def _utc(stated: datetime) -> datetime:
    return stated.astimezone(UTC)
