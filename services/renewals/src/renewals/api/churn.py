"""Routes: how terms came out, and the reviews of customers that left."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field, StrictBool, StringConstraints

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.problems import ProblemError
from mainstay.web.routes import Caller, Routes
from renewals.api.cursors import check, next_page, page_at
from renewals.api.good_customers import JudgementView
from renewals.api.handlers import Handlers
from renewals.api.problems import RANGE_BACKWARDS
from renewals.api.reading import Day, Moment, OfAccount, TermId, term_of
from renewals.api.schemas import MoneyView, Request, money_view
from renewals.application.announcing import term_id
from renewals.application.churn import Ended, Lost, Place, ReviewState, Sought
from renewals.application.moments import When
from renewals.domain.civil import ONE_DAY
from renewals.domain.good_customers import Judgement, Verdict
from renewals.domain.outcomes import ChurnReason, RenewalOutcome, Review
from renewals.domain.terms import rounded

BACK = timedelta(days=120)
"""How far /outcomes looks back where `from` is not given."""

MOST_TERMS = 999_999_999

Prose = Annotated[
    str,
    StringConstraints(min_length=1, max_length=10_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"),
]


class ReviewBody(Request):
    """What was learnt from a lost customer; null: not known yet. A review that is done has said all of the middle."""

    went_well: Prose | None = None
    went_badly: Prose | None = None
    reason: ChurnReason | None = None
    was_expected: StrictBool | None = None
    was_avoidable: StrictBool | None = None
    was_good_customer: StrictBool | None = None
    win_back_on: Day | None = Field(default=None, description="The day to try again")
    is_done: StrictBool = False


class ReviewView(BaseModel):
    """A review as it stands, and whether the criteria of then call the customer a good one."""

    reason: ChurnReason | None
    went_well: str | None
    went_badly: str | None
    was_expected: bool | None
    was_avoidable: bool | None
    was_good_customer: bool | None
    win_back_on: date | None
    is_done: bool
    verdict: Verdict
    criteria_version: int | None
    recorded_at: datetime
    recorded_by: str


class OutcomeView(BaseModel):
    """How a term came out: the ARR that was due, and that with which it went on."""

    account_id: str
    contract_id: str
    term_id: str
    ended_on: date = Field(description="The last day that was served")
    outcome: RenewalOutcome
    due: MoneyView
    renewed: MoneyView
    renewed_by: list[str] = Field(description="The contracts that renewed it, where it was not its own")
    customer_left: bool = Field(description="Nothing else of the account's went on")
    reason: str | None = Field(description="Of what churned: what was said when it ended")
    review: ReviewView | None

    @classmethod
    def of(cls, ended: Ended) -> "OutcomeView":
        """An outcome as it is told."""
        contract, came_out = ended.contract, ended.outcome
        churned = came_out.outcome is RenewalOutcome.CHURNED
        said = contract.cancellation.reason if contract.cancellation else "not renewed"
        return cls(
            account_id=contract.account_id,
            contract_id=contract.id,
            term_id=term_id(contract.id, ended.at.number),
            ended_on=ended.at.ended_before - ONE_DAY,
            outcome=came_out.outcome,
            due=money_view(rounded(came_out.due, contract.currency).amount, contract.currency),
            renewed=money_view(rounded(came_out.renewed, contract.currency).amount, contract.currency),
            renewed_by=list(ended.renewed_by),
            customer_left=ended.customer_left,
            reason=said if churned else None,
            review=_review(ended),
        )


class JudgedOutcomeView(OutcomeView):
    """A lost term, with what the criteria say of the customer."""

    good_customer: JudgementView


def _review(ended: Ended) -> ReviewView | None:
    kept = ended.kept
    if kept is None:
        return None
    said = kept.review
    return ReviewView(
        reason=said.reason,
        went_well=said.went_well,
        went_badly=said.went_badly,
        was_expected=said.was_expected,
        was_avoidable=said.was_avoidable,
        was_good_customer=said.was_good_customer,
        win_back_on=said.win_back_on,
        is_done=said.is_done,
        verdict=Verdict(kept.verdict),
        criteria_version=kept.criteria_version,
        recorded_at=kept.recorded_at,
        recorded_by=kept.recorded_by,
    )


def _judged(ended: Ended, judged: Judgement) -> JudgedOutcomeView:
    return JudgedOutcomeView(**dict(OutcomeView.of(ended)), good_customer=JudgementView.of(judged))


def _from(kind: str, cursor: str | None, when: When, now: datetime) -> tuple[When, Place | None]:
    """The moment that a page speaks of, and after which place it begins."""
    when, place = page_at(kind, cursor, when, tuple[date, str, int])
    if place is not None:
        check(place[0])
        place = (*place[:2], max(0, min(place[2], MOST_TERMS)))
    return When(when.as_of, when.known_at or now), place


def _page(kind: str, when: When, found: Sequence[Ended], place: Place | None) -> Page[OutcomeView]:
    return Page(
        data=[OutcomeView.of(each) for each in found],
        next_cursor=next_page(kind, when, when.known_at, place) if place else None,
    )


def churn_routes(handlers: Handlers) -> Routes:
    """Outcomes, and reviews of customers that left."""
    routes = Routes(tag="outcomes")

    @routes.get("/outcomes", scope="renewals:read", answers=Page[OutcomeView])
    async def list_outcomes(
        moment: Moment,
        first: Annotated[Day | None, Query(alias="from", description="Default: 120 days before `to`")] = None,
        last: Annotated[Day | None, Query(alias="to", description="Default: today in UTC")] = None,
        account_id: OfAccount = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[OutcomeView]:
        """How the terms came out whose last day lies in the range: renewed, expanded, contracted or churned.

        With `as_of` those that had come out by that day, by what was known at `known_at`.
        """
        now = handlers.clock.now()
        when, after = _from("outcomes", cursor, moment, now)
        until = last or when.today(now)
        begin = first or until - BACK
        if until < begin:
            raise ProblemError(RANGE_BACKWARDS, f"to ({until}) lies before from ({begin})")
        sought = Sought(first=begin, last=until, account_id=account_id)
        return _page("outcomes", when, *await handlers.outcomes.ended(sought, when, after=after, limit=limit))

    @routes.get("/churn-reviews", scope="renewals:read", answers=Page[OutcomeView])
    async def list_reviews(
        moment: Moment,
        state: Annotated[ReviewState | None, Query(description="Default: both")] = None,
        first: Annotated[Day | None, Query(alias="from", description="Who left on this day or later")] = None,
        last: Annotated[Day | None, Query(alias="to", description="Who left on this day or before")] = None,
        win_back_by: Annotated[
            Day | None, Query(description="Whom a review says to win back on this day or before")
        ] = None,
        account_id: OfAccount = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[OutcomeView]:
        """Terms with which a customer left, the longest ago first; open until a review says that it is done.

        With `as_of` who had left by that day; `known_at` decides which contracts and reviews were on record.
        """
        when, after = _from("reviews", cursor, moment, handlers.clock.now())
        lost = Lost(first=first, last=last, account_id=account_id, state=state, win_back_by=win_back_by)
        return _page("reviews", when, *await handlers.outcomes.left(lost, when, after=after, limit=limit))

    @routes.get("/renewals/{term_id}/review", scope="renewals:read", answers=JudgedOutcomeView)
    async def get_review(term_id: TermId, when: Moment) -> JudgedOutcomeView:
        """A term that had churned, its review, and what the criteria in force say of the customer."""
        return _judged(*await handlers.outcomes.one(*term_of(term_id), when))

    @routes.put("/renewals/{term_id}/review", scope="renewals:write", answers=JudgedOutcomeView)
    async def put_review(term_id: TermId, body: ReviewBody, caller: Caller) -> JudgedOutcomeView:
        """Review a term that churned. The review stands as a whole; the one before is kept for `known_at` of figures.

        One that is done has a reason, and says whether it was expected, avoidable, and a good customer.
        """
        review = Review(**body.model_dump())
        return _judged(*await handlers.outcomes.review(*term_of(term_id), review, by=caller.id))

    return routes
