"""Routes: how what was bought is burnt down, and what is paid beside the committed amount."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated

from fastapi import Query, Response
from pydantic import BaseModel, Field, StringConstraints

from mainstay.web.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Caller, Routes
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.reading import ContractId, Day, Moment
from renewals.api.schemas import Amount, Currency, MoneyBody, MoneyView, Reason, Request, money_view
from renewals.application.announcing import term_id
from renewals.application.consumption import Burning, KeptCharge
from renewals.application.moments import When
from renewals.domain.burn_down import BurnDay, Charge, ChargeKind
from renewals.domain.terms import rounded

PLACES = 6

MetricName = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ChargeBody(Request):
    """More of a metric that was bought during a term, or what was used beyond it as it was billed; it is not ARR.

    A quantity and an amount below zero correct what was recorded before.
    """

    kind: ChargeKind
    metric: MetricName
    quantity: Amount = Field(description="In the unit of the metric")
    amount: MoneyBody = Field(description="What it cost, in the contract's currency")
    on: Day = Field(description="From this day on a top-up is there to be used")
    reason: Reason = "charged"


class ChargeView(BaseModel):
    """A charge as it was recorded."""

    id: str
    contract_id: str
    kind: ChargeKind
    metric: str
    quantity: Exact
    amount: MoneyView
    on: date
    reason: str
    recorded_at: datetime
    recorded_by: str

    @classmethod
    def of(cls, kept: KeptCharge, currency: str) -> "ChargeView":
        """A charge as it is told."""
        charge = kept.charge
        return cls(
            id=kept.id,
            contract_id=kept.contract_id,
            kind=charge.kind,
            metric=charge.metric,
            quantity=charge.quantity,
            amount=money_view(charge.amount, currency),
            on=charge.charged_on,
            reason=kept.reason,
            recorded_at=kept.recorded_at,
            recorded_by=kept.recorded_by,
        )


class ProjectionView(BaseModel):
    """When the balance is used up at the pace of the last weeks: in four of five cases from `earliest` to `latest`.

    null: not within three years.
    """

    exhausted_on: date | None
    earliest: date | None
    latest: date | None
    per_day: Exact = Field(description="Mean use of a day")
    weeks: int = Field(description="Of how many weeks, up to eight; with fewer the interval is wider")


class ChargedView(BaseModel):
    """What is paid for beside the committed amount, in the term so far: a line of its own, not ARR."""

    top_ups: MoneyView
    overage: MoneyView


class BurnDayView(BaseModel):
    """A day, what was used on it, and what was left by its end; below zero is overage."""

    date: date
    used: Exact
    balance: Exact


class BurnDownView(BaseModel):
    """A metric in a term: bought + topped_up − used = balance − overage. Quantities are in the unit of the metric."""

    contract_id: str
    term_id: str
    metric: str
    as_of: date
    known_at: datetime
    start: date
    ends_before: date
    share: Exact = Field(description="Of the account's use; below 1 where several contracts entitle to the metric")
    bought: Exact
    topped_up: Exact
    used: Exact
    balance: Exact
    overage: Exact
    measured_until: date | None = Field(description="The last day whose use is known")
    exhausted_on: date | None = Field(description="When it was used up, or is projected to be")
    falls_due_on: date = Field(description="That day, or the first day after the term, whichever is sooner")
    projection: ProjectionView | None = Field(description="null: nothing is left, or less than two weeks are known")
    charged: ChargedView
    data: list[BurnDayView]
    next_cursor: str | None

    @classmethod
    def of(cls, burning: Burning, known_at: datetime, days: list[BurnDay], next_cursor: str | None) -> "BurnDownView":
        """A burn-down as it is told, with some of its days."""
        burnt, term, currency = burning.burnt, burning.term, burning.contract.currency
        ahead = burnt.projection
        return cls(
            contract_id=burning.contract.id,
            term_id=term_id(burning.contract.id, term.number),
            metric=burning.metric,
            as_of=burning.as_of,
            known_at=known_at,
            start=term.start,
            ends_before=term.end_exclusive,
            share=_quantity(burning.share),
            bought=_quantity(burnt.bought),
            topped_up=_quantity(burnt.topped_up),
            used=_quantity(burnt.used),
            balance=_quantity(burnt.balance),
            overage=_quantity(burnt.overage),
            measured_until=burnt.measured_until,
            exhausted_on=burnt.exhausted_on,
            falls_due_on=burnt.falls_due_on,
            projection=ProjectionView(
                exhausted_on=ahead.exhausted_on,
                earliest=ahead.earliest,
                latest=ahead.latest,
                per_day=_quantity(Fraction(ahead.per_day)),
                weeks=ahead.weeks,
            )
            if ahead
            else None,
            charged=ChargedView(
                top_ups=_charged(burning, ChargeKind.TOP_UP, currency),
                overage=_charged(burning, ChargeKind.OVERAGE, currency),
            ),
            data=[
                BurnDayView(date=each.day, used=_quantity(each.used), balance=_quantity(each.balance)) for each in days
            ],
            next_cursor=next_cursor,
        )


def _charged(burning: Burning, kind: ChargeKind, currency: str) -> MoneyView:
    """What was charged for the metric on days of the term so far."""
    term = burning.term
    amounts = [
        each.amount
        for each in burning.charges
        if each.kind is kind
        and each.metric == burning.metric
        and term.start <= each.charged_on < term.end_exclusive
        and each.charged_on <= burning.as_of
    ]
    return money_view(rounded(Fraction(sum(amounts, Decimal(0))), currency).amount, currency)


def _quantity(exact: Fraction) -> Decimal:
    return Decimal(f"{round(exact * 10**PLACES)}e-{PLACES}")


def burn_down_routes(handlers: Handlers) -> Routes:
    """Burn-downs and charges of contracts."""
    routes = Routes(tag="consumption")

    @routes.get("/contracts/{contract_id}/burn-down", scope="renewals:read", answers=BurnDownView)
    async def get_burn_down(
        contract_id: ContractId,
        moment: Moment,
        metric: Annotated[
            MetricName | None, Query(description="Default: the one that the contract entitles to")
        ] = None,
        limit: Limit = MAX_LIMIT,
        cursor: Cursor = None,
    ) -> BurnDownView:
        """What was bought of a metric in the running term, used by day, and when it will be gone.

        As it stood on `as_of`, by what had been stated and charged at `known_at`. Pages are of the days.
        """
        when, after = page_at("burn-down", cursor, moment, date)
        known_at = when.known_at or handlers.clock.now()
        burning = await handlers.burn_downs(contract_id, metric, When(when.as_of, known_at))
        days = [each for each in burning.burnt.days if after is None or each.day > after]
        place = None
        if len(days) > limit:
            place = next_page("burn-down", when, known_at, days[limit - 1].day)
        return BurnDownView.of(burning, known_at, days[:limit], place)

    @routes.post("/contracts/{contract_id}/charges", scope="renewals:write", answers=ChargeView, status=201)
    async def add_charge(contract_id: ContractId, body: ChargeBody, caller: Caller, response: Response) -> ChargeView:
        """Record a top-up, or overage that was billed. Neither is ARR."""
        charge = Charge(body.kind, body.metric, body.quantity, body.amount.amount, body.on)
        currency: Currency = body.amount.currency
        kept = await handlers.burn_downs.charge(contract_id, charge, currency, reason=body.reason, by=caller.id)
        response.headers["Location"] = f"/v1/contracts/{contract_id}/charges"
        return ChargeView.of(kept, currency)

    @routes.get("/contracts/{contract_id}/charges", scope="renewals:read", answers=Page[ChargeView])
    async def list_charges(
        contract_id: ContractId, moment: Moment, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[ChargeView]:
        """Top-ups and overage of a contract, in the order in which they were recorded.

        With `as_of` those of that day and before.
        """
        when, after = page_at("charges", cursor, moment, str)
        known_at = when.known_at or handlers.clock.now()
        async with handlers.work() as work:
            contract = await work.ledger.revision(contract_id, known_at)
            found = await work.consumption.charges_page(
                contract_id, When(when.as_of, known_at), after=after, limit=limit + 1
            )
        page, place = found[:limit], None
        if len(found) > limit:
            place = next_page("charges", when, known_at, page[-1].id)
        return Page(data=[ChargeView.of(each, contract.currency) for each in page], next_cursor=place)

    return routes
