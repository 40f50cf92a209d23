"""What contracts and their terms look like."""

from dataclasses import asdict
from datetime import date, datetime

from pydantic import BaseModel, Field

from renewals.api.good_customers import JudgementView
from renewals.api.schemas import Currency, MoneyView, NoticeBody, money_view
from renewals.application.announcing import term_id
from renewals.application.calendars import notice_by
from renewals.application.ports import Revision
from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import AtEnd, Contract, Kind
from renewals.domain.terms import Term, TermState, rounded


class StepView(BaseModel):
    """What holds from a day of a term on."""

    start: date
    arr: MoneyView
    seats: int | None
    entitlements: dict[str, int]


class CancellationView(BaseModel):
    """That somebody ended the contract; `on` is the first day without it."""

    on: date
    reason: str


class HolderView(BaseModel):
    """Which account had the contract from a day on; from its beginning, where `since` is null."""

    account_id: str
    since: date | None


class TermView(BaseModel):
    """One term. `end` is its last day; `ends_before` the first day after it."""

    id: str
    number: int
    start: date
    end: date
    ends_before: date
    amount: MoneyView
    seats: int | None
    arr: MoneyView | None = Field(description="Annual recurring revenue; null for a one-time contract")
    state: TermState
    window_opens_on: date | None
    window_opened_at: datetime | None
    notice_by: date | None = Field(description="The last day for notice; null where the contract has no rule")
    entitlements: dict[str, int]
    price_steps: list[StepView] = Field(description="What holds from which day on, where that changes in the term")
    agreed_end: date = Field(description="The last day as agreed, where an early renewal ended the term sooner")
    cancelled_on: date | None = Field(description="The first day on which a cancelled term is not served")
    signed_on: date | None

    @classmethod
    def of(cls, contract: Contract, term: Term, today: date) -> "TermView":
        """A term as it stands on a day; amounts by the year, seats and entitlements are those that hold on it."""
        holds = term.shown(today)
        return cls(
            id=term_id(contract.id, term.number),
            number=term.number,
            start=term.start,
            end=term.last_day,
            ends_before=term.end_exclusive,
            amount=money_view(term.amount, contract.currency),
            seats=holds.seats,
            arr=money_view(term.arr(contract.currency, today).amount, contract.currency)
            if contract.kind is Kind.RECURRING
            else None,
            state=term.state(today),
            window_opens_on=term.window_opens_on,
            window_opened_at=term.window_opened_at,
            notice_by=notice_by(contract, term),
            entitlements=dict(holds.entitlements),
            price_steps=[
                StepView(
                    start=step.start,
                    arr=money_view(rounded(step.annual, contract.currency).amount, contract.currency),
                    seats=step.seats,
                    entitlements=dict(step.entitlements),
                )
                for step in term.stretches()
            ]
            if term.steps
            else [],
            agreed_end=term.expires_before - ONE_DAY,
            cancelled_on=term.cancelled_on,
            signed_on=term.signed_on,
        )


class ContractView(BaseModel):
    """A contract and all its terms; `amount` and `seats` are those of the terms to come, `state` the last term's."""

    id: str
    account_id: str
    external_id: str | None
    kind: Kind
    currency: Currency
    zone: str
    state: TermState
    term_months: int | None
    window_days: int | None
    at_end: AtEnd
    amount: MoneyView
    seats: int | None
    entitlements: dict[str, int]
    grace_days: int
    notice: NoticeBody | None
    renews: str | None = Field(description="The contract that this one renewed")
    co_terms_with: str | None
    cancellation: CancellationView | None
    holders: list[HolderView] = Field(description="Which account had it from when on; empty if it never changed hands")
    terms: list[TermView]

    @classmethod
    def of(cls, contract: Contract, today: date) -> "ContractView":
        """A contract as it stands on a day."""
        return cls(
            id=contract.id,
            account_id=contract.account_id,
            external_id=contract.external_id,
            kind=contract.kind,
            currency=contract.currency,
            zone=contract.zone.key,
            state=contract.latest.state(today),
            term_months=contract.schedule.term_months,
            window_days=contract.schedule.window_days,
            at_end=contract.at_end,
            amount=money_view(contract.amount, contract.currency),
            seats=contract.seats,
            entitlements=dict(contract.entitlements),
            grace_days=contract.grace_days,
            notice=NoticeBody.model_validate(asdict(contract.notice)) if contract.notice else None,
            renews=contract.predecessor.contract_id if contract.predecessor else None,
            co_terms_with=contract.co_term_of,
            cancellation=CancellationView(on=contract.cancellation.on, reason=contract.cancellation.reason)
            if contract.cancellation
            else None,
            holders=[HolderView(account_id=each.account_id, since=each.since) for each in contract.holders],
            terms=[TermView.of(contract, term, today) for term in contract.terms],
        )


class OneTimeView(ContractView):
    """A one-time contract as it was entered, with what the good-customer criteria say of the deal."""

    good_customer: JudgementView


class RevisionView(BaseModel):
    """A contract as it was known from an instant on, until the next revision."""

    number: int
    recorded_at: datetime
    recorded_by: str = Field(description="The API key, or mainstay/renewals for what came about by time alone")
    reason: str
    contract: ContractView

    @classmethod
    def of(cls, revision: Revision, as_of: date | None = None) -> "RevisionView":
        """A revision, its contract as it stood on a day; if none is given, on that on which it was recorded."""
        contract = revision.contract if as_of is None else revision.contract.as_of(as_of)
        return cls(
            number=revision.number,
            recorded_at=revision.recorded_at,
            recorded_by=revision.recorded_by,
            reason=revision.reason,
            contract=ContractView.of(contract, as_of or contract.today(revision.recorded_at)),
        )
