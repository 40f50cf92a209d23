"""Route: what changed in an account's health, and why."""

import re
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from pydantic import AwareDatetime, BeforeValidator

from health_score.api.asking import READ, AccountId
from health_score.application.explain_views import ExplanationView
from health_score.application.explaining import ExplainHealth
from health_score.application.states import SinceTooLate
from mainstay.web.fields import CivilDay
from mainstay.web.language import ReaderLanguage
from mainstay.web.problems import Problem
from mainstay.web.routes import Routes

routes = Routes(tag="health")

PROBLEMS: dict[type[Exception], Problem] = {
    SinceTooLate: Problem(422, "since-too-late", "There is no earlier close to compare with"),
}

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII | re.DOTALL)


def _instant(stated: Any) -> Any:
    if isinstance(stated, datetime) or (isinstance(stated, str) and _INSTANT.fullmatch(stated)):
        return stated
    raise ValueError("an instant is written as in RFC 3339, such as 2026-03-31T09:00:00Z")


Since = CivilDay | Annotated[AwareDatetime, BeforeValidator(_instant)]


def _explain(request: Request) -> ExplainHealth:
    found: ExplainHealth = request.app.state.handlers.explain
    return found


@routes.get(
    "/accounts/{account_id:path}/health/explain",
    scope=READ,
    answers=ExplanationView,
    has_tag=True,
    summary="What changed in an account's health, and why",
)
async def explain(
    account_id: AccountId,
    explained: Annotated[ExplainHealth, Depends(_explain)],
    language: ReaderLanguage,
    since: Annotated[
        Since | None,
        Query(
            description="What was before: the close of a day, or the last close before an instant; default: the close"
            " 7 days before the end"
        ),
    ] = None,
    as_of: Annotated[CivilDay | None, Query(description="The end: the close of this day; default: now")] = None,
) -> ExplanationView:
    """The score and band before and after, and every measure's part in the difference, which add up to it exactly.

    Both states are computed from what is known now, by the scorecards, decisions and attributes that were in force
    then. Each measure that moved names the facts, days of use or decisions behind it, or says that time alone did it.
    """
    return await explained(account_id, since, as_of, language)
