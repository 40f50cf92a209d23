"""Routes: figures beside retention. What was paid beside ARR, and what people are credited with."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Routes
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.problems import RANGE_BACKWARDS
from renewals.api.reading import Day, Moment
from renewals.api.schemas import MoneyView, money_view
from renewals.application.moments import When
from renewals.domain.burn_down import ChargeKind
from renewals.domain.civil import add_months

USUAL_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Between:
    """Days from `first` on and before `last` (None: as is usual), and as of when."""

    first: date | None
    last: date | None
    when: When

    def days(self, now: datetime) -> tuple[date, date]:
        """Both days; the second is not after the one as of which is asked."""
        today = self.when.today(now)
        last = min(self.last or today, today) if self.when.as_of else self.last or today
        first = self.first or add_months(last, -USUAL_MONTHS)
        if last <= first:
            raise ProblemError(RANGE_BACKWARDS, f"to ({last}) does not lie after from ({first})")
        return first, last


def _asking(
    moment: Moment,
    first: Annotated[
        Day | None, Query(alias="from", description="From this day on; default: a year before `to`")
    ] = None,
    last: Annotated[
        Day | None, Query(alias="to", description="Before this day; default: `as_of`, or today in UTC")
    ] = None,
) -> Between:
    return Between(first, last, moment)


Asked = Annotated[Between, Depends(_asking)]


def _again(
    kind: str, cursor: str | None, asked: Between, now: datetime
) -> tuple[Between, datetime, tuple[str, str, str] | None]:
    """The question as the page before asked it, by what was known then, and after which row this one begins."""
    when, after = page_at(kind, cursor, asked.when, tuple[str, str, str])
    known_at = when.known_at or now
    return replace(asked, when=When(when.as_of, known_at)), known_at, after


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
    known_at: datetime
    data: list[PersonView]
    next_cursor: str | None


def line_figure_routes(handlers: Handlers) -> Routes:
    """Charges and credit, added up."""
    routes = Routes(tag="kpis")

    @routes.get("/kpis/charges", scope="renewals:read", answers=ChargesAnswer, summary="Top-ups and overage")
    async def get_charges(asked: Asked, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> ChargesAnswer:
        """Top-ups and overage by kind, metric and currency."""
        between, known_at, after = _again("charged", cursor, asked, handlers.clock.now())
        first, last = between.days(known_at)
        async with handlers.work() as work:
            found = await work.consumption.charged(first, last, known_at, after=after, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:
            end = page[-1]
            place = next_page("charged", between.when, known_at, (end.kind, end.metric, end.amount.currency))
        return ChargesAnswer(
            t0=first,
            t1=last,
            known_at=known_at,
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
            next_cursor=place,
        )

    @routes.get("/kpis/credits", scope="renewals:read", answers=CreditsAnswer, summary="Credit by person")
    async def get_credits(asked: Asked, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> CreditsAnswer:
        """What people are credited with: of renewals, by the ARR they went on with, and of opportunities won."""
        between, known_at, after = _again("credits", cursor, asked, handlers.clock.now())
        first, last = between.days(known_at)
        rows = [
            each
            for each in await handlers.opportunities.by_person(first, last, between.when)
            if after is None or (each.person, each.what, each.amount.currency) > after
        ]
        page, place = rows[:limit], None
        if len(rows) > limit:
            end = page[-1]
            place = next_page("credits", between.when, known_at, (end.person, end.what, end.amount.currency))
        return CreditsAnswer(
            t0=first,
            t1=last,
            known_at=known_at,
            data=[
                PersonView(
                    person=each.person,
                    what=each.what,
                    successes=each.successes,
                    amount=money_view(each.amount.amount, each.amount.currency),
                )
                for each in page
            ],
            next_cursor=place,
        )

    return routes
