"""Routes: what other systems say otherwise than the ledger, and whose word holds."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Path, Query
from pydantic import BaseModel, Field

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.routes import Caller, Routes
from renewals.api.handlers import Handlers
from renewals.api.reading import OfAccount
from renewals.api.schemas import ExternalId, Reason, Request
from renewals.application.resolving import Side
from renewals.application.sources import ConflictState, ContractConflict
from renewals.domain.reconciling import ConflictKind

ConflictId = Annotated[str, Path(max_length=100)]


class ConflictView(BaseModel):
    """One field of a contract, as it is here and as a source has it, and why that was not taken over."""

    id: str
    source: str
    external_id: str
    account_id: str = Field(description="The account that the source names")
    contract_id: str | None = Field(description="null where the source's contract is not entered")
    kind: ConflictKind
    field: str = Field(description="As in POST /v1/contracts; of a term `terms.<number>.<field>`, or `terms.<number>`")
    here: Any
    there: Any
    detail: str
    since: datetime
    state: ConflictState
    resolved_at: datetime | None
    resolved_by: str | None
    reason: str | None

    @classmethod
    def of(cls, conflict: ContractConflict) -> Self:
        """As the API shows it."""
        return cls(**{name: getattr(conflict, name) for name in cls.model_fields})


class ResolutionBody(Request):
    """Whose word holds. `theirs` amends the contract now; `ours` stands until the source says something else."""

    take: Side
    reason: Reason


def conflict_routes(handlers: Handlers) -> Routes:
    """See conflicts, and decide them."""
    routes = Routes(tag="conflicts")

    @routes.get("/contract-conflicts", scope="renewals:read", answers=Page[ConflictView])
    async def list_conflicts(
        account_id: OfAccount = None,
        source: Annotated[ExternalId | None, Query(description="Only this source's")] = None,
        kind: Annotated[ConflictKind | None, Query()] = None,
        state: Annotated[ConflictState | None, Query()] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[ConflictView]:
        """Conflicts, oldest first; one ends by itself when both sides agree."""
        after = decode_cursor("contract-conflicts", cursor, tuple[str])[0] if cursor is not None else None
        async with handlers.work() as work:
            found = await work.sources.conflicts(
                account_id=account_id, source=source, kind=kind, state=state, after=after, limit=limit + 1
            )
        page = found[:limit]
        more = len(found) > limit
        return Page(
            data=[ConflictView.of(conflict) for conflict in page],
            next_cursor=encode_cursor("contract-conflicts", [page[-1].id]) if more else None,
        )

    @routes.post("/contract-conflicts/{conflict_id}/resolution", scope="renewals:write", answers=ConflictView)
    async def resolve_conflict(conflict_id: ConflictId, body: ResolutionBody, caller: Caller) -> ConflictView:
        """Decide a conflict. Taken over is what the source says now, as an amendment with this reason."""
        return ConflictView.of(await handlers.resolve(conflict_id, body.take, by=caller.id, reason=body.reason))

    return routes
