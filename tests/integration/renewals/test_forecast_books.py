"""Cohorts, and what a forecast says is due and decided, against a slow and obvious count on books made up at random."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import partial
from random import Random
from typing import Any, TypeVar

from renewals.application.cohorts import CohortScope, Size
from renewals.application.forecast_book import Scope
from renewals.application.ports import Note, Work
from renewals.domain.civil import ONE_DAY, add_months
from renewals.domain.cohorts import Cohort, CohortPoint
from renewals.domain.contracts import Contract
from renewals.domain.ledger import Line, LineKind, lines
from renewals.domain.retention import Every
from tests.integration.renewals.office import Office
from tests.integration.renewals.test_figures import BOOKS, DAY, NOW, RATES, book, cents

TODAY = NOW.date()
WORTH = {currency: rate for currency, (rate, _) in RATES.items()}
MONTHS, STEP = 24, 3

A = TypeVar("A")


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


async def asked(office: Office, contracts: Sequence[Contract], ask: Callable[[Work], Awaitable[A]]) -> A:
    """What is answered of a book that is entered, asked and forgotten."""
    found: list[A] = []
    with suppress(_Undone):
        async with office.service.work() as work:
            await work.accounts.lock({each.account_id for each in contracts})
            for contract in contracts:
                await work.contracts.add(contract, Note(NOW, "tests", "made up"))
            found.append(await ask(work))
            raise _Undone
    return found[0]


def of_customers(contracts: Sequence[Contract]) -> dict[str, list[Line]]:
    """Lines of what runs, by who has the contract today."""
    found = defaultdict[str, list[Line]](list)
    for contract in contracts:
        holders = [each.account_id for each in contract.holders if each.since is None or each.since <= TODAY]
        runs = [line for line in lines(contract) if line.kind is LineKind.RUNS]
        found[holders[-1] if holders else contract.account_id] += runs
    return found


def is_bridged(runs: Sequence[Line], first: date, last: date) -> bool:
    """Whether every day has something that runs, or lies in the grace of what ended and something follows within it."""
    for n in range((last - first).days + 1):
        day = first + n * DAY
        if any(run.start <= day < run.end_exclusive for run in runs):
            continue
        following = min((run.start for run in runs if run.start >= day), default=date.max)
        if not any(run.end_exclusive <= day and run.end_exclusive + run.grace_days * DAY >= following for run in runs):
            return False
    return True


def slow_cohorts(contracts: Sequence[Contract], *, returning: bool) -> list[Cohort]:
    members = defaultdict[date, list[list[Line]]](list)
    for runs in of_customers(contracts).values():
        if runs:
            begun = min(run.start for run in runs)
            members[date(begun.year, (begun.month - 1) // 3 * 3 + 1, 1)].append(runs)
    found = []
    for first, customers in sorted(members.items()):
        last = add_months(first, 3) - ONE_DAY
        points = []
        opening = Decimal(0)
        counted = 0
        for months in range(0, MONTHS + 1, STEP):
            if add_months(last, months) > TODAY:
                break
            kept = closing = Decimal(0)
            stayed = 0
            for runs in customers:
                begun = min(run.start for run in runs)
                here, base = arr(runs, add_months(begun, months)), arr(runs, begun)
                if not returning and not is_bridged(runs, begun, add_months(begun, months)):
                    here = Decimal(0)
                if not months:
                    opening += base
                    counted += base > 0
                kept, closing, stayed = kept + min(here, base), closing + here, stayed + (here > 0)
            points.append(CohortPoint(months, stayed, kept, closing))
        if points:
            found.append(Cohort(first, last, counted, opening, tuple(points)))
    return found


def arr(runs: Sequence[Line], day: date) -> Decimal:
    worth = (Fraction(run.arr) * WORTH[run.currency] for run in runs if run.start <= day < run.end_exclusive)
    return cents(sum(worth, Fraction(0)))


async def cohorts(scope: CohortScope, work: Work) -> Sequence[Cohort]:
    return await work.cohorts.cohorts(scope)


async def test_cohorts_are_those_of_a_slow_and_obvious_count(office: Office) -> None:
    came_back = 0
    for seed in range(BOOKS):
        contracts = book(Random(seed))
        found = {}
        for returning in (False, True):
            firsts = [add_months(date(2022, 1, 1), 3 * n) for n in range(18)]
            rates = {(first, currency): rate for first in firsts for currency, rate in WORTH.items()}
            scope = CohortScope(
                firsts[0], TODAY, Size.QUARTER, MONTHS, STEP, TODAY, NOW, "EUR", returning=returning, rates=rates
            )
            ask = partial(cohorts, scope)
            found[returning] = await asked(office, contracts, ask)
            assert found[returning] == slow_cohorts(contracts, returning=returning), (seed, returning)
        came_back += found[False] != found[True]
        for cohort in found[False]:
            for point in cohort.points:
                grr, nrr = cohort.grr(point), cohort.nrr(point)
                assert grr is not None
                assert nrr is not None
                assert grr <= min(nrr, Decimal(1))
    assert came_back >= 3


def slow_outlook(contracts: Sequence[Contract], t0: date, t1: date) -> dict[str, tuple[int, Decimal]]:
    """How many renewals, and how much ARR, by what became of them."""
    sums = defaultdict[str, list[Any]](lambda: [0, Decimal(0)])
    for contract in contracts:
        said = lines(contract)
        for due in (line for line in said if line.kind is LineKind.DUE and t0 <= line.start < t1):
            renewed = [line for line in said if line.kind is LineKind.RENEWED and line.start == due.start]
            is_over = due.start + contract.grace_days * DAY < TODAY
            status = "won" if renewed else "churned" if is_over else "open"
            [worth] = renewed or [due]
            for name, line in (("due", due), (status, worth)):
                sums[name][0] += 1
                sums[name][1] += cents(Fraction(line.arr) * WORTH[line.currency])
    return {name: (number, amount) for name, (number, amount) in sums.items()}


async def test_what_is_due_and_decided_is_that_of_a_slow_and_obvious_count(office: Office) -> None:
    seen = set[str]()
    t0, t1 = date(2025, 3, 1), date(2027, 3, 1)
    scope = Scope(t0, t1, TODAY, NOW, "EUR", WORTH)
    for seed in range(BOOKS):
        contracts = book(Random(seed))
        found = await asked(office, contracts, lambda work: work.forecasts.outlook(scope, Every.NONE, ()))
        [outlook] = found.values()
        told = {
            "due": (outlook.renewals, outlook.due),
            "open": (outlook.open_renewals, outlook.open_due),
            "won": (outlook.closed_won_renewals, outlook.closed_won),
            "churned": (outlook.churned_renewals, outlook.churned),
        }
        assert {name: each for name, each in told.items() if each[0]} == slow_outlook(contracts, t0, t1), seed
        seen |= {name for name, each in told.items() if each[0]}
    assert seen == {"due", "open", "won", "churned"}
