"""Routes: retention, churn and growth, and the rows behind each figure."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import Depends, Header, Query, Response

from mainstay.web.csv_cells import CSV, csv_rows, plain_cell, text_cell, wants_csv
from mainstay.web.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from mainstay.web.problems import BAD_CURSOR, ProblemError
from mainstay.web.routes import Routes
from renewals.api.cursors import check, digest
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import (
    ChurnView,
    FiguresAnswer,
    FiguresRow,
    GrowthView,
    LineageAnswer,
    ReasonView,
    RetentionView,
    churn_view,
    growth_view,
    reason_view,
    retention_view,
)
from renewals.api.reading import AsOf, Day, InCurrency, KnownAt
from renewals.api.tables import cell, columns, flat
from renewals.application.figures import Asked, Axis, Figures, Group
from renewals.domain.retention import Every, Movement

V = TypeVar("V")


class PeriodRow(Protocol):
    """Figures of one period and group."""

    @property
    def t0(self) -> date:
        """The first day."""

    @property
    def t1(self) -> date:
        """The last day."""

    @property
    def group(self) -> Group:
        """A value for each axis."""


R = TypeVar("R", bound=PeriodRow)

_NAMES = "|".join(Axis)

CSV_TOO: dict[int | str, dict[str, Any]] = {
    200: {"content": {CSV: {"schema": {"type": "string", "description": "All rows, a column each; RFC 4180"}}}}
}
"""What OpenAPI says of a route that answers figures."""


class Returning(StrEnum):
    """How customers of the cohort count that came back after a gap beyond grace."""

    SEPARATE = "separate"
    STAYED = "stayed"


def _asking(
    first: Annotated[
        Day | None, Query(alias="from", description="t0: what runs on this day; default: a year before `to`")
    ] = None,
    last: Annotated[Day | None, Query(alias="to", description="t1: what runs on this day; default: `as_of`")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    currency: InCurrency = None,
    returning: Annotated[
        Returning, Query(description="Customers that came back after a gap beyond grace: lost and won, or never lost")
    ] = Returning.SEPARATE,
) -> Asked:
    stayed = returning is Returning.STAYED
    return Asked(t0=first, t1=last, as_of=as_of, known_at=known_at, currency=currency, returning=stayed)


Question = Annotated[Asked, Depends(_asking)]


def _axes(by: str | None) -> tuple[Axis, ...]:
    return tuple(dict.fromkeys(Axis(name) for name in by.split(",") if by)) if by else ()


class _Answering:
    """One request for figures by period and group."""

    def __init__(
        self,
        response: Response,
        asked: Question,
        period: Annotated[
            Every, Query(description="A row for each, on the calendar; `none` is all at once")
        ] = Every.NONE,
        by: Annotated[
            str | None,
            Query(
                pattern=f"^({_NAMES})(,({_NAMES}))*$",
                max_length=100,
                description="Groups, with commas between: the cohort's at t0, others' at t1, expiries' on their day",
            ),
        ] = None,
        limit: Limit = MAX_LIMIT,
        cursor: Cursor = None,
        accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
    ) -> None:
        self._asked = replace(asked, every=period, axes=_axes(by))
        self._limit, self._cursor = limit, cursor
        self._as_csv = wants_csv(accept)
        response.headers["Vary"] = "Accept"

    async def of(
        self, kpi: str, answer: Callable[[Asked], Awaitable[Figures[R]]], view: Callable[[R], V], shape: type[V]
    ) -> FiguresAnswer[V] | Response:
        """The answer as it is wanted: a page of it, or all of it as CSV. `shape` is what `view` gives."""
        start = 0
        asked = self._asked
        if self._cursor is not None:
            asked, start = _place(kpi, self._cursor, asked)
        found = await answer(asked)
        if self._as_csv:
            return _table(kpi, asked.axes, found, view, shape)
        page = found.rows[start : start + self._limit]
        more = len(found.rows) > start + self._limit
        return FiguresAnswer[V](
            kpi=kpi,
            t0=found.t0,
            t1=found.t1,
            known_at=found.known_at,
            currency=found.currency,
            data=[
                FiguresRow[V](
                    t0=row.t0,
                    t1=row.t1,
                    group=dict(zip(asked.axes, row.group, strict=True)),
                    figures=view(row),
                )
                for row in page
            ],
            next_cursor=_cursor(kpi, self._asked, found, start + self._limit) if more else None,
        )


Answering = Annotated[_Answering, Depends()]


def _cursor(kpi: str, asked: Asked, found: Figures[Any], place: int) -> str:
    # What was known then, and up to which day: the next page is one of the same answer.
    return encode_cursor(f"kpi {kpi}", [digest(asked), found.t0, found.t1, found.known_at, place])


def _place(kpi: str, cursor: str, asked: Asked) -> tuple[Asked, int]:
    of, t0, t1, known_at, place = decode_cursor(f"kpi {kpi}", cursor, tuple[str, date, date, datetime, int])
    check(t0, t1, known_at)
    if of != digest(asked) or place < 0:
        raise ProblemError(BAD_CURSOR, "the cursor is one of an answer to another question")
    return replace(asked, t0=t0, t1=t1, known_at=known_at), place


def _table(kpi: str, axes: Sequence[Axis], found: Figures[R], view: Callable[[R], Any], shape: type[Any]) -> Response:
    rows: list[Sequence[str]] = [("t0", "t1", "currency", *axes, *columns(shape))]
    for row in found.rows:
        figures = flat(asdict(view(row)))
        fixed = (plain_cell(row.t0), plain_cell(row.t1), found.currency)
        rows.append((*fixed, *(text_cell(value) for value in row.group), *(cell(each) for each in figures.values())))
    return Response(
        csv_rows(rows),
        media_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{kpi}.csv"', "Vary": "Accept"},
    )


def kpi_routes(handlers: Handlers) -> Routes:
    """Figures of retention, and what they are made of."""
    routes = Routes(tag="kpis")
    route = partial(routes.get, scope="renewals:read", responses=CSV_TOO)
    retention = handlers.retention

    @route("/kpis/retention", answers=FiguresAnswer[RetentionView], summary="Retention and renewal rates")
    async def get_retention(answering: Answering) -> Any:
        """GRR, NRR, logo retention, renewal rates, and the movements from opening to closing ARR that they rest on."""
        return await answering.of("retention", retention, retention_view, RetentionView)

    @route("/kpis/churn", answers=FiguresAnswer[ChurnView], summary="Churn")
    async def get_churn(answering: Answering) -> Any:
        """Customers and ARR lost: logo churn = 1 − logo retention, revenue churn = 1 − GRR."""
        return await answering.of("churn", retention, churn_view, ChurnView)

    @route("/kpis/churn/reasons", answers=FiguresAnswer[ReasonView], summary="Why customers were lost")
    async def get_churn_reasons(answering: Answering) -> Any:
        """Customers and ARR lost by reason, expected, avoidable, good customer, and whether they met the criteria.

        As their reviews say by `known_at`. Of each `why` the rows add up to what churned.
        """
        return await answering.of("churn-reasons", retention.reasons, reason_view, ReasonView)

    @route("/kpis/growth", answers=FiguresAnswer[GrowthView], summary="Growth")
    async def get_growth(answering: Answering) -> Any:
        """Growth in customers and in ARR: (at t1 − at t0) ÷ at t0."""
        return await answering.of("growth", retention, growth_view, GrowthView)

    @routes.get("/kpis/retention/customers", scope="renewals:read", answers=LineageAnswer, summary="Behind the figures")
    async def get_lineage(
        asked: Question,
        movement: Annotated[Movement | None, Query(description="Only those")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> LineageAnswer:
        """The customers behind the movements of the whole span, and the rows of the ledger behind each."""
        after, of = None, digest(asked) + (movement or "")
        if cursor is not None:
            was, t0, t1, known_at, after = decode_cursor("lineage", cursor, tuple[str, date, date, datetime, str])
            if was != of or known_at.tzinfo is None:
                raise ProblemError(BAD_CURSOR, "the cursor is one of an answer to another question")
            asked = replace(asked, t0=t0, t1=t1, known_at=known_at)
        span, rows = await retention.customers(asked, movement=movement, after=after, limit=limit + 1)
        page, place = list(rows[:limit]), None
        if len(rows) > limit:
            place = encode_cursor("lineage", [of, span.t0, span.t1, span.known_at, page[-1].account_id])
        return LineageAnswer.of(span, page, place)

    return routes
