"""Routes: the board of renewals, one renewal, and whose it is."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Query

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Caller, Routes
from renewals.api.handlers import Handlers
from renewals.api.policy import Name
from renewals.api.problems import RANGE_BACKWARDS
from renewals.api.reading import AsOf, Day, KnownAt, OfAccount, TermId, term_of
from renewals.api.renewal_views import BoardAnswer, RenewalDetail, RenewalView, TotalView
from renewals.api.schemas import Reason, Request
from renewals.application.board import When, place_of
from renewals.application.renewal_ports import Filters
from renewals.domain.errors import EARLIEST_START
from renewals.domain.renewal import RenewalState

AHEAD = timedelta(days=120)
"""How far /renewals looks where `to` is not given."""
BEHIND = timedelta(days=366)
"""How far it looks back for renewals in grace where `from` is not given; no grace is longer."""

State = Annotated[
    list[RenewalState] | None, Query(max_length=len(RenewalState), description="Only those that stand there; repeat it")
]


class OwnerBody(Request):
    """Who is to answer for a renewal; null: whom the policy says."""

    owner: Name | None
    reason: Reason


def renewal_routes(handlers: Handlers) -> Routes:
    """Read renewals, and hand them over."""
    routes = Routes(tag="renewals")

    @routes.get("/renewals", scope="renewals:read", answers=BoardAnswer)
    async def list_renewals(
        first: Annotated[
            Day | None, Query(alias="from", description="Default: today in UTC; for `state=grace` a year before")
        ] = None,
        last: Annotated[Day | None, Query(alias="to", description="Default: 120 days after today, or `from`")] = None,
        account_id: OfAccount = None,
        state: State = None,
        owner: Annotated[Name | None, Query(description="Only those that this person or team owns")] = None,
        tier: Annotated[Name | None, Query(description="Only those of accounts of this tier")] = None,
        segment: Annotated[Name | None, Query(description="Only those of accounts of this segment")] = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> BoardAnswer:
        """Renewals whose last day, as agreed, lies in the range, both ends included; soonest first.

        `totals` are over all of them, and stand on the first page.
        """
        today = as_of or (known_at or handlers.clock.now()).date()
        states = frozenset(state or ())
        begin = first or max(today - BEHIND if states == {RenewalState.GRACE} else today, EARLIEST_START)
        until = last or max(begin, today) + AHEAD
        if until < begin:
            raise ProblemError(RANGE_BACKWARDS, f"to ({until}) lies before from ({begin})")
        wanted = Filters(
            first=begin, last=until, account_id=account_id, states=states, owner=owner, tier=tier, segment=segment
        )
        after = decode_cursor("renewals", cursor, tuple[date, str, int]) if cursor is not None else None
        found = await handlers.renewals.board(wanted, When(as_of, known_at), after=after, limit=limit)
        place = place_of(found.cards[-1].standing) if found.has_more else None
        return BoardAnswer(
            data=[RenewalView.of(card) for card in found.cards],
            next_cursor=encode_cursor("renewals", place) if place else None,
            totals=None if found.totals is None else TotalView.all_of(found.totals),
        )

    @routes.get("/renewals/{term_id}", scope="renewals:read", answers=RenewalDetail)
    async def get_renewal(term_id: TermId, as_of: AsOf = None, known_at: KnownAt = None) -> RenewalDetail:
        """One renewal: its term and contract, milestones, health, owner, what it went through, and what can be done."""
        contract_id, number = term_of(term_id)
        return RenewalDetail.about(await handlers.renewals.one(contract_id, number, When(as_of, known_at)))

    @routes.put("/renewals/{term_id}/owner", scope="renewals:write", answers=RenewalDetail)
    async def hand_over_renewal(term_id: TermId, body: OwnerBody, caller: Caller) -> RenewalDetail:
        """Hand a renewal over. Whose it was is kept, with the reason; a renewal that is closed stays whose it is."""
        contract_id, number = term_of(term_id)
        await handlers.hand_over(contract_id, number, body.owner, body.reason, by=caller.id)
        return RenewalDetail.about(await handlers.renewals.one(contract_id, number, When()))

    return routes
