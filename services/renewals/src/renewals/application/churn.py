"""Outcomes of terms, and the reviews of customers that left."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from mainstay.kernel.clock import Clock
from renewals.application.announcing import term_id
from renewals.application.good_customers import GoodCustomers, facts_of, tenure_months
from renewals.application.moments import When
from renewals.application.ports import OpensWork, Work
from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import Contract
from renewals.domain.errors import AccountErased, TermUnknown
from renewals.domain.good_customers import Fact, Judgement
from renewals.domain.outcomes import (
    KeptReview,
    NotChurned,
    RenewalOutcome,
    Review,
    TermOutcome,
    customer_left,
    outcome_of,
)
from renewals.domain.terms import TermKey

AT_ONCE = 200
"""Terms that are looked at between two statements."""

Place = tuple[date, str, int]
"""Where a list goes on: after the term that ended before this day, of this contract, with this number."""


class ReviewState(StrEnum):
    """Whether the review of a lost customer is still to be done."""

    OPEN = "open"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class EndedTerm:
    """A term that may have come to its end: `ended_before` is the first day without it.

    `successors` are the contracts that renewed its own.
    """

    contract_id: str
    number: int
    ended_before: date
    successors: tuple[str, ...]

    @property
    def key(self) -> TermKey:
        """Which term it is."""
        return self.contract_id, self.number

    @property
    def place(self) -> Place:
        """Where it stands in lists."""
        return self.ended_before, self.contract_id, self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Which terms: whose last day lies in `[first, last]`, of an account; None: whatever it is."""

    first: date | None = None
    last: date | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(Sought):
    """Which of those that nothing followed, by what their review says; with `win_back_by`, whom it says to try by then.

    `state` is None for both.
    """

    state: ReviewState | None = None
    win_back_by: date | None = None


class ChurnBook(Protocol):
    """Terms and reviews as they were known at an instant, within one transaction."""

    async def ended(
        self, sought: Sought, *, day: date, known_at: datetime, after: Place | None, limit: int
    ) -> Sequence[EndedTerm]:
        """Up to `limit` terms of recurring contracts, oldest end first, after the given place.

        Those are among them that came out by a day, and some that did not: contracts tell which.
        """

    async def one(self, contract_id: str, number: int, known_at: datetime) -> EndedTerm | None:
        """A term, if a day of it is served."""

    async def successors(self, contract_ids: Collection[str], known_at: datetime) -> Mapping[str, Sequence[str]]:
        """The contracts that renew each of those that others do."""

    async def reviews(self, terms: Collection[TermKey], known_at: datetime) -> Mapping[TermKey, KeptReview]:
        """The latest review of each of those terms that had one."""

    async def add(self, contract_id: str, number: int, kept: KeptReview) -> None:
        """Keep a review beside those of before."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A term that is over, what became of it, and its review if there is one.

    `customer_left`: it churned, and the account had no other recurring contract that went on.
    """

    at: EndedTerm
    contract: Contract
    outcome: TermOutcome
    customer_left: bool
    kept: KeptReview | None

    @property
    def renewed_by(self) -> Sequence[str]:
        """The contracts that renewed the term, where none of its own contract followed it."""
        return self.at.successors if self.contract.latest.number == self.at.number else ()


class Outcomes:
    """Answers how terms came out, on a day and as it was known, and keeps what people say about those that were lost.

    Both the past and the present are worked out of the ledger's revisions, by the same rules.
    """

    def __init__(self, work: OpensWork, good: GoodCustomers, clock: Clock) -> None:
        self._work = work
        self._good = good
        self._clock = clock

    async def ended(
        self, sought: Sought, when: When, *, after: Place | None, limit: int
    ) -> tuple[Sequence[Ended], Place | None]:
        """Up to `limit` terms that came out by the day, oldest end first, and where the list goes on."""
        return await self._listed(sought, when, after, limit)

    async def left(
        self, lost: Lost, when: When, *, after: Place | None, limit: int
    ) -> tuple[Sequence[Ended], Place | None]:
        """Up to `limit` terms with which customers left, oldest end first, and where the list goes on."""
        return await self._listed(lost, when, after, limit)

    async def one(self, contract_id: str, number: int, when: When) -> tuple[Ended, Judgement]:
        """A term that churned, with what the criteria say of the customer. Raises `TermUnknown`, `NotChurned`."""
        async with self._work() as work:
            ended = await self._churned(work, contract_id, number, when)
            return ended, await self._judge(work, ended, when)

    async def review(self, contract_id: str, number: int, review: Review, *, by: str) -> tuple[Ended, Judgement]:
        """Keep a review in the place of the one before. Raises `TermUnknown`, `NotChurned` and `AccountErased`."""
        async with self._work() as work:
            ended = await self._churned(work, contract_id, number, When())
            if not await work.accounts.lock([ended.contract.account_id]):
                raise AccountErased(ended.contract.account_id)
            judged = await self._judge(work, ended, When())
            kept = KeptReview(review, self._clock.now(), by, judged.verdict.value, judged.version)
            await work.churn.add(contract_id, number, kept)
            return replace(ended, kept=kept), judged

    async def _listed(
        self, sought: Sought, when: When, after: Place | None, limit: int
    ) -> tuple[Sequence[Ended], Place | None]:
        now, found = self._clock.now(), list[Ended]()
        day, known_at = when.today(now) + ONE_DAY, when.known_at or now  # it is tomorrow already in the east
        async with self._work() as work:
            while len(found) <= limit:
                terms = await work.churn.ended(sought, day=day, known_at=known_at, after=after, limit=AT_ONCE)
                came_out = await _came_out(work, terms, when, now)
                found += [each for each in came_out if _takes(sought, each)]
                if len(terms) < AT_ONCE:
                    break
                after = terms[-1].place
        return found[:limit], found[limit - 1].at.place if len(found) > limit else None

    async def _churned(self, work: Work, contract_id: str, number: int, when: When) -> Ended:
        now, name = self._clock.now(), term_id(contract_id, number)
        known_at = when.known_at or now
        contracts = await work.renewals.known([contract_id], known_at)
        if not any(term.number == number for contract in contracts for term in when.shown(contract).terms):
            raise TermUnknown(name)
        at = await work.churn.one(contract_id, number, known_at)
        ended = await _came_out(work, [at] if at else [], when, now)
        if not ended or ended[0].outcome.outcome is not RenewalOutcome.CHURNED:
            raise NotChurned(name)
        return ended[0]

    async def _judge(self, work: Work, ended: Ended, when: When) -> Judgement:
        account_id = ended.contract.account_id
        profile = (await work.profiles.of_accounts([account_id], when)).get(account_id)
        tenure = tenure_months(ended.contract, ended.at.ended_before)
        facts = {**facts_of(ended.contract, ended.at.number, profile), Fact.TENURE_MONTHS: tenure}
        return await self._good.judge(work, facts, ended.contract.currency, when)


async def outcomes_of(
    work: Work, terms: Collection[TermKey], when: When, now: datetime
) -> Mapping[TermKey, tuple[Contract, TermOutcome | None]]:
    """Contracts as they were known, with how these terms of theirs came out by the day; None: they did not yet."""
    known_at = when.known_at or now
    ids = {contract_id for contract_id, _ in terms}
    successors = await work.churn.successors(ids, known_at)
    wanted = ids.union(*successors.values())
    contracts = {each.id: each for each in await work.renewals.known(wanted, known_at)}
    renewed_on = await work.renewals.renewed_by(ids, known_at)
    return {
        (contract_id, number): (
            contract,
            outcome_of(
                contract,
                number,
                [contracts[each] for each in successors.get(contract_id, ()) if each in contracts],
                when.day_of(contract, now),
                renewed_on=renewed_on.get(contract_id),
            ),
        )
        for contract_id, number in terms
        if (contract := contracts.get(contract_id))
    }


def _takes(sought: Sought, ended: Ended) -> bool:
    is_theirs = sought.account_id in {None, ended.contract.account_id}
    return is_theirs and (ended.customer_left or not isinstance(sought, Lost))


async def _came_out(work: Work, terms: Sequence[EndedTerm], when: When, now: datetime) -> Sequence[Ended]:
    """Those of the terms that came out by the day, by what was known."""
    known_at = when.known_at or now
    outcomes = await outcomes_of(work, [each.key for each in terms], when, now)
    came_out = [
        (each, replace(contract, account_id=when.shown(contract).account_id), outcome)
        for each in terms
        for contract, outcome in [outcomes[each.key]]
        if outcome is not None
    ]
    churned = {of.account_id for _, of, outcome in came_out if outcome.outcome is RenewalOutcome.CHURNED}
    others = defaultdict[str, list[Contract]](list)
    for contract in await work.ledger.of_accounts(churned, known_at):
        others[when.shown(contract).account_id].append(contract)
    reviews = await work.churn.reviews([each.key for each, _, _ in came_out], known_at)
    return [
        Ended(
            each,
            contract,
            outcome,
            outcome.outcome is RenewalOutcome.CHURNED
            and customer_left(contract, each.number, others[contract.account_id]),
            reviews.get(each.key),
        )
        for each, contract, outcome in came_out
    ]
