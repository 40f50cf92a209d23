"""The criteria of good customers: their versions, deals held against them, and one-time customers."""

import asyncio
from typing import Any

from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.health_score import AccountChanged
from mainstay.contracts.renewals import OneTimeHandedOver
from mainstay.messaging.consuming import Batch
from renewals.application.inputs import RecordGroups
from renewals.consumers import account_group
from tests.integration.renewals.office import Office, as_record, instant

CRITERIA: dict[str, Any] = {
    "criteria": [
        {"name": "large enough", "fact": "amount", "at_least": "5000.00", "currency": "EUR"},
        {"name": "our field", "fact": "industry", "none_of": ["gambling"], "is_required": True},
        {"name": "several people", "fact": "seats", "at_least": 10},
    ],
    "needed": 2,
}


async def saves(office: Office, document: dict[str, Any], **headers: str) -> Any:
    return await office.http.put("/v1/good-customer-criteria", json=document, headers=headers)


async def checks(office: Office, **deal: Any) -> dict[str, Any]:
    answer = await office.http.post("/v1/good-customer/check", json=deal)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def is_of(office: Office, account: str, industry: str | None, sequence: int = 1) -> None:
    said = AccountChanged(account, sequence, instant("2025-01-01"), industry=industry)
    record = as_record(encode(Event(f"{account}-{sequence}", "mainstay/health-score", instant("2025-01-01"), said)))
    group = account_group(record)
    assert group is not None
    await RecordGroups(office.service.work)(Batch((), (group,)))


def money(amount: str, currency: str = "EUR") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


async def test_a_deal_is_held_against_the_criteria_before_it_is_signed(office: Office) -> None:
    assert (await checks(office))["version"] is None
    await saves(office, CRITERIA)
    await is_of(office, "acme", "travel")
    await is_of(office, "dice", "gambling")

    good = await checks(office, account_id="acme", amount=money("5000.00"))
    bad = await checks(office, account_id="dice", amount=money("9000.00"), seats=50)
    open_ = await checks(office, account_id="nobody", amount=money("9000.00"), seats=50)
    stated = await checks(office, account_id="dice", industry="travel", amount=money("10.00"), seats=10)
    rate = await checks(office, account_id="acme", amount=money("9000.00", "USD"))

    assert [each["verdict"] for each in (good, bad, open_, stated, rate)] == [
        "good",
        "not_good",
        "unknown",
        "good",
        "unknown",
    ]
    assert good["criteria"][0] == {
        "name": "large enough",
        "fact": "amount",
        "known": "5000.000000",
        "is_met": True,
        "is_required": False,
    }
    assert [each["is_met"] for each in rate["criteria"]] == [None, True, None]
    rates = {"date": "2025-01-01", "base": "EUR", "rates": {"USD": "0.5"}}
    await office.http.put("/v1/exchange-rates", json=rates)
    assert (await checks(office, account_id="acme", amount=money("9000.00", "USD"), seats=1))["verdict"] == "not_good"


async def test_an_industry_is_the_one_said_last_in_whatever_order_it_came(office: Office) -> None:
    await saves(office, CRITERIA)
    await is_of(office, "acme", "gambling", sequence=2)
    await is_of(office, "acme", "travel", sequence=1)

    assert (await checks(office, account_id="acme"))["verdict"] == "not_good"


async def test_criteria_are_versions_that_are_replaced_as_they_were_read(office: Office) -> None:
    first = await saves(office, CRITERIA)
    same = await saves(office, CRITERIA)
    second = await saves(office, {**CRITERIA, "needed": 3}, **{"If-Match": first.headers["ETag"]})
    late = await saves(office, {**CRITERIA, "needed": 1}, **{"If-Match": '"1"'})

    assert [(each.status_code, each.json().get("version")) for each in (first, same, second)] == [
        (201, 1),
        (200, 1),
        (201, 2),
    ]
    assert (late.status_code, late.json()["code"]) == (412, "criteria-moved-on")
    was = (await office.http.get("/v1/good-customer-criteria", params={"version": "1"})).json()
    versions = (await office.http.get("/v1/good-customer-criteria/versions", params={"limit": "1"})).json()
    rest = await office.http.get("/v1/good-customer-criteria/versions", params={"cursor": versions["next_cursor"]})
    assert (was["document"]["needed"], versions["data"][0]["version"]) == (2, 2)
    assert [each["version"] for each in rest.json()["data"]] == [1]


async def test_those_who_save_at_once_get_a_version_each(office: Office) -> None:
    drafts = [{**CRITERIA, "criteria": [{**CRITERIA["criteria"][2], "at_least": n}], "needed": 1} for n in range(4)]

    saved = await asyncio.gather(*(saves(office, draft) for draft in drafts))

    assert sorted(each.json()["version"] for each in saved) == [1, 2, 3, 4]


async def test_bad_criteria_are_refused(office: Office) -> None:
    assert (await office.http.get("/v1/good-customer-criteria")).status_code == 404
    [size, field, people] = CRITERIA["criteria"]
    wrongs: list[dict[str, Any]] = [
        {"criteria": []},
        {"criteria": [{**size, "currency": None}]},
        {"criteria": [{**size, "currency": "XXX"}]},
        {"criteria": [{**people, "currency": "EUR"}]},
        {"criteria": [{**people, "among": ["ten"]}]},
        {"criteria": [{**field, "among": ["travel"]}]},
        {"criteria": [{**field, "at_least": 1}]},
        {"criteria": [{"name": "no bounds", "fact": "seats"}]},
        {"criteria": [people, people]},
        {"criteria": [people], "needed": 2},
        {"criteria": [{**people, "fact": "colour"}]},
        {"criteria": [{**people, "name": "a\x00b"}]},
    ]
    for wrong in wrongs:
        answer = await saves(office, wrong)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request"), (wrong, answer.text)


async def test_a_one_time_contract_is_entered_with_its_verdict_and_its_customer_is_handed_to_support(
    office: Office,
) -> None:
    await saves(office, CRITERIA)
    await is_of(office, "once", "travel")
    await office.enters("both", start="2025-06-01", term_months=12)
    await office.said()

    once = await office.enters("once", start="2026-01-01", end="2026-03-31", kind="one_time", amount="9000.00", seats=5)
    both = await office.enters("both", start="2026-01-01", end="2026-03-31", kind="one_time", amount="1.00", seats=5)
    await office.enters("was", start="2024-01-01", end="2024-03-31", kind="one_time")
    recurring = await office.enters("more", start="2026-01-01", term_months=12)

    assert [each["good_customer"]["verdict"] for each in (once, both)] == ["good", "not_good"]
    assert "good_customer" not in recurring
    [handed_over] = await office.said_of(OneTimeHandedOver)
    assert (handed_over.account_id, handed_over.contract_id, handed_over.served_by) == (
        "once",
        once["id"],
        "support_desk",
    )
    assert str(handed_over.ends_before) == "2026-04-01"


async def test_one_time_customers_are_in_no_figure(office: Office) -> None:
    await office.enters("acme", start="2024-06-01", term_months=12)
    await office.enters("gone", start="2024-06-01", end="2025-05-31", at_end="cancel")
    paths = ["retention", "churn", "churn/reasons", "growth", "clv", "break-even", "retention/customers"]

    async def figures() -> list[Any]:
        answers = [
            await office.http.get(f"/v1/kpis/{path}", params={"from": "2025-01-01", "to": "2026-01-02"})
            for path in paths
        ]
        lists = [await office.http.get(path) for path in ("/v1/outcomes", "/v1/churn-reviews", "/v1/renewals")]
        return [answer.json()["data"] for answer in (*answers, *lists)]

    before = await figures()
    for start, end in (("2024-06-01", "2025-05-31"), ("2025-06-01", "2026-05-31"), ("2024-01-01", "2026-12-31")):
        await office.enters(f"once {start}", start=start, end=end, kind="one_time", amount="90000.00")
    await office.enters("acme", start="2025-01-01", end="2025-09-30", kind="one_time", amount="90000.00")

    assert await figures() == before
