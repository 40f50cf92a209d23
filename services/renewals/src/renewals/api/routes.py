"""Routes: contracts are entered and amended."""

from fastapi import Response

from mainstay.web.routes import Caller, Routes
from renewals.api.contract_views import ContractView, OneTimeView
from renewals.api.good_customers import JudgementView
from renewals.api.handlers import Handlers
from renewals.api.reading import ContractId
from renewals.api.schemas import AmendmentBody, ContractBody
from renewals.application.changing import as_a_whole
from renewals.domain import amending
from renewals.domain.contracts import CANCELLED, Contract, Kind


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
