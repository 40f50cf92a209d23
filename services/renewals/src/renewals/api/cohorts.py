"""Routes: retention by cohort and the months since it began."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel, Field

from mainstay.web.csv_cells import CSV, csv_rows, plain_cell, wants_csv
from mainstay.web.pages import MAX_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from mainstay.web.routes import Routes
from renewals.api.cursors import check
from renewals.api.forecast import TABLE
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.kpis import Returning
from renewals.api.reading import AsOf, Day, InCurrency, KnownAt
from renewals.api.schemas import Currency
from renewals.api.tables import cell
from renewals.application.cohorts import AskedCohorts, CohortScope, Size
from renewals.domain.cohorts import Cohort, CohortPoint


class PointView(BaseModel):
    """A cohort so many months after each customer's own first day."""

    months: int
    customers: int = Field(description="Those with ARR then")
    closing: Exact = Field(description="Their ARR")
    grr: Exact | None
    nrr: Exact | None
    logo_retention: Exact | None

    @classmethod
    def of(cls, cohort: Cohort, point: CohortPoint) -> "PointView":
        """A point as it is told."""
        return cls(
            months=point.months,
            customers=point.stayed,
            closing=point.closing,
            grr=cohort.grr(point),
            nrr=cohort.nrr(point),
            logo_retention=cohort.logo(point),
        )


class CohortView(BaseModel):
    """Customers whose first recurring contract began from `from` to `to`, and what became of them."""

    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to", description="The last day, inclusive")
    customers: int
    opening: Exact = Field(description="Their ARR on their own first days")
    points: list[PointView] = Field(description="As far as every one of them has come")

    @classmethod
    def of(cls, cohort: Cohort) -> "CohortView":
        """A cohort as it is told."""
        return cls(
            first=cohort.first,
            last=cohort.last,
            customers=cohort.customers,
            opening=cohort.opening,
            points=[PointView.of(cohort, point) for point in cohort.points],
        )


class CohortsAnswer(BaseModel):
    """Cohorts in order, with what reproduces them: pass `as_of` and `known_at` on to get the same answer again."""

    t0: date
    t1: date
    as_of: date
    known_at: datetime
    currency: Currency
    data: list[CohortView]
    next_cursor: str | None = None


def asking_cohorts(
    first: Annotated[
        Day | None,
        Query(alias="from", description="The first day on which customers began; default: two years before `to`"),
    ] = None,
    last: Annotated[Day | None, Query(alias="to", description="The day after the last one; default: `as_of`")] = None,
    size: Annotated[Size, Query(description="The period in which a cohort's customers began")] = Size.QUARTER,
    months: Annotated[int, Query(ge=1, le=120, description="How long each is followed")] = 24,
    step: Annotated[
        int | None, Query(ge=1, le=12, description="A point every so many months; default: those of `size`")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    currency: InCurrency = None,
    returning: Annotated[
        Returning, Query(description="Customers that came back after a gap beyond grace: gone, or never lost")
    ] = Returning.SEPARATE,
) -> AskedCohorts:
    """Which cohorts, how long each is followed, and as of when."""
    return AskedCohorts(
        t0=first,
        t1=last,
        size=size,
        months=months,
        step=step,
        as_of=as_of,
        known_at=known_at,
        currency=currency,
        returning=returning is Returning.STAYED,
    )


CohortQuestion = Annotated[AskedCohorts, Depends(asking_cohorts)]


def cohort_routes(handlers: Handlers) -> Routes:
    """Retention by cohort."""
    routes = Routes(tag="kpis")

    @routes.get("/kpis/retention/cohorts", scope="renewals:read", answers=CohortsAnswer, responses=TABLE)
    async def get_cohorts(
        response: Response,
        question: CohortQuestion,
        limit: Limit = MAX_LIMIT,
        cursor: Cursor = None,
        accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
    ) -> Any:
        """GRR, NRR and logo retention by cohort and months since, each customer from its own first day.

        At the rates of the cohort's first day.
        """
        response.headers["Vary"] = "Accept"
        after = None
        asked = question
        if cursor is not None:
            as_of, known_at, after = decode_cursor("cohorts", cursor, tuple[date, datetime, date])
            check(as_of, known_at, after)
            asked = replace(question, as_of=as_of, known_at=known_at)
        scope, found = await handlers.cohorts(asked)
        if wants_csv(accept):
            return _table(scope, found)
        rest = [cohort for cohort in found if after is None or cohort.first > after]
        more = len(rest) > limit
        return CohortsAnswer(
            t0=scope.t0,
            t1=scope.t1,
            as_of=scope.as_of,
            known_at=scope.known_at,
            currency=scope.currency,
            data=[CohortView.of(cohort) for cohort in rest[:limit]],
            next_cursor=encode_cursor("cohorts", [scope.as_of, scope.known_at, rest[limit - 1].first])
            if more
            else None,
        )

    return routes


def _table(scope: CohortScope, found: Sequence[Cohort]) -> Response:
    heads = (
        "cohort",
        "currency",
        "customers",
        "opening",
        "months",
        "stayed",
        "closing",
        "grr",
        "nrr",
        "logo_retention",
    )
    rows: list[Sequence[str]] = [heads]
    for cohort in found:
        fixed = (plain_cell(cohort.first), scope.currency, str(cohort.customers), cell(cohort.opening))
        for point in cohort.points:
            shares = (cohort.grr(point), cohort.nrr(point), cohort.logo(point))
            rows.append(
                (*fixed, str(point.months), str(point.stayed), cell(point.closing), *(cell(each) for each in shares))
            )
    return Response(
        csv_rows(rows),
        media_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="cohorts.csv"', "Vary": "Accept"},
    )
