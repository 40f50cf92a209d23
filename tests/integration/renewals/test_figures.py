"""Figures against a slow and obvious way of computing them, on books made up at random; and what always holds."""

from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import msgspec

from mainstay.web.pages import encode_cursor
from renewals.application.figures import Span
from renewals.application.ports import Note
from renewals.bootstrap import Service
from renewals.domain.amending import assign
from renewals.domain.contracts import AtEnd, Contract, Kind
from renewals.domain.entering import enter
from renewals.domain.ledger import Line, LineKind, lines
from renewals.domain.retention import Expiries, Movements, no_expiries, no_movements
from tests.integration.renewals.office import Office
from tests.unit.renewals.building import stated
from tests.unit.renewals.test_amending import acted

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
T0, T1 = date(2025, 3, 1), date(2026, 3, 1)
RATES = {
    "EUR": (Fraction(1), Fraction(1)),
    "USD": (Fraction("0.9137"), Fraction("0.95")),
    "JPY": (Fraction(1, 163), Fraction(1, 170)),
    "KWD": (Fraction("2.98"), Fraction("3.01")),
}
SPAN = Span(T0, T1, NOW, "EUR", RATES)
DAY = timedelta(days=1)
BOOKS = 8


def book(random: Random, customers: int = 12) -> list[Contract]:
    """Contracts of some customers, with whatever happens to contracts."""
    found = []
    for number in range(customers * 2):
        account = f"customer {random.randrange(customers)}"
        start = date(2023, 1, 1) + random.randrange(900) * DAY
        facts = stated(
            str(start),
            amount=str(random.choice([3, 100, 1200, 5000]) + random.randrange(3)),
            account_id=account,
            term_months=random.choice([1, 7, 12, 12, 12, 24]),
            currency=random.choice(sorted(RATES)),
            grace_days=random.choice([0, 20, 60]),
            at_end=random.choice([AtEnd.RENEW, AtEnd.CANCEL, AtEnd.RENEW_ONCE, AtEnd.EVERGREEN]),
        )
        if random.random() < 0.1:
            facts = replace(facts, kind=Kind.ONE_TIME, at_end=AtEnd.CANCEL)
        now = datetime(start.year, start.month, start.day, 9, tzinfo=UTC)
        contract = enter(f"c{number:03}", facts, now)
        while contract.kind is Kind.RECURRING and now < NOW - 120 * DAY and random.random() < 0.6:
            now += random.randrange(10, 250) * DAY
            contract, _ = contract.catch_up(now)
            act = random.choice(["change", "renew", "cancel", "reinstate", "pass", "assign"])
            if act == "assign":
                to = f"customer {random.randrange(customers)}"
                contract = assign(contract, to, now.date() - random.randrange(90) * DAY, now.date())
            else:
                contract = acted(contract, act, now, random.randrange(1, 9999))
        found.append(contract.catch_up(NOW)[0])
    return [*found, *(contract for number in range(4) for contract in returning(random, number))]


def returning(random: Random, number: int) -> Iterator[Contract]:
    """A customer that is away for some days of the period, more or fewer than its grace."""
    start = date(2024, 3, 10) + random.randrange(200) * DAY
    again = start.replace(year=2025) + random.randrange(1, 90) * DAY
    for name, begins, at_end in (("first", start, AtEnd.CANCEL), ("again", again, AtEnd.RENEW)):
        facts = stated(str(begins), term_months=12, account_id=f"returning {number}", at_end=at_end, grace_days=45)
        yield enter(f"r{number}{name}", facts, NOW)


def halved(contracts: Sequence[Contract]) -> Iterator[Contract]:
    """Each contract as two of the same customer: a quarter, and the rest."""
    for contract in contracts:
        for name, part in (("a", Decimal("0.25")), ("b", Decimal("0.75"))):
            yield replace(
                contract,
                id=contract.id + name,
                amount=contract.amount * part,
                terms=tuple(
                    replace(
                        term,
                        amount=term.amount * part,
                        steps=tuple(replace(step, amount=step.amount * part) for step in term.steps),
                    )
                    for term in contract.terms
                ),
            )


def cents(amount: Fraction) -> Decimal:
    return Decimal(f"{round(amount * 100)}e-2")


def by_customer(contracts: Sequence[Contract]) -> dict[str, list[Line]]:
    """Lines by who has the contract on T1."""
    found = defaultdict[str, list[Line]](list)
    for contract in contracts:
        holders = [each.account_id for each in contract.holders if each.since is None or each.since <= T1]
        found[holders[-1] if holders else contract.account_id] += lines(contract)
    return found


def slowly(contracts: Sequence[Contract], *, returning: bool = False) -> tuple[Movements, Expiries]:
    """The figures by walking through every day of every customer."""
    sums = defaultdict[str, Decimal](Decimal)
    counts = defaultdict[str, int](int)
    for said in by_customer(contracts).values():
        runs = [line for line in said if line.kind is LineKind.RUNS]

        def on(day: date, rate: int, runs: list[Line] = runs) -> Decimal:
            worth = (Fraction(r.arr) * RATES[r.currency][rate] for r in runs if r.start <= day < r.end_exclusive)
            return cents(sum(worth, Fraction(0)))

        opening, closing = on(T0, 0), on(T1, 0)
        days = [T0 + n * DAY for n in range((T1 - T0).days + 1)]
        covered = [any(r.start <= day < r.end_exclusive for r in runs) for day in days]
        bridged = all(
            here
            or any(r.end_exclusive <= day and r.end_exclusive + r.grace_days * DAY >= _next(runs, day) for r in runs)
            for day, here in zip(days, covered, strict=True)
        )
        was_here = any(r.start <= T0 for r in runs)
        stays = opening > 0 and (bridged or returning)
        stayed = closing if stays else Decimal(0)
        moved = {
            "churned": opening if opening and not stayed else Decimal(0),
            "contracted": opening - stayed if 0 < stayed < opening else Decimal(0),
            "expanded": stayed - opening if opening and stayed > opening else Decimal(0),
            "returned": closing if closing and not stays and was_here else Decimal(0),
            "new": closing if closing and not stays and not was_here else Decimal(0),
            "opening": opening,
            "closing": closing,
        }
        for name, amount in moved.items():
            sums[name] += amount
            counts[name] += amount > 0
        sums["rate_effect"] += on(T1, 1) - closing
        at_end = [line for line in said if line.kind in {LineKind.DUE, LineKind.RENEWED} and T0 <= line.start < T1]
        expired = {
            kind: cents(sum((Fraction(e.arr) * RATES[e.currency][0] for e in at_end if e.kind is kind), Fraction(0)))
            for kind in (LineKind.DUE, LineKind.RENEWED)
        }
        for kind, amount in expired.items():
            sums[kind] += amount
            counts[kind] += any(e.kind is kind for e in at_end)
        sums["least"] += min(expired.values())
    return (
        Movements(
            sums["opening"],
            sums["churned"],
            sums["contracted"],
            sums["expanded"],
            sums["returned"],
            sums["new"],
            sums["closing"],
            sums["rate_effect"],
            counts["opening"],
            counts["churned"],
            counts["contracted"],
            counts["expanded"],
            counts["returned"],
            counts["new"],
            counts["closing"],
        ),
        Expiries(
            sums[LineKind.DUE],
            sums[LineKind.RENEWED],
            sums["least"],
            counts[LineKind.DUE],
            counts[LineKind.RENEWED],
        ),
    )


def _next(runs: Sequence[Line], day: date) -> date:
    """The first day from a day on, on which anything runs."""
    return min((r.start for r in runs if r.start >= day), default=date.max)


class _Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


async def figures_of(service: Service, contracts: Sequence[Contract], span: Span = SPAN) -> tuple[Movements, Expiries]:
    """The figures of a book that is entered, asked and forgotten."""
    found = no_movements(Decimal(0)), no_expiries(Decimal(0))
    with suppress(_Undone):
        async with service.work() as work:
            await work.accounts.lock({each.account_id for each in contracts})
            for contract in contracts:
                await work.contracts.add(contract, Note(NOW, "tests", "made up"))
            found = (await work.figures.movements(span, ()))[()], (await work.figures.expiries(span, ()))[()]
            raise _Undone
    return found


async def test_figures_are_those_of_a_slow_and_obvious_count_and_obey_their_laws(office: Office) -> None:
    happened = defaultdict[str, int](int)
    for seed in range(BOOKS):
        contracts = book(Random(seed))
        moved, expired = slowly(contracts)
        assert await figures_of(office.service, contracts) == (moved, expired), seed
        stayed = await figures_of(office.service, contracts, replace(SPAN, returning=True))
        assert stayed[0] == slowly(contracts, returning=True)[0], seed
        # Splitting a contract of a customer in two changes nothing, nor does the order of currencies.
        backwards = replace(SPAN, rates=dict(reversed(RATES.items())))
        assert await figures_of(office.service, list(halved(contracts)), backwards) == (moved, expired), seed
        assert moved.grr is not None
        assert moved.nrr is not None
        assert moved.grr <= 1
        assert moved.grr <= moved.nrr
        gone, come = moved.churned + moved.contracted, moved.expanded + moved.returned + moved.new
        assert moved.opening - gone + come == moved.closing
        for name in ("churned", "contracted", "expanded", "returned", "new"):
            happened[name] += getattr(moved, f"{name}_customers")
        happened["back in the cohort"] += stayed[0] != moved
        happened["not renewed"] += expired.due_customers - expired.renewed_customers
    assert len(happened) == 7
    assert min(happened.values()) >= 3, happened


async def test_what_nobody_had_has_no_retention(office: Office) -> None:
    async with office.service.work() as work:
        moved = (await work.figures.movements(SPAN, ()))[()]
        expired = (await work.figures.expiries(SPAN, ()))[()]

    assert (moved.grr, moved.nrr, moved.logo_retention, moved.logo_churn, moved.revenue_churn) == (None,) * 5
    assert (moved.customer_growth, expired.net_rate, expired.gross_rate, expired.customer_rate) == (None,) * 4


async def test_a_cursor_of_days_that_nobody_may_ask_for_is_refused(office: Office) -> None:
    query = {"from": "2025-01-01", "to": "2025-12-01", "period": "month", "currency": "EUR", "limit": "1"}
    page = await office.reads("/v1/kpis/retention", **query)
    kind, values = msgspec.json.decode(urlsafe_b64decode(page["next_cursor"] + "=="))

    for days in ({1: "0001-01-01"}, {2: "9999-12-31"}, {3: "0001-01-01T00:00:00Z"}, {3: "2025-01-01T00:00:00"}):
        asked = encode_cursor(kind, [days.get(place, value) for place, value in enumerate(values)])
        answer = await office.http.get("/v1/kpis/retention", params={**query, "cursor": asked})
        assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor"), days
