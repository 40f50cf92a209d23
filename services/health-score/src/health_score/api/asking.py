"""What the routes share: who answers, the name of an account in a path, and what may go wrong."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Path, Request

from health_score.application.listing import CurrencyMissing
from health_score.application.load import PeriodReversed, PeriodTooLong
from health_score.application.portfolio import DayNotClosed
from health_score.application.queries import AsOfInFuture, Queries
from health_score.domain.account import AccountUnknown
from mainstay.web.problems import Problem

AccountId = Annotated[str, Path(min_length=1, max_length=200, description="The customer's own id of the account")]

READ = "health:read"
WRITE = "health:write"

PROBLEMS: Mapping[type[Exception], Problem] = {
    AccountUnknown: Problem(404, "account-unknown", "There is no such account"),
    CurrencyMissing: Problem(422, "currency-missing", "Amounts are compared in one currency"),
    DayNotClosed: Problem(422, "day-not-closed", "The day has not closed yet"),
    PeriodReversed: Problem(422, "days-reversed", "The period ends before it begins"),
    PeriodTooLong: Problem(422, "period-too-long", "The period is too long"),
    AsOfInFuture: Problem(422, "as-of-in-future", "The day has not begun yet"),
}


def queries(request: Request) -> Queries:
    """The service's queries."""
    found: Queries = request.app.state.handlers.queries
    return found


Asked = Annotated[Queries, Depends(queries)]
