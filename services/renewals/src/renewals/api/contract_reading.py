"""Routes: contracts as they stood on a day, as they were known at an instant, and what was recorded of them."""

from datetime import date, datetime

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.routes import Routes
from renewals.api.contract_views import ContractView, RevisionView
from renewals.api.handlers import Handlers
from renewals.api.reading import AsOf, ContractId, KnownAt, OfAccount
from renewals.domain.contracts import Contract


def contract_reading_routes(handlers: Handlers) -> Routes:
    """Read contracts, on both axes of time."""
    routes = Routes(tag="contracts")
    now = handlers.clock.now

    def shown(contract: Contract, as_of: date | None = None, known_at: datetime | None = None) -> ContractView:
        if as_of is None:
            return ContractView.of(contract, contract.today(known_at or now()))
        return ContractView.of(contract.as_of(as_of), as_of)

    @routes.get("/contracts", scope="renewals:read", answers=Page[ContractView])
    async def list_contracts(
        account_id: OfAccount = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[ContractView]:
        """Contracts in the order in which they were entered."""
        after = decode_cursor("contracts", cursor, tuple[str])[0] if cursor is not None else None
        asked = {"account_id": account_id, "after": after}
        async with handlers.work() as work:
            if known_at is None:
                found = await work.contracts.page(**asked, limit=limit + 1)
            else:
                found = await work.ledger.known(known_at, **asked, limit=limit + 1)
        page = found[:limit]
        return Page(
            data=[shown(contract, as_of, known_at) for contract in page],
            next_cursor=encode_cursor("contracts", [page[-1].id]) if len(found) > limit else None,
        )

    @routes.get("/contracts/{contract_id}", scope="renewals:read", answers=ContractView)
    async def get_contract(contract_id: ContractId, as_of: AsOf = None, known_at: KnownAt = None) -> ContractView:
        """One contract with all its terms; with `as_of`, those that had begun."""
        async with handlers.work() as work:
            if known_at is None:
                return shown(await work.contracts.get(contract_id), as_of)
            return shown(await work.ledger.revision(contract_id, known_at), as_of, known_at)

    @routes.get("/contracts/{contract_id}/revisions", scope="renewals:read", answers=Page[RevisionView])
    async def list_revisions(
        contract_id: ContractId, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[RevisionView]:
        """What was known of a contract, since when, from whom and why; oldest first."""
        after = decode_cursor("revisions", cursor, tuple[int])[0] if cursor is not None else 0
        async with handlers.work() as work:
            await work.contracts.get(contract_id)
            found = await work.ledger.revisions(contract_id, after=after, limit=limit + 1)
        page = found[:limit]
        return Page(
            data=[RevisionView.of(revision) for revision in page],
            next_cursor=encode_cursor("revisions", [page[-1].number]) if len(found) > limit else None,
        )

    return routes
