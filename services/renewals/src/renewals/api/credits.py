"""Routes: the credit for a term's renewal, and how credit is stated and told."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from mainstay.kernel.clock import Clock
from mainstay.kernel.money import Money
from mainstay.web.routes import Caller, Routes
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.reading import Day, Moment, TermId, term_of
from renewals.api.schemas import MoneyView, Request, money_view
from renewals.application.announcing import term_id as name_of_term
from renewals.application.opportunities import CreditedRenewal
from renewals.domain.opportunities import Credit, parts
from renewals.domain.outcomes import RenewalOutcome
from renewals.domain.terms import rounded

MOST_CREDITS = 50

_SHARE = r"0\.\d{1,6}|1(\.0{1,6})?"


def _plain(stated: Any) -> Any:
    if isinstance(stated, bool) or not re.fullmatch(_SHARE, str(stated), re.ASCII) or not Decimal(str(stated)):
        raise ValueError("a share is a number above 0 and up to 1 with at most six decimals, such as 0.6")
    return Decimal(str(stated))


Share = Annotated[
    Decimal,
    BeforeValidator(_plain),
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^({_SHARE})$"}, {"type": "number"}]}),
]
Person = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]


class CreditBody(Request):
    """A person's share of a success."""

    person: Person
    share: Share
    on: Day | None = Field(default=None, description="The day on which it counts; default: today")


Credits = Annotated[list[CreditBody], Field(max_length=MOST_CREDITS, description="The shares add up to exactly 1")]


class CreditsBody(Request):
    """Who gets the credit; nobody, where the list is empty."""

    credits: Credits


class CreditView(BaseModel):
    """A person's share, and what of the amount it is; the parts add up to it to the cent."""

    person: str
    share: Exact
    on: date
    amount: MoneyView | None


class RenewalCreditView(BaseModel):
    """Who gets the credit for a term's renewal; `amount` is the ARR with which it went on, null until it has."""

    term_id: str
    outcome: RenewalOutcome | None
    amount: MoneyView | None
    credits: list[CreditView]
    recorded_at: datetime | None
    recorded_by: str | None

    @classmethod
    def of(cls, credited: CreditedRenewal, as_of: date | None = None) -> "RenewalCreditView":
        """The credit for a renewal as it is told; on a day, with the shares that count by then."""
        outcome, credit = credited.outcome, credited.credit
        amount = rounded(outcome.renewed, credited.currency) if outcome else None
        return cls(
            term_id=name_of_term(credited.contract_id, credited.number),
            outcome=outcome.outcome if outcome else None,
            amount=money_view(amount.amount, amount.currency) if amount else None,
            credits=shown_credits(credit.credits if credit else (), amount, as_of),
            recorded_at=credit.recorded_at if credit else None,
            recorded_by=credit.recorded_by if credit else None,
        )


def credits_of(body: list[CreditBody], clock: Clock) -> tuple[Credit, ...]:
    """The shares as they were stated, today's where no day was."""
    today = clock.now().date()
    return tuple(Credit(each.person, each.share, each.on or today) for each in body)


def shown_credits(split: tuple[Credit, ...], amount: Money | None, as_of: date | None) -> list[CreditView]:
    """The shares as they are told; on a day, those that count by then."""
    each_part = parts(amount, split) if amount else (None,) * len(split)
    return [
        CreditView(
            person=credit.person,
            share=credit.share,
            on=credit.on,
            amount=money_view(part.amount, part.currency) if part else None,
        )
        for credit, part in zip(split, each_part, strict=True)
        if as_of is None or credit.on <= as_of
    ]


def credit_routes(handlers: Handlers) -> Routes:
    """Split the credit for renewals."""
    routes = Routes(tag="opportunities")

    @routes.get("/renewals/{term_id}/credit", scope="renewals:read", answers=RenewalCreditView)
    async def get_credit(term_id: TermId, when: Moment) -> RenewalCreditView:
        """Who gets the credit for a term's renewal; with `as_of`, whose share counts by that day."""
        return RenewalCreditView.of(await handlers.opportunities.credit(*term_of(term_id), when), when.as_of)

    @routes.put("/renewals/{term_id}/credit", scope="renewals:write", answers=RenewalCreditView)
    async def put_credit(term_id: TermId, body: CreditsBody, caller: Caller) -> RenewalCreditView:
        """Split the credit for a term's renewal between people, in the place of the split before."""
        split = credits_of(body.credits, handlers.clock)
        return RenewalCreditView.of(await handlers.opportunities.split(*term_of(term_id), split, by=caller.id))

    return routes
