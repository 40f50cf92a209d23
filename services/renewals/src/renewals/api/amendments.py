"""Routes: amendments of contracts with a day of their own."""

from typing import Self

from pydantic import BaseModel, Field, model_validator

from mainstay.web.fields import CivilDay
from mainstay.web.routes import Caller, Routes
from renewals.api.contract_views import ContractView
from renewals.api.handlers import Handlers
from renewals.api.reading import ContractId
from renewals.api.schemas import (
    AccountId,
    Entitled,
    MoneyBody,
    PriceSchedule,
    Reason,
    Request,
    Seats,
    TermMonths,
    absent,
    steps_of,
)
from renewals.domain import amending
from renewals.domain.contracts import CANCELLED, UNCHANGED, Contract
from renewals.domain.terms import entitlements


class ChangeBody(Request):
    """An upsell or a contraction: what holds from `effective` to the end of the term that this day lies in.

    In the latest term it also holds for those to come. A day in the past is a correction, also in a term that is over.
    """

    effective: CivilDay
    amount: MoneyBody = Field(default_factory=absent, description="What a whole term costs from then on")
    seats: Seats | None = None
    entitlements: Entitled = Field(default_factory=absent)
    reason: Reason = "changed"

    @model_validator(mode="after")
    def _something_changes(self) -> Self:
        if not self.model_fields_set & {"amount", "seats", "entitlements"}:
            raise ValueError("say what changes: amount, seats or entitlements")
        return self

    def change(self) -> amending.Change:
        """The change in the words of the domain."""
        said = self.model_fields_set
        return amending.Change(
            effective=self.effective,
            amount=self.amount.amount if "amount" in said else UNCHANGED,
            seats=self.seats if "seats" in said else UNCHANGED,
            entitlements=entitlements(self.entitlements) if "entitlements" in said else UNCHANGED,
        )


class RenewalBody(Request):
    """The next term, agreed by hand: before the end of this one, or after it and within grace.

    What is absent: it begins when this one ends, lasts `term_months`, and costs what was agreed for terms to come. One
    that begins sooner ends the running term then.
    """

    start: CivilDay | None = None
    end: CivilDay | None = Field(default=None, description="The last day, inclusive")
    term_months: TermMonths | None = None
    amount: MoneyBody = Field(default_factory=absent, description="For the whole term")
    seats: Seats | None = None
    entitlements: Entitled = Field(default_factory=absent)
    price_schedule: PriceSchedule | None = None
    signed_on: CivilDay | None = Field(default=None, description="Default: today; not later")
    reason: Reason = "renewed"

    def renewal(self) -> amending.Renewal:
        """The renewal in the words of the domain."""
        said = self.model_fields_set
        return amending.Renewal(
            signed_on=self.signed_on,
            start=self.start,
            end=self.end,
            term_months=self.term_months,
            amount=self.amount.amount if "amount" in said else None,
            seats=self.seats if "seats" in said else UNCHANGED,
            entitlements=entitlements(self.entitlements) if "entitlements" in said else UNCHANGED,
            steps=steps_of(self.price_schedule),
        )


class CancellationBody(Request):
    """The end of a contract: `effective` is the first day without it; default: today."""

    effective: CivilDay | None = None
    reason: Reason = CANCELLED


class AssignmentBody(Request):
    """Another account has the contract from `effective` on, which is no later than today."""

    account_id: AccountId
    effective: CivilDay
    reason: Reason = "assigned"


class MergerBody(Request):
    """An account became part of another one on a day, which is no later than today."""

    into: AccountId
    effective: CivilDay
    reason: Reason = "merged"


class MergerView(BaseModel):
    """Two accounts that are one."""

    account_id: str
    into: str
    contracts: int = Field(description="Contracts that the account had, and the other has now")


def amendment_routes(handlers: Handlers) -> Routes:
    """Change, renew, cancel and hand over contracts."""
    routes = Routes(tag="contracts")
    now = handlers.clock.now

    def shown(contract: Contract) -> ContractView:
        return ContractView.of(contract, contract.today(now()))

    @routes.post("/contracts/{contract_id}/changes", scope="renewals:write", answers=ContractView)
    async def change_contract(contract_id: ContractId, body: ChangeBody, caller: Caller) -> ContractView:
        """Upsell or contract from a day on; or correct what was entered."""
        currency = body.amount.currency if "amount" in body.model_fields_set else None
        change = body.change()
        contract = await handlers.amend(
            contract_id,
            lambda contract, _: (amending.change(contract, change), None),
            by=caller.id,
            reason=body.reason,
            currency=currency,
        )
        return shown(contract)

    @routes.post("/contracts/{contract_id}/renewals", scope="renewals:write", answers=ContractView)
    async def renew_contract(contract_id: ContractId, body: RenewalBody, caller: Caller) -> ContractView:
        """Renew by hand, early or late. The renewal belongs to the period in which the term expires as agreed."""
        currency = body.amount.currency if "amount" in body.model_fields_set else None
        renewal = body.renewal()
        contract = await handlers.amend(
            contract_id,
            lambda contract, at: amending.renew(contract, renewal, at),
            by=caller.id,
            reason=body.reason,
            currency=currency,
        )
        return shown(contract)

    @routes.post("/contracts/{contract_id}/cancellation", scope="renewals:write", answers=ContractView)
    async def cancel_contract(contract_id: ContractId, body: CancellationBody, caller: Caller) -> ContractView:
        """End a contract on a day: in the past, where it was known too late; today; or ahead, up to the term's end."""
        contract = await handlers.amend(
            contract_id,
            lambda contract, at: amending.cancel(contract, at, body.reason, body.effective),
            by=caller.id,
            reason=body.reason,
        )
        return shown(contract)

    @routes.delete("/contracts/{contract_id}/cancellation", scope="renewals:write", answers=ContractView, status=200)
    async def withdraw_cancellation(contract_id: ContractId, caller: Caller) -> ContractView:
        """As if it had not been cancelled: it renews as it would have, and what came due since is done now."""
        contract = await handlers.amend(
            contract_id,
            lambda contract, _: (amending.reinstate(contract), None),
            by=caller.id,
            reason="cancellation withdrawn",
        )
        return shown(contract)

    @routes.post("/contracts/{contract_id}/assignment", scope="renewals:write", answers=ContractView)
    async def assign_contract(contract_id: ContractId, body: AssignmentBody, caller: Caller) -> ContractView:
        """Give a contract to another account. It is neither a loss of the one nor an expansion of the other."""
        return shown(
            await handlers.assign.one(contract_id, body.account_id, body.effective, by=caller.id, reason=body.reason)
        )

    @routes.post("/accounts/{account_id}/merger", scope="renewals:write", answers=MergerView)
    async def merge_account(account_id: AccountId, body: MergerBody, caller: Caller) -> MergerView:
        """Give all contracts of an account, those that are over too, to the account that it became part of."""
        moved = await handlers.assign.all_of(account_id, body.into, body.effective, by=caller.id, reason=body.reason)
        return MergerView(account_id=account_id, into=body.into, contracts=moved)

    return routes
