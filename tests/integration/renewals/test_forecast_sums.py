"""A forecast's sums against the slow and obvious way, over calls at random."""

import random
from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest

from mainstay.kernel.money import Money
from renewals.application.calling import NewCall, Stated
from renewals.domain.forecasting import CallKind, Category
from tests.integration.renewals.office import Office

CURRENCIES = {"EUR": ("1", "0.01"), "USD": ("0.9", "0.01"), "JPY": ("0.0061", "1")}
KINDS = (CallKind.FINAL, CallKind.CSM, CallKind.AUTOMATED)
INCLUDED = {
    "commit": {"commit"},
    "most_likely": {"commit", "most_likely"},
    "best_case": {"commit", "most_likely", "best_case"},
    "omitted": {"omitted"},
}


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


@pytest.mark.parametrize("seed", range(3))
async def test_sums_are_those_of_each_renewals_latest_call_of_the_kind_that_prevails(office: Office, seed: int) -> None:
    rng = random.Random(seed)
    contracts: list[Any] = []
    for number in range(20):
        currency = rng.choice(list(CURRENCIES))
        price = {"amount": str(rng.randrange(100, 10_000)), "currency": currency}
        start = f"2025-{rng.randrange(2, 13):02}-01"
        body = {"account_id": f"a{number}", "kind": "recurring", "start": start, "term_months": 12, "amount": price}
        contracts.append((await office.http.post("/v1/contracts", json=body)).json())
    rates = {currency: rate for currency, (rate, _) in CURRENCIES.items() if currency != "EUR"}
    await office.http.put("/v1/exchange-rates", json={"date": "2026-01-01", "base": "EUR", "rates": rates})
    begun = office.clock.now()
    calls = []
    for _ in range(60):
        contract = rng.choice(contracts)
        currency = contract["amount"]["currency"]
        amount = (Decimal(rng.randrange(0, 1_000_000)) / 100).quantize(Decimal(CURRENCIES[currency][1]))
        probability = Decimal(rng.randrange(0, 101)) / 100
        calls.append(
            NewCall(
                contract_id=contract["id"],
                term=1,
                kind=rng.choice(KINDS),
                stated=Stated(rng.choice(list(Category)), probability, Money(amount, currency)),
                said_at=begun + timedelta(minutes=rng.randrange(1, 100)),
                said_by="ann",
                recorded_by="tests",
            )
        )
    async with office.service.work() as work:
        automated = await work.calls.latest(CallKind.AUTOMATED, [contract["id"] for contract in contracts])
        await work.calls.add(calls)
    calls = [*(call.said for call in automated.values()), *calls]
    for minutes in (0, 30, 70, 200):
        at = begun + timedelta(minutes=minutes)
        query = {"from": "2026-01-01", "to": "2027-01-01", "period": "none", "currency": "EUR"}
        asked = await office.http.get("/v1/renewals/forecast", params={**query, "known_at": at.isoformat()})
        [row] = asked.json()["data"]

        known = [call for call in calls if call.said_at <= at]
        for kinds, sums in ((KINDS, row["forecast"]), *(((k,), row["forecast"]["by_call"][k.value]) for k in KINDS)):
            expected = slowly(known, kinds)
            assert {name: Decimal(sums[name]) for name in expected} == expected, (seed, minutes, kinds)


def slowly(calls: list[NewCall], kinds: tuple[CallKind, ...]) -> dict[str, Decimal]:
    sums = defaultdict[str, Decimal](Decimal)
    for contract in {call.contract_id for call in calls}:
        for kind in kinds:
            own = [call for call in calls if (call.contract_id, call.kind) == (contract, kind)]
            if not own:
                continue
            # Of those of one minute the one that was kept last.
            last = max(enumerate(own), key=lambda each: (each[1].said_at, each[0]))[1].stated
            worth = last.amount.amount * Decimal(CURRENCIES[last.amount.currency][0])
            for name, categories in INCLUDED.items():
                sums[name] += cents(worth) if last.category.value in categories else 0
            sums["expected"] += cents(worth * last.probability)
            break
    return {name: sums[name] for name in (*INCLUDED, "expected")}
