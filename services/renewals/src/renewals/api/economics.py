"""Routes: costs and margins as the operator states them, and what a customer is worth by them."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from mainstay.kernel.money import Money
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Caller, Routes
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact, FiguresAnswer
from renewals.api.kpis import CSV_TOO, Answering
from renewals.api.reading import Day, Holding
from renewals.api.schemas import MoneyBody, MoneyView, Request, money_view
from renewals.application.economics import EconomicsRow, StatedEconomics
from renewals.domain.economics import Never
from renewals.domain.retention import ratio
from renewals.domain.terms import rounded

MOST_SEGMENTS = 200

_SHARE = r"0(\.\d{1,6})?|1(\.0{1,6})?"


def _plain(stated: Any) -> Any:
    if isinstance(stated, bool) or not re.fullmatch(_SHARE, str(stated), re.ASCII):
        raise ValueError("a share is a number from 0 to 1 with at most six decimals, such as 0.8")
    return Decimal(str(stated))


Share = Annotated[
    Decimal,
    BeforeValidator(_plain),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^({_SHARE})$"}, {"type": "number"}]}),
]
Segment = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class InputBody(Request):
    """What a customer of a segment costs and brings; what is null is not known."""

    segment: Segment | None = Field(default=None, description="null: everybody whose own says nothing by that day")
    acquisition_cost: MoneyBody | None = Field(
        default=None, description="Of one customer: marketing, sales, onboarding"
    )
    gross_margin: Share | None = Field(default=None, description="Share of ARR that serving it does not cost, 0 to 1")


class EconomicsBody(Request):
    """What holds from a day on, until the next day for which the segment is stated."""

    date: Day
    inputs: list[InputBody] = Field(min_length=1, max_length=MOST_SEGMENTS)


class EconomicsKept(BaseModel):
    """How many segments were kept."""

    date: date
    inputs: int


class EconomicsView(BaseModel):
    """What was stated for a segment from a day on."""

    date: date
    segment: str | None
    acquisition_cost: MoneyView | None
    gross_margin: Exact | None
    recorded_at: datetime
    recorded_by: str

    @classmethod
    def of(cls, stated: StatedEconomics) -> "EconomicsView":
        """A statement as it is told."""
        cost = stated.acquisition_cost
        return cls(
            date=stated.valid_from,
            segment=stated.segment,
            acquisition_cost=money_view(cost.amount, cost.currency) if cost else None,
            gross_margin=stated.gross_margin,
            recorded_at=stated.recorded_at,
            recorded_by=stated.recorded_by,
        )


@dataclass(frozen=True, slots=True)
class ClvView:
    """CLV = ARPA x gross margin ÷ churn, all of the same period; null without churn, customers or a margin.

    `arpa` is what a customer of t0 pays in the period, `churn` the share of them that was lost in it.
    """

    customers: int
    churned_customers: int
    arpa: Exact | None
    gross_margin: Exact | None
    churn: Exact | None
    clv: Exact | None
    missing: str | None


@dataclass(frozen=True, slots=True)
class BreakEvenView:
    """Years after which a customer has paid for its acquisition: ln(1 − K·c) ÷ ln(1 − c), or "never".

    K is `acquisition_cost` ÷ `yearly_margin`, c is `yearly_churn`. null without costs, margin or customers.
    """

    customers: int
    acquisition_cost: Exact | None
    gross_margin: Exact | None
    yearly_margin: Exact | None
    cost_in_margins: Exact | None
    yearly_churn: Exact | None
    break_even_years: Exact | Never | None
    missing: str | None


def clv_view(row: EconomicsRow) -> ClvView:
    """Lifetime value in a period and group."""
    cohort = row.cohort
    return ClvView(
        cohort.customers,
        cohort.churned,
        _money(cohort.arpa, row.currency),
        _share(cohort.gross_margin),
        _share(cohort.churn),
        _money(cohort.clv, row.currency),
        _missing(row),
    )


def break_even_view(row: EconomicsRow) -> BreakEvenView:
    """Break-even in a period and group."""
    cohort = row.cohort
    return BreakEvenView(
        cohort.customers,
        _money(cohort.acquisition_cost, row.currency),
        _share(cohort.gross_margin),
        _money(cohort.yearly_margin, row.currency),
        _share(cohort.cost_in_margins),
        _share(cohort.yearly_churn),
        cohort.break_even,
        _missing(row),
    )


def _money(amount: Fraction | None, currency: str) -> Decimal | None:
    return None if amount is None else rounded(amount, currency).amount


def _share(exact: Fraction | None) -> Decimal | None:
    return None if exact is None else ratio(exact.numerator, exact.denominator)


def _missing(row: EconomicsRow) -> str | None:
    """Why a figure is null, in words."""
    if not row.missing:
        return None
    names = ", ".join(name or "accounts without a segment" for name in row.missing)
    return f"not all of costs and margin are stated on {row.t0} for: {names}"


def economics_routes(handlers: Handlers) -> Routes:
    """State and read costs and margins; what a customer is worth."""
    routes = Routes(tag="economics")

    @routes.put("/economics", scope="renewals:write", answers=EconomicsKept)
    async def put_economics(body: EconomicsBody, caller: Caller) -> EconomicsKept:
        """State costs and margins from a day on. Stating a day again corrects it; figures of before stay reproducible.

        A segment's statement stands as a whole: what it leaves out is not known from that day on.
        """
        inputs = [
            (
                each.segment,
                Money(each.acquisition_cost.amount, each.acquisition_cost.currency) if each.acquisition_cost else None,
                each.gross_margin,
            )
            for each in body.inputs
        ]
        kept = await handlers.state_economics(body.date, inputs, by=caller.id)
        return EconomicsKept(date=body.date, inputs=kept)

    @routes.get("/economics", scope="renewals:read", answers=Page[EconomicsView])
    async def list_economics(
        moment: Holding, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[EconomicsView]:
        """Costs and margins as they are known, by day and segment; with `as_of`, of each segment what held then."""
        when, after = page_at("economics", cursor, moment, tuple[date, str | None])
        known_at = when.known_at or handlers.clock.now()
        async with handlers.work() as work:
            found = await work.economics.known(known_at, as_of=when.as_of, after=after, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:
            place = next_page("economics", when, known_at, (page[-1].valid_from, page[-1].segment))
        return Page(data=[EconomicsView.of(each) for each in page], next_cursor=place)

    route = partial(routes.get, scope="renewals:read", responses=CSV_TOO)

    @route("/kpis/clv", answers=FiguresAnswer[ClvView], summary="Customer lifetime value")
    async def get_clv(answering: Answering) -> Any:
        """ARPA x gross margin ÷ churn rate of the same period; with `period`, as a trend."""
        return await answering.of("clv", handlers.economics, clv_view, ClvView)

    @route("/kpis/break-even", answers=FiguresAnswer[BreakEvenView], summary="Break-even")
    async def get_break_even(answering: Answering) -> Any:
        """After how many years a customer has paid for its acquisition, at the margin and the churn of the period."""
        return await answering.of("break-even", handlers.economics, break_even_view, BreakEvenView)

    return routes
