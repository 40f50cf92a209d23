"""Routes: figures beside retention. What was paid beside ARR, and what people are credited with."""

from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Routes
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.problems import RANGE_BACKWARDS
from renewals.api.reading import Day, KnownAt
from renewals.api.schemas import MoneyView, money_view
from renewals.domain.burn_down import ChargeKind
from renewals.domain.civil import add_months

USUAL_MONTHS = 12

Days = tuple[date | None, date | None]


def _days(
    first: Annotated[
        Day | None, Query(alias="from", description="From this day on; default: a year before `to`")
    ] = None,
    last: Annotated[Day | None, Query(alias="to", description="Before this day; default: today in UTC")] = None,
) -> Days:
    return first, last


Between = Annotated[Days, Depends(_days)]


class ChargedView(BaseModel):
    """Charges of one kind and metric in one currency, added up: a line of its own, not ARR."""

    kind: ChargeKind
    metric: str
    quantity: Exact
    amount: MoneyView
    contracts: int


class ChargesAnswer(BaseModel):
    """What was paid beside the committed amounts on days from `t0` on and before `t1`, as it was known."""

    t0: date
    t1: date
    known_at: datetime
    data: list[ChargedView]
    next_cursor: str | None


class PersonView(BaseModel):
    """What a person is credited with, of one kind of success in one currency."""

    person: str
    what: str = Field(description="renewal, or the kind of opportunity")
    successes: int
    amount: MoneyView


class CreditsAnswer(BaseModel):
    """What people are credited with on days from `t0` on and before `t1`; the parts of an amount add up to it."""

    t0: date
    t1: date
    data: list[PersonView]
    next_cursor: str | None


def line_figure_routes(handlers: Handlers) -> Routes:
    """Charges and credit, added up."""
    routes = Routes(tag="kpis")

    def days(between: Days) -> tuple[date, date]:
        last = between[1] or handlers.clock.now().date()
        first = between[0] or add_months(last, -USUAL_MONTHS)
        if last <= first:
            raise ProblemError(RANGE_BACKWARDS, f"to ({last}) does not lie after from ({first})")
        return first, last

    @routes.get("/kpis/charges", scope="renewals:read", answers=ChargesAnswer, summary="Top-ups and overage")
    async def get_charges(
        between: Between, known_at: KnownAt = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> ChargesAnswer:
        """Top-ups and overage by kind, metric and currency."""
        first, last = days(between)
        known = known_at or handlers.clock.now()
        after = decode_cursor("charged", cursor, tuple[str, str, str]) if cursor is not None else None
        async with handlers.work() as work:
            found = await work.consumption.charged(first, last, known, after=after, limit=limit + 1)
        page = found[:limit]
        end = page[-1] if len(found) > limit else None
        return ChargesAnswer(
            t0=first,
            t1=last,
            known_at=known,
            data=[
                ChargedView(
                    kind=each.kind,
                    metric=each.metric,
                    quantity=each.quantity,
                    amount=money_view(each.amount.amount, each.amount.currency),
                    contracts=each.contracts,
                )
                for each in page
            ],
            next_cursor=encode_cursor("charged", [end.kind, end.metric, end.amount.currency]) if end else None,
        )

    @routes.get("/kpis/credits", scope="renewals:read", answers=CreditsAnswer, summary="Credit by person")
    async def get_credits(between: Between, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> CreditsAnswer:
        """What people are credited with: of renewals, by the ARR they went on with, and of opportunities won."""
        first, last = days(between)
        after = decode_cursor("credits", cursor, tuple[str, str, str]) if cursor is not None else ("", "", "")
        rows = [
            each
            for each in await handlers.opportunities.by_person(first, last)
            if (each.person, each.what, each.amount.currency) > after
        ]
        page = rows[:limit]
        end = page[-1] if len(rows) > limit else None
        return CreditsAnswer(
            t0=first,
            t1=last,
            data=[
                PersonView(
                    person=each.person,
                    what=each.what,
                    successes=each.successes,
                    amount=money_view(each.amount.amount, each.amount.currency),
                )
                for each in page
            ],
            next_cursor=encode_cursor("credits", [end.person, end.what, end.amount.currency]) if end else None,
        )

    return routes
