"""Routes: opportunities, and the credit for what came of them and for renewals."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from mainstay.kernel.clock import Clock
from mainstay.kernel.money import Money
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected
from renewals.api.churn import Prose
from renewals.api.credits import Credits, CreditView, Person, credits_of, shown_credits
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.kpi_views import Exact
from renewals.api.reading import Day, OfAccount, OnRecord
from renewals.api.schemas import AccountId, ContractRef, MoneyBody, MoneyView, Reason, Request, absent, money_view
from renewals.application.announcing import term_id as name_of_term
from renewals.application.opportunities import KeptOpportunity, Wanted
from renewals.domain.opportunities import Need, Opportunity, OpportunityKind, Signal, Stage

MOST_VERSIONS = 2_147_483_647

OpportunityId = Annotated[str, Path(max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]


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
            fields["credits"] = credits_of(self.credits, clock)
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
    def of(cls, kept: KeptOpportunity, as_of: date | None = None) -> "OpportunityView":
        """An opportunity as it is told; on a day, with the shares that count by then."""
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
            credits=shown_credits(of.credits, of.amount, as_of),
            created_at=kept.created_at,
            created_by=kept.created_by,
            changed_at=kept.changed_at,
            changed_by=kept.changed_by,
        )


def _money(body: MoneyBody | None) -> Money | None:
    return Money(body.amount, body.currency) if body else None


def opportunity_routes(handlers: Handlers) -> Routes:
    """Work on opportunities; split credit."""
    routes = Routes(tag="opportunities")

    def told(kept: KeptOpportunity, response: Response, as_of: date | None = None) -> OpportunityView:
        response.headers["ETag"] = etag(kept.opportunity.version)
        return OpportunityView.of(kept, as_of)

    @routes.post("/opportunities", scope="renewals:write", answers=OpportunityView, status=201)
    async def enter_opportunity(body: OpportunityBody, caller: Caller, response: Response) -> OpportunityView:
        """Enter an opportunity that no signal made."""
        kept = await handlers.opportunities.enter(body.account_id, body.changes, body.kind, by=caller.id)
        response.headers["Location"] = f"/v1/opportunities/{kept.opportunity.id}"
        return told(kept, response)

    @routes.get("/opportunities", scope="renewals:read", answers=Page[OpportunityView])
    async def list_opportunities(
        moment: OnRecord,
        account_id: OfAccount = None,
        owner: Annotated[Person | None, Query(description="Only this person's")] = None,
        stage: Annotated[Stage | None, Query(description="Only in this stage")] = None,
        kind: Annotated[OpportunityKind | None, Query(description="Only of this kind")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[OpportunityView]:
        """Opportunities in the order in which they were made."""
        when, after = page_at("opportunities", cursor, moment, str)
        wanted = Wanted(account_id=account_id, owner=owner, stage=stage, kind=kind)
        async with handlers.work() as work:
            found = await work.opportunities.page(wanted, when.on_record_at, after=after, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:
            known_at = when.known_at or handlers.clock.now()
            place = next_page("opportunities", when, known_at, page[-1].opportunity.id)
        return Page(data=[OpportunityView.of(each, when.as_of) for each in page], next_cursor=place)

    @routes.get("/opportunities/{opportunity_id}", scope="renewals:read", answers=OpportunityView)
    async def get_opportunity(opportunity_id: OpportunityId, when: OnRecord, response: Response) -> OpportunityView:
        """One opportunity; the ETag is its version."""
        return told(await handlers.opportunities.get(opportunity_id, when), response, when.as_of)

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
        opportunity_id: OpportunityId, moment: OnRecord, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[OpportunityView]:
        """What it was, since when and by whom, newest first."""
        when, number = page_at("versions", cursor, moment, int)
        before = None if number is None else max(0, min(number, MOST_VERSIONS))
        await handlers.opportunities.get(opportunity_id, when)
        async with handlers.work() as work:
            found = await work.opportunities.versions(opportunity_id, when.on_record_at, before=before, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:  # newer ones stand on no later page
            place = next_page("versions", when, when.known_at, page[-1].opportunity.version)
        return Page(data=[OpportunityView.of(each, when.as_of) for each in page], next_cursor=place)

    return routes
