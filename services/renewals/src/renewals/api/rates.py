"""Routes: exchange rates, as the operator states them."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Caller, Routes
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.reading import Day, Holding
from renewals.api.schemas import Currency, Request

_RATE = r"\d{1,12}(\.\d{1,15})?"


def _plain(stated: Any) -> Any:
    if isinstance(stated, bool) or not re.fullmatch(_RATE, str(stated), re.ASCII) or not Decimal(str(stated)):
        raise ValueError("a rate is a number above zero, written in digits, with a decimal point, such as 0.9204")
    return Decimal(str(stated))


Rate = Annotated[
    Decimal,
    BeforeValidator(_plain),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{_RATE}$"}, {"type": "number"}]}),
]


class RatesBody(Request):
    """What currencies are worth from a day on, until the next day for which a rate is stated."""

    date: Day
    base: Currency = Field(description="The currency that the rates are in")
    rates: dict[Currency, Rate | None] = Field(
        min_length=1,
        max_length=200,
        description="By currency, how much one unit of it is worth in `base`; null withdraws the rate of this day",
        examples=[{"USD": "0.92", "GBP": "1.17"}],
    )


class RatesView(BaseModel):
    """How many rates were kept."""

    date: date
    base: Currency
    rates: int


class RateView(BaseModel):
    """From a day on, one unit of `currency` is worth `rate` of `base`."""

    date: date
    currency: Currency
    base: Currency
    rate: str
    recorded_at: datetime
    recorded_by: str


def rate_routes(handlers: Handlers) -> Routes:
    """State and read exchange rates."""
    routes = Routes(tag="exchange rates")

    @routes.put("/exchange-rates", scope="renewals:write", answers=RatesView)
    async def put_rates(body: RatesBody, caller: Caller) -> RatesView:
        """State the rates of a day. Stating them again corrects them; figures of before stay reproducible."""
        kept = await handlers.state_rates(body.date, body.base, body.rates, by=caller.id)
        return RatesView(date=body.date, base=body.base, rates=kept)

    @routes.get("/exchange-rates", scope="renewals:read", answers=Page[RateView])
    async def list_rates(moment: Holding, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[RateView]:
        """The rates as they are known, by day; with `as_of`, of each currency and base the one that held then."""
        when, after = page_at("rates", cursor, moment, tuple[date, str, str])
        known_at = when.known_at or handlers.clock.now()
        async with handlers.work() as work:
            found = await work.inputs.rates(known_at, as_of=when.as_of, after=after, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:
            last = page[-1]
            place = next_page("rates", when, known_at, (last.valid_from, last.currency, last.base))
        return Page(
            data=[
                RateView(
                    date=each.valid_from,
                    currency=each.currency,
                    base=each.base,
                    rate=f"{each.rate:f}",
                    recorded_at=each.recorded_at,
                    recorded_by=each.recorded_by,
                )
                for each in page
            ],
            next_cursor=place,
        )

    return routes
