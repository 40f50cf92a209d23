"""Routes: retention, cohorts and forecasts against what happened, as pictures."""

from functools import partial
from typing import Annotated, Literal

from fastapi import Query, Response

from mainstay.web.routes import Routes
from mainstay.web.svg import HEADERS, SVG, Theme
from renewals.api import accuracy_chart, heat_map, waterfall
from renewals.api.accuracy import AccuracyQuestion
from renewals.api.cohorts import CohortQuestion
from renewals.api.handlers import Handlers
from renewals.api.heat_map import Measure
from renewals.api.kpis import Question
from renewals.application.forecast_book import Whose

Themed = Annotated[Theme, Query(description="`auto` follows the reader's own setting")]
Lead = Annotated[Literal["30", "60", "90"], Query(description="So many days before each renewal's last day")]


def picture_routes(handlers: Handlers) -> Routes:
    """Figures as pictures."""
    routes = Routes(tag="pictures")
    route = partial(
        routes.get,
        scope="renewals:read",
        has_tag=True,
        response_class=Response,
        responses={200: {"description": "A picture", "content": {SVG: {"schema": {"type": "string"}}}}},
    )

    @route("/kpis/retention.svg", summary="Retention as a picture")
    async def draw_retention(question: Question, theme: Themed = "auto") -> Response:
        """From opening to closing ARR, movement by movement; the data are those of /v1/kpis/retention."""
        return _picture(waterfall.draw(await handlers.retention(question), theme))

    @route("/kpis/retention/cohorts.svg", summary="Cohorts as a picture")
    async def draw_cohorts(
        question: CohortQuestion,
        measure: Annotated[Measure, Query(description="What cells show")] = Measure.NRR,
        theme: Themed = "auto",
    ) -> Response:
        """What is left of each cohort by months since; the data are those of /v1/kpis/retention/cohorts."""
        scope, cohorts = await handlers.cohorts(question)
        return _picture(heat_map.draw(scope, cohorts, measure, theme))

    @route("/kpis/forecast-accuracy.svg", summary="Forecast against actual as a picture")
    async def draw_accuracy(
        question: AccuracyQuestion,
        call: Annotated[Whose, Query(description="Whose calls")] = Whose.PREVAILING,
        days_before: Lead = "90",
        theme: Themed = "auto",
    ) -> Response:
        """What was said beside what happened, by period; the data are those of /v1/kpis/forecast-accuracy."""
        found = await handlers.forecasts.accuracy(question)
        rows = [row for row in found.rows if row.whose is call and row.days_before == int(days_before)]
        return _picture(accuracy_chart.draw(found.scope, rows, call, int(days_before), theme))

    return routes


def _picture(svg: str) -> Response:
    return Response(svg, media_type=SVG, headers=HEADERS)
