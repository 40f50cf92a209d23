"""Routes: key figures of customer success, by period and by who had the account when it happened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Header, Query, Request, Response
from pydantic import BaseModel, Field

from health_score.api.asking import READ
from health_score.api.kpi_query import Asking, cursor_after, place_in
from health_score.application import kpi_views, kpis
from health_score.application.kpis import Counted, Kpi, Kpis, Row
from health_score.domain.kpis.adoption import Adoption
from health_score.domain.kpis.attribution import Axis
from health_score.domain.kpis.ledger import TooManyGroups
from health_score.domain.kpis.periods import Period
from mainstay.web.csv_rows import CSV, csv_rows, plain_cell, text_cell, wants_csv
from mainstay.web.pages import MAX_LIMIT, Cursor, Limit
from mainstay.web.problems import Problem
from mainstay.web.routes import Routes

routes = Routes(tag="kpis")

PROBLEMS: Mapping[type[Exception], Problem] = {
    TooManyGroups: Problem(422, "too-many-groups", "The answer would have too many rows"),
}

C = TypeVar("C")
V = TypeVar("V")


class KpiRow(BaseModel, Generic[V]):
    """What was counted in one period and group."""

    first_day: date
    last_day: date
    group: dict[str, str | None] = Field(description="By axis, as it was when the facts happened; null: none stated")
    figures: V


class KpiAnswer(BaseModel, Generic[V]):
    """A key figure by period, then by group; what is not stated stands last."""

    kpi: str
    first_day: date
    last_day: date
    data: list[KpiRow[V]]
    next_cursor: str | None = None


Views = Callable[[Sequence[Row[C]]], Sequence[V]]
"""What rows look like."""


def _kpis(request: Request) -> Kpis:
    found: Kpis = request.app.state.handlers.kpis
    return found


def _each(view: Callable[[Row[C]], V]) -> Views[C, V]:
    return lambda rows: [view(row) for row in rows]


class _Answering:
    """One request for a key figure."""

    def __init__(
        self,
        handler: Annotated[Kpis, Depends(_kpis)],
        response: Response,
        asking: Annotated[Asking, Depends()],
        limit: Limit = MAX_LIMIT,
        cursor: Cursor = None,
        accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
    ) -> None:
        self._count = handler
        self._asking = asking
        self._limit, self._cursor = limit, cursor
        self._as_csv = wants_csv(accept)
        response.headers["Vary"] = "Accept"

    async def of(self, kpi: Kpi[C], views: Views[C, V]) -> KpiAnswer[V] | Response:
        """The answer as it is wanted: a page of it, or all of it as CSV."""
        asking = self._asking
        after = None if self._cursor is None else place_in(kpi.name, self._cursor, asking)
        counted = await self._count(kpi, asking.query())
        shown = views(counted.rows)
        if self._as_csv:
            nothing = Row(Period(counted.first, counted.last), (None,) * len(asking.axes), kpi.new(), 0)
            return _table(kpi.name, asking.axes, counted, shown, views([nothing])[0])
        start = 0 if after is None else _behind(counted, after)
        end = start + self._limit
        return KpiAnswer[V](
            kpi=kpi.name,
            first_day=counted.first,
            last_day=counted.last,
            data=[
                KpiRow[V](
                    first_day=row.period.first,
                    last_day=row.period.last,
                    group=dict(zip(asking.axes, row.group, strict=True)),
                    figures=view,
                )
                for row, view in zip(counted.rows[start:end], shown[start:end], strict=True)
            ],
            next_cursor=cursor_after(kpi.name, asking, counted.rows[end - 1]) if len(counted.rows) > end else None,
        )


Answering = Annotated[_Answering, Depends()]


def _behind(counted: Counted[Any], place: tuple[date, tuple[str | None, ...]]) -> int:
    """The number of rows up to and including a place."""

    def rank(period: date, group: tuple[str | None, ...]) -> tuple[date, list[tuple[bool, str]]]:
        return period, [(value is None, value or "") for value in group]

    return sum(rank(row.period.first, row.group) <= rank(*place) for row in counted.rows)


def _table(name: str, axes: Sequence[Axis], counted: Counted[Any], shown: Sequence[Any], nothing: Any) -> Response:
    columns = _flat(asdict(shown[0] if shown else nothing))
    rows: list[Sequence[str]] = [("first_day", "last_day", *axes, *columns)]
    for row, view in zip(counted.rows, shown, strict=True):
        figures = _flat(asdict(view))
        days = (plain_cell(row.period.first), plain_cell(row.period.last))
        rows.append((*days, *(text_cell(value) for value in row.group), *(plain_cell(f) for f in figures.values())))
    return Response(
        csv_rows(rows),
        media_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Vary": "Accept"},
    )


def _flat(view: Mapping[str, Any]) -> dict[str, float | None]:
    """The figures of a row by their paths: `tickets.opened`, `features.<name>.users`."""
    found: dict[str, float | None] = {}
    for name, value in view.items():
        if name == "features":
            each = {feature["feature"]: {k: v for k, v in feature.items() if k != "feature"} for feature in value}
            found |= {f"{name}.{path}": figure for path, figure in _flat(each).items()}
        elif isinstance(value, dict):
            found |= {f"{name}.{path}": figure for path, figure in _flat(value).items()}
        else:
            found[name] = value
    return found


_route = partial(
    routes.get,
    scope=READ,
    has_tag=True,
    responses={
        200: {"content": {CSV: {"schema": {"type": "string", "description": "All rows, a column each; RFC 4180"}}}}
    },
)


@_route("/kpis/nps", answers=KpiAnswer[kpi_views.NpsView], summary="Net promoter score")
async def nps(answering: Answering) -> Any:
    """% of promoters (9–10) − % of detractors (0–6), of the last answer of each contact in the period."""
    return await answering.of(kpis.NPS, _each(kpi_views.nps_view))


@_route("/kpis/csat", answers=KpiAnswer[kpi_views.CsatView], summary="Satisfaction")
async def csat(answering: Answering) -> Any:
    """Mean, and share of 4–5 of 5: what was given for tickets, and what was answered to surveys."""
    return await answering.of(kpis.CSAT, _each(kpi_views.csat_view))


@_route("/kpis/support", answers=KpiAnswer[kpi_views.SupportView], summary="Support")
async def support(answering: Answering) -> Any:
    """Tickets opened, resolved, opened again and still open, by priority; how fast, and within what is promised."""
    return await answering.of(kpis.SUPPORT, _each(kpi_views.support_view))


@_route("/kpis/training", answers=KpiAnswer[kpi_views.TrainingView], summary="Training")
async def training(answering: Answering) -> Any:
    """Records begun, completed, dropped and certified, exams, and people trained ÷ active users."""
    return await answering.of(kpis.TRAINING, _each(kpi_views.training_view))


@_route("/kpis/adoption", answers=KpiAnswer[kpi_views.AdoptionView], summary="Adoption")
async def adoption(
    answering: Answering,
    feature: Annotated[
        tuple[Annotated[str, Query(max_length=200)], ...],
        Query(max_length=kpi_views.MOST_FEATURES, description="These features; the 20 with most users"),
    ] = (),
) -> Any:
    """Features per account, adoption of features, seats in use, accounts activated and their time to first value."""

    def views(rows: Sequence[Row[Adoption]]) -> Sequence[kpi_views.AdoptionView]:
        features = tuple(dict.fromkeys(feature)) or kpi_views.commonest_features(rows)
        return [kpi_views.adoption_view(row, features) for row in rows]

    return await answering.of(kpis.ADOPTION, views)


@_route("/kpis/active-users", answers=KpiAnswer[kpi_views.ActiveUsersView], summary="Active users")
async def active_users(answering: Answering) -> Any:
    """Distinct users in 1, 7 and 28 days at the period's end, stickiness, and mean daily users of the period."""
    return await answering.of(kpis.ACTIVE_USERS, _each(kpi_views.active_users_view))


@_route("/kpis/outcomes", answers=KpiAnswer[kpi_views.OutcomesView], summary="Outcomes")
async def outcomes(answering: Answering) -> Any:
    """Goals that customers reached, acts of advocacy, and feedback answered and told."""
    return await answering.of(kpis.OUTCOMES, _each(kpi_views.outcomes_view))
