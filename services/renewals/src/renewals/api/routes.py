"""The routes of renewals: contracts, and the renewals ahead."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Query, Response

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Caller, Routes
from renewals.api.contract_views import ContractView, OneTimeView
from renewals.api.good_customers import JudgementView
from renewals.api.handlers import Handlers
from renewals.api.problems import RANGE_BACKWARDS
from renewals.api.reading import ContractId, Day, OfAccount
from renewals.api.schemas import AmendmentBody, ContractBody, RenewalView
from renewals.application.changing import as_a_whole
from renewals.domain import amending
from renewals.domain.contracts import CANCELLED, Contract, Kind

AHEAD = timedelta(days=120)
"""How far /renewals looks where `to` is not given."""


def contract_routes(handlers: Handlers) -> Routes:
    """Enter and amend contracts."""
    routes = Routes(tag="contracts")
    now = handlers.clock.now

    def shown(contract: Contract) -> ContractView:
        return ContractView.of(contract, contract.today(now()))

    @routes.post("/contracts", scope="renewals:write", answers=OneTimeView | ContractView, status=201)
    async def enter_contract(body: ContractBody, caller: Caller, response: Response) -> OneTimeView | ContractView:
        """Enter a contract; its terms up to today's come with it. A window that is open already opens at once.

        A one-time contract comes with what the good-customer criteria say of it.
        """
        contract = await handlers.enter(body.stated(), by=caller.id)
        response.headers["Location"] = f"/v1/contracts/{contract.id}"
        entered = shown(contract)
        if contract.kind is not Kind.ONE_TIME:
            return entered
        judged = await handlers.good_customers.deal(contract)
        return OneTimeView(**dict(entered), good_customer=JudgementView.of(judged))

    @routes.patch("/contracts/{contract_id}", scope="renewals:write", answers=ContractView)
    async def amend_contract(contract_id: ContractId, body: AmendmentBody, caller: Caller) -> ContractView:
        """Change a contract from its running term on, or cancel it today. Past terms stay as they were.

        A window that has opened does not open again for the same term, whatever its end becomes.
        """
        reason = body.reason or CANCELLED
        amends = as_a_whole(body.change())
        if body.cancels:
            amends = lambda contract, at: amending.cancel(contract, at, reason)  # noqa: E731 - one of two short ones
        contract = await handlers.amend(
            contract_id,
            amends,
            by=caller.id,
            reason=reason if body.cancels else "amended",
            currency=body.currency,
        )
        return shown(contract)

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
