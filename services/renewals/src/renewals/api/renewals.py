"""Routes: the board of renewals, one renewal, and whose it is."""

from datetime import date, timedelta
from typing import Annotated

from fastapi import Query

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Caller, Routes
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.policy import Name
from renewals.api.problems import RANGE_BACKWARDS
from renewals.api.reading import Day, Moment, OfAccount, TermId, term_of
from renewals.api.renewal_views import BoardAnswer, RenewalDetail, RenewalView, TotalView
from renewals.api.schemas import Reason, Request
from renewals.application.board import place_of
from renewals.application.moments import NOW
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
        moment: Moment,
        first: Annotated[
            Day | None, Query(alias="from", description="Default: today in UTC; for `state=grace` a year before")
        ] = None,
        last: Annotated[Day | None, Query(alias="to", description="Default: 120 days after today, or `from`")] = None,
        account_id: OfAccount = None,
        state: State = None,
        owner: Annotated[Name | None, Query(description="Only those that this person or team owns")] = None,
        tier: Annotated[Name | None, Query(description="Only those of accounts of this tier")] = None,
        segment: Annotated[Name | None, Query(description="Only those of accounts of this segment")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> BoardAnswer:
        """Renewals whose last day, as agreed, lies in the range, both ends included; soonest first.

        `totals` are over all of them, and stand on the first page.
        """
        now = handlers.clock.now()
        when, after = page_at("renewals", cursor, moment, tuple[date, str, int])
        today = when.today(now)
        states = frozenset(state or ())
        begin = first or max(today - BEHIND if states == {RenewalState.GRACE} else today, EARLIEST_START)
        until = last or max(begin, today) + AHEAD
        if until < begin:
            raise ProblemError(RANGE_BACKWARDS, f"to ({until}) lies before from ({begin})")
        wanted = Filters(
            first=begin, last=until, account_id=account_id, states=states, owner=owner, tier=tier, segment=segment
        )
        found = await handlers.renewals.board(wanted, when, after=after, limit=limit)
        place = None
        if found.has_more:  # the present goes on as the present: the past has to be worked out
            known_at = None if when.is_now else when.known_at or now
            place = next_page("renewals", when, known_at, place_of(found.cards[-1].standing))
        return BoardAnswer(
            data=[RenewalView.of(card) for card in found.cards],
            next_cursor=place,
            totals=None if found.totals is None else TotalView.all_of(found.totals),
        )

    @routes.get("/renewals/{term_id}", scope="renewals:read", answers=RenewalDetail)
    async def get_renewal(term_id: TermId, when: Moment) -> RenewalDetail:
        """One renewal: its term and contract, milestones, health, owner, what it went through, and what can be done."""
        contract_id, number = term_of(term_id)
        return RenewalDetail.about(await handlers.renewals.one(contract_id, number, when))

    @routes.put("/renewals/{term_id}/owner", scope="renewals:write", answers=RenewalDetail)
    async def hand_over_renewal(term_id: TermId, body: OwnerBody, caller: Caller) -> RenewalDetail:
        """Hand a renewal over. Whose it was is kept, with the reason; a renewal that is closed stays whose it is."""
        contract_id, number = term_of(term_id)
        await handlers.hand_over(contract_id, number, body.owner, body.reason, by=caller.id)
        return RenewalDetail.about(await handlers.renewals.one(contract_id, number, NOW))

    return routes
