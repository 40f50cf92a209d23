"""Routes: opportunities, and the credit for what came of them and for renewals."""

import re
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, WithJsonSchema

from mainstay.kernel.clock import Clock
from mainstay.kernel.money import Money
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected
from renewals.api.churn import Prose
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.reading import Day, OfAccount, TermId, term_of
from renewals.api.schemas import AccountId, ContractRef, MoneyBody, MoneyView, Reason, Request, absent, money_view
from renewals.application.announcing import term_id as name_of_term
from renewals.application.opportunities import CreditedRenewal, KeptOpportunity, Wanted
from renewals.domain.opportunities import Credit, Need, Opportunity, OpportunityKind, Signal, Stage, parts
from renewals.domain.outcomes import RenewalOutcome
from renewals.domain.terms import rounded

MOST_CREDITS = 50
MOST_VERSIONS = 2_147_483_647

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
OpportunityId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


class CreditBody(Request):
    """A person's share of a success."""

    person: Person
    share: Share
    on: Day | None = Field(default=None, description="The day on which it counts; default: today")


Credits = Annotated[list[CreditBody], Field(max_length=MOST_CREDITS, description="The shares add up to exactly 1")]


class CreditsBody(Request):
    """Who gets the credit; nobody, where the list is empty."""

    credits: Credits


class OpportunityBody(Request):
    """An opportunity that somebody saw."""

    account_id: AccountId
    contract_id: ContractRef | None = None
    kind: OpportunityKind
    amount: MoneyBody | None = None
    owner: Person | None = Field(default=None, description="Who works on it")
    words: Prose | None = None
    expected_on: Day | None = Field(default=None, description="When it is to be decided")

    def changes(self, begun: Opportunity) -> Opportunity:
        """The opportunity as it was stated."""
        return replace(
            begun,
            contract_id=self.contract_id,
            amount=_money(self.amount),
            owner=self.owner,
            words=self.words,
            expected_on=self.expected_on,
        )


class OpportunityChange(Request):
    """What changes; a field that is absent stays as it is, and null withdraws it."""

    kind: OpportunityKind = Field(default_factory=absent)
    stage: Stage = Field(
        default_factory=absent, description="`won` needs an amount, `lost` a reason; out of both it opens again"
    )
    amount: MoneyBody | None = None
    owner: Person | None = None
    words: Prose | None = None
    reason: Reason | None = Field(default=None, description="Why it was won or lost")
    expected_on: Day | None = None
    credits: Credits = Field(default_factory=absent)

    def changes(self, was: Opportunity, clock: Clock) -> Opportunity:
        """The opportunity as it is now."""
        said = self.model_fields_set
        fields: dict[str, Any] = {name: getattr(self, name) for name in said - {"amount", "credits"}}
        if "amount" in said:
            fields["amount"] = _money(self.amount)
        if "credits" in said:
            fields["credits"] = _credits(self.credits, clock)
        return replace(was, **fields)


class NeedView(BaseModel):
    """What a signal saw: `subject` is the metric, or the account that is part of this one."""

    signal: Signal
    subject: str
    used: Exact | None
    bought: Exact | None
    projected_on: date | None = Field(description="When a prepaid balance will be used up")
    earliest: date | None
    latest: date | None

    @classmethod
    def of(cls, need: Need) -> "NeedView":
        """What a signal saw, as it is told."""
        return cls(
            signal=need.signal,
            subject=need.subject,
            used=need.used,
            bought=need.bought,
            projected_on=need.projected_on,
            earliest=need.earliest,
            latest=need.latest,
        )


class CreditView(BaseModel):
    """A person's share, and what of the amount it is; the parts add up to it to the cent."""

    person: str
    share: Exact
    on: date
    amount: MoneyView | None


class OpportunityView(BaseModel):
    """An opportunity as it stands; `need` is null for one that somebody entered."""

    id: str
    version: int
    account_id: str
    contract_id: str | None
    term_id: str | None
    kind: OpportunityKind
    stage: Stage
    need: NeedView | None
    amount: MoneyView | None
    owner: str | None
    words: str | None
    reason: str | None
    expected_on: date | None
    closed_on: date | None
    credits: list[CreditView]
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str

    @classmethod
    def of(cls, kept: KeptOpportunity) -> "OpportunityView":
        """An opportunity as it is told."""
        of = kept.opportunity
        return cls(
            id=of.id,
            version=of.version,
            account_id=of.account_id,
            contract_id=of.contract_id,
            term_id=name_of_term(of.contract_id, of.term) if of.contract_id and of.term else None,
            kind=of.kind,
            stage=of.stage,
            need=NeedView.of(of.need) if of.need else None,
            amount=money_view(of.amount.amount, of.amount.currency) if of.amount else None,
            owner=of.owner,
            words=of.words,
            reason=of.reason,
            expected_on=of.expected_on,
            closed_on=of.closed_on,
            credits=_shown(of.credits, of.amount),
            created_at=kept.created_at,
            created_by=kept.created_by,
            changed_at=kept.changed_at,
            changed_by=kept.changed_by,
        )


class RenewalCreditView(BaseModel):
    """Who gets the credit for a term's renewal; `amount` is the ARR with which it went on, null until it has."""

    term_id: str
    outcome: RenewalOutcome | None
    amount: MoneyView | None
    credits: list[CreditView]
    recorded_at: datetime | None
    recorded_by: str | None

    @classmethod
    def of(cls, credited: CreditedRenewal) -> "RenewalCreditView":
        """The credit for a renewal as it is told."""
        outcome, credit = credited.outcome, credited.credit
        amount = rounded(outcome.renewed, credited.currency) if outcome else None
        return cls(
            term_id=name_of_term(credited.contract_id, credited.number),
            outcome=outcome.outcome if outcome else None,
            amount=money_view(amount.amount, amount.currency) if amount else None,
            credits=_shown(credit.credits if credit else (), amount),
            recorded_at=credit.recorded_at if credit else None,
            recorded_by=credit.recorded_by if credit else None,
        )


def _money(body: MoneyBody | None) -> Money | None:
    return Money(body.amount, body.currency) if body else None


def _credits(body: list[CreditBody], clock: Clock) -> tuple[Credit, ...]:
    today = clock.now().date()
    return tuple(Credit(each.person, each.share, each.on or today) for each in body)


def _shown(split: tuple[Credit, ...], amount: Money | None) -> list[CreditView]:
    each_part = parts(amount, split) if amount else (None,) * len(split)
    return [
        CreditView(
            person=credit.person,
            share=credit.share,
            on=credit.on,
            amount=money_view(part.amount, part.currency) if part else None,
        )
        for credit, part in zip(split, each_part, strict=True)
    ]


def opportunity_routes(handlers: Handlers) -> Routes:
    """Work on opportunities; split credit."""
    routes = Routes(tag="opportunities")

    def told(kept: KeptOpportunity, response: Response) -> OpportunityView:
        response.headers["ETag"] = etag(kept.opportunity.version)
        return OpportunityView.of(kept)

    @routes.post("/opportunities", scope="renewals:write", answers=OpportunityView, status=201)
    async def enter_opportunity(body: OpportunityBody, caller: Caller, response: Response) -> OpportunityView:
        """Enter an opportunity that no signal made."""
        kept = await handlers.opportunities.enter(body.account_id, body.changes, body.kind, by=caller.id)
        response.headers["Location"] = f"/v1/opportunities/{kept.opportunity.id}"
        return told(kept, response)

    @routes.get("/opportunities", scope="renewals:read", answers=Page[OpportunityView])
    async def list_opportunities(
        account_id: OfAccount = None,
        owner: Annotated[Person | None, Query(description="Only this person's")] = None,
        stage: Annotated[Stage | None, Query(description="Only in this stage")] = None,
        kind: Annotated[OpportunityKind | None, Query(description="Only of this kind")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[OpportunityView]:
        """Opportunities in the order in which they were made."""
        after = decode_cursor("opportunities", cursor, tuple[str])[0] if cursor is not None else None
        wanted = Wanted(account_id=account_id, owner=owner, stage=stage, kind=kind)
        async with handlers.work() as work:
            found = await work.opportunities.page(wanted, after=after, limit=limit + 1)
        page = found[:limit]
        return Page(
            data=[OpportunityView.of(each) for each in page],
            next_cursor=encode_cursor("opportunities", [page[-1].opportunity.id]) if len(found) > limit else None,
        )

    @routes.get("/opportunities/{opportunity_id}", scope="renewals:read", answers=OpportunityView)
    async def get_opportunity(opportunity_id: OpportunityId, response: Response) -> OpportunityView:
        """One opportunity; the ETag is its version."""
        return told(await handlers.opportunities.get(opportunity_id), response)

    @routes.patch("/opportunities/{opportunity_id}", scope="renewals:write", answers=OpportunityView)
    async def change_opportunity(
        opportunity_id: OpportunityId,
        body: OpportunityChange,
        caller: Caller,
        response: Response,
        if_match: IfMatch = None,
    ) -> OpportunityView:
        """Bring it forward, close it, or split the credit for it. What it was before stays among its versions."""
        kept = await handlers.opportunities.change(
            opportunity_id,
            lambda was: body.changes(was, handlers.clock),
            replaces=expected(if_match),
            by=caller.id,
        )
        return told(kept, response)

    @routes.get("/opportunities/{opportunity_id}/versions", scope="renewals:read", answers=Page[OpportunityView])
    async def list_versions(
        opportunity_id: OpportunityId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[OpportunityView]:
        """What it was, since when and by whom, newest first."""
        before = None
        if cursor is not None:
            before = max(0, min(decode_cursor("versions", cursor, tuple[int])[0], MOST_VERSIONS))
        await handlers.opportunities.get(opportunity_id)
        async with handlers.work() as work:
            found = await work.opportunities.versions(opportunity_id, before=before, limit=limit + 1)
        page = found[:limit]
        return Page(
            data=[OpportunityView.of(each) for each in page],
            next_cursor=encode_cursor("versions", [page[-1].opportunity.version]) if len(found) > limit else None,
        )

    @routes.get("/renewals/{term_id}/credit", scope="renewals:read", answers=RenewalCreditView)
    async def get_credit(term_id: TermId) -> RenewalCreditView:
        """Who gets the credit for a term's renewal."""
        return RenewalCreditView.of(await handlers.opportunities.credit(*term_of(term_id)))

    @routes.put("/renewals/{term_id}/credit", scope="renewals:write", answers=RenewalCreditView)
    async def put_credit(term_id: TermId, body: CreditsBody, caller: Caller) -> RenewalCreditView:
        """Split the credit for a term's renewal between people, in the place of the split before."""
        split = _credits(body.credits, handlers.clock)
        return RenewalCreditView.of(await handlers.opportunities.split(*term_of(term_id), split, by=caller.id))

    return routes
