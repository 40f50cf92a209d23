"""Routes: contracts as they stood on a day, as they were known at an instant, and what was recorded of them."""

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.routes import Routes
from renewals.api.contract_views import ContractView, RevisionView
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.reading import ContractId, Moment, OfAccount
from renewals.application.moments import When
from renewals.domain.contracts import Contract


def contract_reading_routes(handlers: Handlers) -> Routes:
    """Read contracts, on both axes of time."""
    routes = Routes(tag="contracts")
    now = handlers.clock.now

    def shown(contract: Contract, when: When) -> ContractView:
        return ContractView.of(when.shown(contract), when.day_of(contract, now()))

    @routes.get("/contracts", scope="renewals:read", answers=Page[ContractView])
    async def list_contracts(
        moment: Moment,
        account_id: OfAccount = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[ContractView]:
        """Contracts in the order in which they were entered."""
        when, after = page_at("contracts", cursor, moment, str)
        asked = {"account_id": account_id, "after": after}
        async with handlers.work() as work:
            if when.known_at is None:
                found = await work.contracts.page(**asked, limit=limit + 1)
            else:
                found = await work.ledger.known(when.known_at, **asked, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:
            place = next_page("contracts", when, when.known_at or now(), page[-1].id)
        return Page(data=[shown(contract, when) for contract in page], next_cursor=place)

    @routes.get("/contracts/{contract_id}", scope="renewals:read", answers=ContractView)
    async def get_contract(contract_id: ContractId, when: Moment) -> ContractView:
        """One contract with all its terms; with `as_of`, those that had begun."""
        async with handlers.work() as work:
            if when.known_at is None:
                return shown(await work.contracts.get(contract_id), when)
            return shown(await work.ledger.revision(contract_id, when.known_at), when)

    @routes.get("/contracts/{contract_id}/revisions", scope="renewals:read", answers=Page[RevisionView])
    async def list_revisions(
        contract_id: ContractId, moment: Moment, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[RevisionView]:
        """What was known of a contract, since when, from whom and why; oldest first.

        With `as_of` each shows the contract as it stood on that day, else as on the day on which it was recorded.
        """
        when, after = page_at("revisions", cursor, moment, int)
        known_at = when.known_at or now()
        async with handlers.work() as work:
            await work.ledger.revision(contract_id, known_at)
            found = await work.ledger.revisions(contract_id, known_at=known_at, after=after or 0, limit=limit + 1)
        page, place = found[:limit], None
        if len(found) > limit:
            place = next_page("revisions", when, known_at, page[-1].number)
        return Page(data=[RevisionView.of(revision, when.as_of) for revision in page], next_cursor=place)

    return routes
