"""Routes: how right forecasts were, as figures and as a picture."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel, Field

from mainstay.web.csv_cells import CSV, csv_rows, plain_cell, text_cell, wants_csv
from mainstay.web.pages import MAX_LIMIT, Cursor, Limit, encode_cursor
from mainstay.web.routes import Routes
from renewals.api.cursors import digest, place_in
from renewals.api.forecast import TABLE, By, cuts_of
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.reading import AsOf, Day, InCurrency, KnownAt
from renewals.api.schemas import Currency
from renewals.api.tables import cell, flat
from renewals.application.forecast_book import Accuracy, AccuracyRow, Cut, Whose, no_accuracy
from renewals.application.forecasting import Accuracies, Asked
from renewals.domain.retention import Every


@dataclass(frozen=True, slots=True)
class AccuracyView:
    """What calls said against what happened, over `n` decided renewals that had one by then; `missing` had none.

    `forecast` is the most likely sum of the calls (that of commit and most likely); error = forecast − actual,
    `error_share` = error ÷ actual, `absolute_error` = Σ of each renewal's error without its sign. `expected` is
    Σ probability x amount. `brier` is the mean of (probability − outcome)², 0 best, 0.25 for even odds always.
    """

    n: int
    missing: int
    actual: Exact
    commit: Exact
    forecast: Exact
    best_case: Exact
    error: Exact
    error_share: Exact | None
    absolute_error: Exact
    expected: Exact
    expected_error: Exact
    brier: Exact | None

    @classmethod
    def of(cls, found: Accuracy) -> "AccuracyView":
        """The figures as they are told."""
        return cls(
            n=found.n,
            missing=found.missing,
            actual=found.actual,
            commit=found.commit,
            forecast=found.forecast,
            best_case=found.best_case,
            error=found.error,
            error_share=found.error_share,
            absolute_error=found.absolute_error,
            expected=found.expected,
            expected_error=found.expected - found.actual,
            brier=found.brier,
        )


class AccuracyFigures(BaseModel):
    """One period and group, kind of call, and lead."""

    t0: date
    t1: date
    group: dict[str, str | None] = Field(description="By `by`; null: none was stated")
    call: Whose
    days_before: int = Field(description="What is held against the outcome was said so many days before the last day")
    figures: AccuracyView

    @classmethod
    def of(cls, row: AccuracyRow, cuts: tuple[Cut, ...]) -> "AccuracyFigures":
        """A row as it is told."""
        return cls(
            t0=row.t0,
            t1=row.t1,
            group=dict(zip(cuts, row.group, strict=True)),
            call=row.whose,
            days_before=row.days_before,
            figures=AccuracyView.of(row.accuracy),
        )


class AccuracyAnswer(BaseModel):
    """How right forecasts were, with what reproduces it: pass `as_of` and `known_at` on to get the same answer."""

    t0: date
    t1: date
    as_of: date
    known_at: datetime
    currency: Currency
    data: list[AccuracyFigures]
    next_cursor: str | None = None


def asking_accuracy(
    first: Annotated[
        Day | None, Query(alias="from", description="The first last day; default: a year before `to`")
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="The day after the last last day; default: `as_of`")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    period: Annotated[Every, Query(description="A row for each, on the calendar")] = Every.QUARTER,
    currency: InCurrency = None,
) -> Asked:
    """Which renewals are held against what was said of them."""
    return Asked(t0=first, t1=last, every=period, as_of=as_of, known_at=known_at, currency=currency)


AccuracyQuestion = Annotated[Asked, Depends(asking_accuracy)]


def accuracy_routes(handlers: Handlers) -> Routes:
    """How right forecasts were."""
    routes = Routes(tag="forecast")
    forecasts = handlers.forecasts

    @routes.get("/kpis/forecast-accuracy", scope="renewals:read", answers=AccuracyAnswer, responses=TABLE)
    async def get_forecast_accuracy(
        response: Response,
        question: AccuracyQuestion,
        by: By = None,
        limit: Limit = MAX_LIMIT,
        cursor: Cursor = None,
        accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
    ) -> Any:
        """What was said 30, 60 and 90 days before against what happened, by period, kind of call and lead.

        Renewals that are decided count, in the period of their last day, at the rates of the period's first day.
        """
        response.headers["Vary"] = "Accept"
        cuts = cuts_of(by)
        asked = replace(question, cuts=cuts)
        where, start = place_in("accuracy", cursor, asked)
        found = await forecasts.accuracy(where)
        if wants_csv(accept):
            return _table(found, cuts)
        scope, more = found.scope, len(found.rows) > start + limit
        values = [digest(asked), scope.t0, scope.t1, scope.as_of, scope.known_at, start + limit]
        return AccuracyAnswer(
            t0=scope.t0,
            t1=scope.t1,
            as_of=scope.as_of,
            known_at=scope.known_at,
            currency=scope.currency or "",
            data=[AccuracyFigures.of(row, cuts) for row in found.rows[start : start + limit]],
            next_cursor=encode_cursor("accuracy", values) if more else None,
        )

    return routes


def _table(found: Accuracies, cuts: Sequence[Cut]) -> Response:
    heads = flat(asdict(AccuracyView.of(no_accuracy(Decimal(0)))))
    rows: list[Sequence[str]] = [("t0", "t1", "currency", *cuts, "call", "days_before", *heads)]
    for row in found.rows:
        fixed = (plain_cell(row.t0), plain_cell(row.t1), found.scope.currency or "")
        group = (text_cell(value) for value in row.group)
        figures = (cell(each) for each in flat(asdict(AccuracyView.of(row.accuracy))).values())
        rows.append((*fixed, *group, row.whose.value, str(row.days_before), *figures))
    return Response(
        csv_rows(rows),
        media_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="forecast-accuracy.csv"', "Vary": "Accept"},
    )
