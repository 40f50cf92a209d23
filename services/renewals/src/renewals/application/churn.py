"""Outcomes of terms, and the reviews of customers that left."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from mainstay.kernel.clock import Clock
from renewals.application.announcing import term_id
from renewals.application.good_customers import GoodCustomers, facts_of, tenure_months
from renewals.application.ports import OpensWork, Work
from renewals.domain.contracts import Contract
from renewals.domain.errors import AccountErased, TermUnknown
from renewals.domain.good_customers import Fact, Judgement
from renewals.domain.outcomes import (
    KeptReview,
    NotChurned,
    RenewalOutcome,
    Review,
    TermOutcome,
    outcome_of,
)

Place = tuple[date, str, int]
"""Where a list goes on: after the term that ended before this day, of this contract, with this number."""


class ReviewState(StrEnum):
    """Whether the review of a lost customer is still to be done."""

    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class EndedTerm:
    """A term that is over and out of grace: `ended_before` is the first day without it, `successor` what renewed it.

    `customer_left`: the account had no other recurring contract that went on.
    """

    contract_id: str
    number: int
    ended_before: date
    successor: str | None
    customer_left: bool


class ChurnBook(Protocol):
    """Ended terms and reviews, within one transaction."""

    async def ended(
        self, now: datetime, *, first: date, last: date, account_id: str | None, after: Place | None, limit: int
    ) -> Sequence[EndedTerm]:
        """Up to `limit` terms of recurring contracts that came to their end on days of a range, oldest first."""

    async def left(
        self,
        now: datetime,
        *,
        state: ReviewState | None,
        first: date | None,
        last: date | None,
        win_back_by: date | None,
        account_id: str | None,
        after: Place | None,
        limit: int,
    ) -> Sequence[EndedTerm]:
        """Up to `limit` terms with which a customer left on days of a range, oldest first, by what their review says.

        With `win_back_by` those that it says to win back by then.
        """

    async def one(self, now: datetime, contract_id: str, number: int) -> EndedTerm | None:
        """A term, if it is over and out of grace."""

    async def reviews(self, terms: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], KeptReview]:
        """The latest review of each of those terms that has one."""

    async def add(self, contract_id: str, number: int, kept: KeptReview) -> None:
        """Keep a review beside those of before."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A term that is over, what became of it, and its review if there is one."""

    at: EndedTerm
    contract: Contract
    outcome: TermOutcome
    kept: KeptReview | None


class Outcomes:
    """Answers how terms came out, and keeps what people say about those that were lost."""

    def __init__(self, work: OpensWork, good: GoodCustomers, clock: Clock) -> None:
        self._work = work
        self._good = good
        self._clock = clock

    async def ended(
        self, *, first: date, last: date, account_id: str | None, after: Place | None, limit: int
    ) -> tuple[Sequence[Ended], Place | None]:
        """Up to `limit` terms that came to their end in a range of days, oldest first, and where the list goes on."""
        now = self._clock.now()
        async with self._work() as work:
            terms = await work.churn.ended(
                now, first=first, last=last, account_id=account_id, after=after, limit=limit + 1
            )
            return await _with_contracts(work, terms[:limit], now), _place(terms, limit)

    async def left(
        self,
        *,
        state: ReviewState | None,
        first: date | None,
        last: date | None,
        win_back_by: date | None,
        account_id: str | None,
        after: Place | None,
        limit: int,
    ) -> tuple[Sequence[Ended], Place | None]:
        """Up to `limit` terms with which customers left, oldest first, and where the list goes on."""
        now = self._clock.now()
        async with self._work() as work:
            terms = await work.churn.left(
                now,
                state=state,
                first=first,
                last=last,
                win_back_by=win_back_by,
                account_id=account_id,
                after=after,
                limit=limit + 1,
            )
            return await _with_contracts(work, terms[:limit], now), _place(terms, limit)

    async def one(self, contract_id: str, number: int) -> tuple[Ended, Judgement]:
        """A term that churned, with what the criteria say of the customer now. Raises `TermUnknown`, `NotChurned`."""
        async with self._work() as work:
            ended = await self._churned(work, contract_id, number)
            return ended, await self._judge(work, ended)

    async def review(self, contract_id: str, number: int, review: Review, *, by: str) -> tuple[Ended, Judgement]:
        """Keep a review in the place of the one before. Raises `TermUnknown`, `NotChurned` and `AccountErased`."""
        async with self._work() as work:
            ended = await self._churned(work, contract_id, number)
            if not await work.accounts.lock([ended.contract.account_id]):
                raise AccountErased(ended.contract.account_id)
            judged = await self._judge(work, ended)
            kept = KeptReview(review, self._clock.now(), by, judged.verdict.value, judged.version)
            await work.churn.add(contract_id, number, kept)
            return Ended(ended.at, ended.contract, ended.outcome, kept), judged

    async def _churned(self, work: Work, contract_id: str, number: int) -> Ended:
        now, name = self._clock.now(), term_id(contract_id, number)
        found = await work.contracts.some([contract_id])
        if not any(term.number == number for contract in found.values() for term in contract.terms):
            raise TermUnknown(name)
        at = await work.churn.one(now, contract_id, number)
        ended = await _with_contracts(work, [at] if at else [], now)
        if not ended or ended[0].outcome.outcome is not RenewalOutcome.CHURNED:
            raise NotChurned(name)
        return ended[0]

    async def _judge(self, work: Work, ended: Ended) -> Judgement:
        profile = (await work.profiles.of_accounts([ended.contract.account_id])).get(ended.contract.account_id)
        tenure = tenure_months(ended.contract, ended.at.ended_before)
        facts = {**facts_of(ended.contract, ended.at.number, profile), Fact.TENURE_MONTHS: tenure}
        return await self._good.judge(work, facts, ended.contract.currency)


def _place(terms: Sequence[EndedTerm], limit: int) -> Place | None:
    if len(terms) <= limit:
        return None
    last = terms[limit - 1]
    return last.ended_before, last.contract_id, last.number


async def _with_contracts(work: Work, terms: Sequence[EndedTerm], now: datetime) -> Sequence[Ended]:
    names = {each.contract_id for each in terms} | {each.successor for each in terms if each.successor}
    contracts = await work.contracts.some(names)
    reviews = await work.churn.reviews([(each.contract_id, each.number) for each in terms])
    found = []
    for each in terms:
        contract = contracts[each.contract_id]
        successor = contracts.get(each.successor) if each.successor else None
        outcome = outcome_of(contract, each.number, successor, now.date())
        if outcome is not None:
            found.append(Ended(each, contract, outcome, reviews.get((each.contract_id, each.number))))
    return found
