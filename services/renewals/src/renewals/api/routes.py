"""The routes of renewals: contracts, and the renewals ahead."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

from fastapi import Path, Query, Response
from pydantic import AfterValidator

from mainstay.kernel.clock import Clock
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Caller, Routes
from renewals.api.problems import RANGE_BACKWARDS
from renewals.api.schemas import (
    AccountId,
    AmendmentBody,
    ContractBody,
    ContractView,
    RenewalView,
)
from renewals.application.changing import AmendContract, CancelContract, EnterContract
from renewals.application.ports import OpensWork
from renewals.domain.errors import EARLIEST_START, LATEST_END

AHEAD = timedelta(days=120)
"""How far /renewals looks where `to` is not given."""
NO_REASON = "cancelled"


def _in_the_calendar(day: date) -> date:
    if not EARLIEST_START <= day <= LATEST_END:
        raise ValueError(f"days are asked for from {EARLIEST_START} to {LATEST_END}")
    return day


Day = Annotated[CivilDay, AfterValidator(_in_the_calendar)]
ContractId = Annotated[str, Path(max_length=100)]
OfAccount = Annotated[AccountId | None, Query(description="Only this account's")]


@dataclass(frozen=True, slots=True)
class Handlers:
    """What the routes call."""

    work: OpensWork
    enter: EnterContract
    amend: AmendContract
    cancel: CancelContract
    clock: Clock


def contract_routes(handlers: Handlers) -> Routes:
    """Enter, read and amend contracts."""
    routes = Routes(tag="contracts")
    now = handlers.clock.now

    @routes.post("/contracts", scope="renewals:write", answers=ContractView, status=201)
    async def enter_contract(body: ContractBody, caller: Caller, response: Response) -> ContractView:
        """Enter a contract; its terms up to today's come with it. A window that is open already opens at once."""
        contract = await handlers.enter(body.stated(), by=caller.id)
        response.headers["Location"] = f"/v1/contracts/{contract.id}"
        return ContractView.of(contract, now())

    @routes.get("/contracts", scope="renewals:read", answers=Page[ContractView])
    async def list_contracts(
        account_id: OfAccount = None, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[ContractView]:
        """Contracts in the order in which they were entered."""
        after = decode_cursor("contracts", cursor, tuple[str])[0] if cursor is not None else None
        async with handlers.work() as work:
            found = await work.contracts.page(account_id=account_id, after=after, limit=limit + 1)
        page = found[:limit]
        return Page(
            data=[ContractView.of(contract, now()) for contract in page],
            next_cursor=encode_cursor("contracts", [page[-1].id]) if len(found) > limit else None,
        )

    @routes.get("/contracts/{contract_id}", scope="renewals:read", answers=ContractView)
    async def get_contract(contract_id: ContractId) -> ContractView:
        """One contract with all its terms."""
        async with handlers.work() as work:
            return ContractView.of(await work.contracts.get(contract_id), now())

    @routes.patch("/contracts/{contract_id}", scope="renewals:write", answers=ContractView)
    async def amend_contract(contract_id: ContractId, body: AmendmentBody) -> ContractView:
        """Change a contract from its running term on, or cancel it. Past terms stay as they were.

        A window that has opened does not open again for the same term, whatever its end becomes.
        """
        if body.cancels:
            contract = await handlers.cancel(contract_id, body.reason or NO_REASON)
        else:
            contract = await handlers.amend(contract_id, body.change(), currency=body.currency)
        return ContractView.of(contract, now())

    return routes


def renewal_routes(handlers: Handlers) -> Routes:
    """The terms that come to their end."""
    routes = Routes(tag="renewals")

    @routes.get("/renewals", scope="renewals:read", answers=Page[RenewalView])
    async def list_renewals(
        first: Annotated[Day | None, Query(alias="from", description="Default: today in UTC")] = None,
        last: Annotated[Day | None, Query(alias="to", description="Default: 120 days after `from`")] = None,
        account_id: OfAccount = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[RenewalView]:
        """Terms of recurring contracts whose last day lies in the range, both ends included; soonest first."""
        now = handlers.clock.now()
        begin = first or now.date()
        until = last or begin + AHEAD
        if until < begin:
            raise ProblemError(RANGE_BACKWARDS, f"to ({until}) lies before from ({begin})")
        after = decode_cursor("renewals", cursor, tuple[date, str, int]) if cursor is not None else None
        async with handlers.work() as work:
            found = await work.contracts.renewals(
                first=begin, last=until, account_id=account_id, after=after, limit=limit + 1
            )
        page = found[:limit]
        place = page[-1] if len(found) > limit else None
        return Page(
            data=[RenewalView.of(renewal, now) for renewal in page],
            next_cursor=encode_cursor("renewals", [place.term.end_exclusive, place.contract_id, place.term.number])
            if place
            else None,
        )

    return routes
