"""What several parts of renewals do together: links that come late, moments, needs, files and erasure."""

from typing import Any

import pytest

from renewals.application import imports
from tests.integration.renewals.office import Office
from tests.integration.renewals.test_erasure import ask, holds
from tests.integration.renewals.test_expansion import hears as hears_use
from tests.integration.renewals.test_expansion import opportunities, uses
from tests.integration.renewals.test_imports import ACME, BOLT, HEADER, counts, rows
from tests.integration.renewals.test_predecessors import new
from tests.integration.renewals.test_signals import hears, term

NEXT = term("2026-02-01", "2027-01-31", "1500.00")
ENDS = {"start": "2025-02-01", "end": "2026-01-31", "at_end": "cancel", "amount": "1000.00"}
SPAN = {"from": "2025-01-01", "to": "2026-12-31"}
CSV = {"Content-Type": "text/csv"}


async def told(office: Office, **moment: str) -> list[Any]:
    """The lists of outcomes, of lost customers, and the credit for the first of the outcomes."""
    outcomes = (await office.reads("/v1/outcomes", **SPAN, **moment))["data"]
    lost = (await office.reads("/v1/churn-reviews", **moment))["data"]
    first = [await office.reads(f"/v1/renewals/{each['term_id']}/credit", **moment) for each in outcomes[:1]]
    return [outcomes, lost, first]


async def test_a_link_that_comes_late_changes_nothing_of_what_was_known_before(office: Office) -> None:
    await hears(office, new("2026-01-05T10:00", NEXT))
    one = await office.enters("acme", **ENDS)
    await office.it_is("2026-02-20T09:00")
    before = await told(office)
    assert [each["outcome"] for each in before[0]] == ["churned"]

    await office.it_is("2026-02-21T09:00")
    await hears(office, new("2026-02-21T09:00", NEXT, predecessor_id=one["id"]))

    [now] = (await told(office))[0]
    assert (now["outcome"], len(now["renewed_by"])) == ("expanded", 1)
    assert await told(office, known_at="2026-02-20T09:00:00Z") == before


async def test_what_another_contract_is_to_renew_has_come_out_now_and_as_it_was_known(office: Office) -> None:
    one = await office.enters("acme", **ENDS)
    two = await office.enters("acme", start="2026-02-01", term_months=12, renews=one["id"], amount="1500.00")

    now = await told(office)
    assert [(each["outcome"], each["renewed_by"]) for each in now[0]] == [("expanded", [two["id"]])]
    await office.it_is("2026-01-07T09:00")
    await office.amends(one, external_id="K-1")
    assert await told(office, known_at="2026-01-06T09:00:00Z") == now


async def test_a_contract_that_is_split_as_it_is_renewed_went_on_with_all_parts(office: Office) -> None:
    one = await office.enters("acme", **ENDS)
    parts = [
        await office.enters("acme", start="2026-02-01", term_months=12, renews=one["id"], amount=amount)
        for amount in ("600.00", "700.00")
    ]

    [found] = (await told(office))[0]

    assert found["renewed_by"] == sorted(each["id"] for each in parts)
    assert (found["outcome"], found["renewed"]["amount"]) == ("expanded", "1300.00")


async def test_only_the_last_term_is_renewed_by_another_contract(office: Office) -> None:
    one = await office.enters("acme", start="2024-02-01", term_months=12, amount="1000.00")
    two = await office.enters("acme", start="2026-02-01", term_months=12, renews=one["id"], amount="1500.00")

    found = (await office.reads("/v1/outcomes", **SPAN))["data"]

    assert [(each["outcome"], each["renewed_by"]) for each in found] == [("renewed", []), ("expanded", [two["id"]])]


@pytest.mark.parametrize(
    ("stated", "zone"), [("2024-03-01", "UTC"), ("2026-01-07T01:00", "America/Los_Angeles")], ids=["long ago", "ahead"]
)
async def test_what_was_prepaid_outside_the_days_of_a_term_stops_nothing(
    office: Office, stated: str, zone: str
) -> None:
    await office.it_is("2026-01-07T03:00")  # the day before is not over in the west
    await office.enters("acme", start="2024-02-01", end="2027-12-31", zone=zone)
    await office.enters("acme", start="2025-12-01", end="2026-11-30", zone=zone)
    await hears_use(office, uses("acme", "prepaid_hours", stated, used=95.0, bought=100.0))
    await office.enters("acme", start="2026-01-01", end="2026-12-31", zone=zone)

    assert await opportunities(office) == []


async def test_a_file_goes_on_where_an_account_of_it_was_erased_on_the_way(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "CHUNK", 1)
    nameless = [line.replace(name, "") for line, name in ((ACME, "K-7"), (BOLT, "K-8"))]
    lines = [HEADER, BOLT, ACME.replace("K-7", "canary-7"), *nameless]
    path = "/v1/contract-imports"
    sent = await office.http.post(path, params={"source": "crm"}, content="\n".join(lines).encode(), headers=CSV)
    assert sent.status_code == 202, sent.text

    await ask(office, "account", "acme")
    await office.service.timers.run_due()

    assert await holds(office, "canary") == []
    job = await office.reads(sent.headers["Location"])
    assert (job["state"], counts(job)) == ("done", {"read": 4, "entered": 1, "refused": 1})
    assert [row[:2] for row in await rows(office, job)] == [(2, "entered"), (5, "refused")]
