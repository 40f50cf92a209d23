"""Routes: an account's metrics, and the metrics themselves: the product's and the operator's own."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from health_score.api.asking import READ, WRITE, AccountId
from health_score.api.metric_schemas import MetricBody
from health_score.application.customs import DefineMetrics, MetricBuiltIn, MetricInUse, MetricUnknown
from health_score.application.metric_queries import MetricQueries
from health_score.application.metric_views import DefinedView, MetricsView
from health_score.domain.metrics.custom import MetricInvalid
from mainstay.web.fields import CivilDay
from mainstay.web.pages import Page
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes

routes = Routes(tag="metrics")

PROBLEMS: Mapping[type[Exception], Problem] = {
    MetricUnknown: Problem(404, "metric-unknown", "There is no such metric"),
    MetricBuiltIn: Problem(409, "metric-built-in", "The metric comes with the product"),
    MetricInUse: Problem(409, "metric-in-use", "Another metric or a scorecard needs this one"),
}

INVALID = Problem(422, "metric-invalid", "The metric makes no sense")


def _asking(request: Request) -> MetricQueries:
    found: MetricQueries = request.app.state.handlers.metric_queries
    return found


def _defining(request: Request) -> DefineMetrics:
    found: DefineMetrics = request.app.state.handlers.metrics
    return found


Asked = Annotated[MetricQueries, Depends(_asking)]
Name = Annotated[
    str, Path(min_length=1, max_length=100, description="The metric's name; a custom one's begins with `custom.`")
]
CustomName = Annotated[
    str,
    Path(
        pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?$",
        max_length=100,
        description="`custom.` and a word of lower-case letters, digits and _",
    ),
]


@routes.get(
    "/accounts/{account_id:path}/metrics",
    scope=READ,
    answers=MetricsView,
    has_tag=True,
    summary="An account's metrics, among its peers",
)
async def of_account(
    account_id: AccountId,
    asked: Asked,
    as_of: Annotated[CivilDay | None, Query(description="The day; today in the account's zone by default")] = None,
) -> MetricsView:
    """Metrics as of a day, exact, from the events of the days before it. Null: undefined on that day.

    Windows count the day itself; trends and deviations compare complete days. Without `as_of` each metric has the
    account's place among the accounts of its industry, else of its segment.
    """
    return await asked.of_account(account_id, as_of)


@routes.get("/metrics", scope=READ, answers=Page[DefinedView], summary="Every metric")
async def every(asked: Asked) -> Page[DefinedView]:
    """Every metric that a scorecard can name, by name, with its unit and its definition in words. One page has all."""
    return Page(data=list(await asked.all()), next_cursor=None)


@routes.get("/metrics/{name}", scope=READ, answers=DefinedView, summary="One metric")
async def one(name: Name, asked: Asked) -> DefinedView:
    """One metric; of a custom one the document too, and how much of the past it is computed over."""
    return await asked.one(name)


@routes.put("/metrics/{name}", scope=WRITE, answers=DefinedView, summary="Define a custom metric")
async def define(
    name: CustomName,
    body: MetricBody,
    asked: Asked,
    caller: Caller,
    metrics: Annotated[DefineMetrics, Depends(_defining)],
) -> DefinedView:
    """Save the next version of a custom metric. The same document again is no new version.

    It is computed over all events that were ever received, account by account, and kept up from then on. `computed`
    says how far that is; until it is `ready`, the version before holds, or the metric is not there.
    """
    try:
        await metrics.save(name, body.model_dump(mode="json", by_alias=True, exclude_none=True), by=caller.id)
    except MetricInvalid as error:
        told = [{"pointer": error.pointer, "detail": str(error)}]
        raise ProblemError(INVALID, f"{error.pointer}: {error}", errors=told) from error
    return await asked.one(name)


@routes.delete("/metrics/{name}", scope=WRITE, summary="Retire a custom metric")
async def retire(name: Name, caller: Caller, metrics: Annotated[DefineMetrics, Depends(_defining)]) -> None:
    """End a custom metric: it is not counted any more. Its versions are kept; put again, it is computed anew."""
    await metrics.retire(name, by=caller.id)
