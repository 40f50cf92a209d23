"""Amendments and figures over HTTP: what they answer, what they refuse, and what was known when."""

from typing import Any
from uuid import uuid4

from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.health_score import AccountChanged
from mainstay.contracts.renewals import AccountValueChanged, TermEnded, TermRenewed
from mainstay.messaging.consuming import Batch
from renewals.application.inputs import RecordGroups
from renewals.consumers import account_group
from tests.integration.renewals.office import Office, as_record, euro, instant
from tests.integration.renewals.test_erasure import ask, holds

YEAR = {"from": "2026-01-01", "to": "2027-01-01"}


async def posts(office: Office, path: str, status: int = 200, method: str = "POST", **body: Any) -> dict[str, Any]:
    answer = await office.http.request(method, f"/v1/{path}", json=None if method == "DELETE" else body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def reads(office: Office, path: str, **query: str) -> dict[str, Any]:
    answer = await office.http.get(f"/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_contract_is_read_as_it_stood_on_a_day_and_as_it_was_known_at_an_instant(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=12, seats=10)
    path = f"contracts/{contract['id']}"
    await office.it_is("2026-04-01T10:00")
    # It comes out in April that there were 15 seats for 1,800 a year since February.
    price = {"amount": "1800", "currency": "EUR"}
    await posts(office, f"{path}/changes", effective="2026-02-01", amount=price, seats=15, reason="order 17")

    now = await reads(office, path)
    january = await reads(office, path, as_of="2026-01-31")
    known = await reads(office, path, known_at="2026-03-01T00:00:00Z")
    listed = await reads(office, "contracts", known_at="2026-03-01T00:00:00Z", account_id="acme")
    revisions = await reads(office, f"{path}/revisions", limit="1")
    more = await reads(office, f"{path}/revisions", cursor=revisions["next_cursor"])

    assert [(each["terms"][0]["arr"]["amount"], each["terms"][0]["seats"]) for each in (now, january, known)] == [
        ("1800.00", 15),
        ("1200.00", 10),
        ("1200.00", 10),
    ]
    assert listed["data"] == [known]
    assert [(each["number"], each["reason"]) for each in (*revisions["data"], *more["data"])] == [
        (1, "entered"),
        (2, "order 17"),
    ]
    assert (await office.http.get(f"/v1/{path}", params={"known_at": "2026-01-05T08:59:59Z"})).status_code == 404
    assert (await office.said_of(AccountValueChanged))[-1].arr == (euro("1800.00"),)


async def test_an_amendment_sent_twice_counts_once(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=12)
    body = {"amount": {"amount": "1300", "currency": "EUR"}}
    key = {"Idempotency-Key": "renewal-1"}

    answers = [
        await office.http.post(f"/v1/contracts/{contract['id']}/renewals", json=body, headers=key) for _ in range(2)
    ]

    assert [len(answer.json()["terms"]) for answer in answers] == [2, 2]
    assert len(await office.said_of(TermRenewed)) == 1


async def test_a_renewed_term_has_one_window_and_one_renewal(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=12, notice={"amount": 1, "unit": "months"})
    renewed = await posts(office, f"contracts/{contract['id']}/renewals", term_months=24, seats=3)
    await office.passes(760)

    assert [(term["start"], term["end"]) for term in renewed["terms"]] == [
        ("2026-01-01", "2026-12-31"),
        ("2027-01-01", "2028-12-31"),
    ]
    assert renewed["terms"][0]["notice_by"] == "2026-11-30"
    assert len(await office.said_of(TermRenewed)) == 1


async def test_a_cancellation_is_withdrawn_and_what_came_due_since_is_done(office: Office) -> None:
    contract = await office.enters(start="2025-02-01", term_months=12)
    path = f"contracts/{contract['id']}"
    cancelled = await posts(office, f"{path}/cancellation", effective="2026-02-01", reason="too dear")
    await office.it_is("2026-02-03")
    [ended] = await office.said_of(TermEnded)

    back = await posts(office, f"{path}/cancellation", method="DELETE")

    assert cancelled["cancellation"] == {"on": "2026-02-01", "reason": "too dear"}
    assert (ended.reason, ended.occurred_at) == ("too dear", instant("2026-02-01"))
    assert ([term["number"] for term in back["terms"]], back["at_end"]) == ([1, 2], "renew")
    assert (await office.said_of(AccountValueChanged))[-1].arr == (euro("1200.00"),)


async def test_contracts_follow_an_account_that_was_merged(office: Office) -> None:
    for account in ("acme", "bolt"):
        await office.enters(account, start="2025-01-01", term_months=12)

    merged = await posts(office, "accounts/bolt/merger", into="acme", effective="2026-01-02")

    assert merged == {"account_id": "bolt", "into": "acme", "contracts": 1}
    [row] = (await reads(office, "kpis/retention", **{"from": "2025-06-01", "to": "2026-01-03"}))["data"]
    assert (row["figures"]["customers"]["opening"], row["figures"]["grr"]) == (1, "1.000000")
    values = {value.account_id: value.arr for value in await office.said_of(AccountValueChanged)}
    assert values == {"acme": (euro("2400.00"),), "bolt": ()}
    [held] = [each for each in (await reads(office, "contracts", account_id="acme"))["data"] if each["holders"]]
    assert [each["account_id"] for each in held["holders"]] == ["bolt", "acme"]


BAD: list[tuple[str, dict[str, Any], int, str]] = [
    ("changes", {"effective": "2026-06-01"}, 422, "invalid-request"),
    ("changes", {"effective": "2030-06-01", "seats": 3}, 422, "effective-outside-terms"),
    ("changes", {"effective": "2026-06-01", "amount": {"amount": "1", "currency": "USD"}}, 422, "currency-differs"),
    ("changes", {"effective": "2026-06-01", "amount": {"amount": "-1", "currency": "EUR"}}, 422, "amount-invalid"),
    ("changes", {"effective": "2026-06-01", "entitlements": {"calls": -1}}, 422, "invalid-request"),
    ("renewals", {"start": "2026-01-01"}, 422, "renewal-start-out-of-range"),
    ("renewals", {"start": "2028-01-01"}, 409, "grace-over"),
    ("renewals", {"signed_on": "2026-01-06"}, 422, "day-in-future"),
    ("renewals", {"end": "2026-12-31"}, 422, "end-before-start"),
    ("renewals", {"price_schedule": [{"start": "2027-01-01", "amount": "1"}]}, 422, "price-schedule-invalid"),
    ("cancellation", {"effective": "2027-01-02"}, 422, "effective-outside-terms"),
    ("assignment", {"account_id": "bolt", "effective": "2026-02-01"}, 422, "day-in-future"),
    ("assignment", {"account_id": "", "effective": "2026-01-01"}, 422, "invalid-request"),
]


async def test_a_bad_amendment_is_refused_and_nothing_is_recorded(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=12)
    for path, body, status, code in BAD:
        problem = await posts(office, f"contracts/{contract['id']}/{path}", status, **body)
        assert problem["code"] == code, (path, body)
    assert (await posts(office, f"contracts/{contract['id']}/cancellation", 409, "DELETE"))["code"] == "not-cancelled"

    assert len((await reads(office, f"contracts/{contract['id']}/revisions"))["data"]) == 1


BAD_CONTRACTS: list[tuple[dict[str, Any], int, str]] = [
    ({"co_terms_with": "{contract}", "term_months": 12}, 422, "invalid-request"),
    ({"co_terms_with": "nothing"}, 404, "contract-unknown"),
    ({"renews": "{contract}", "account_id": "bolt", "term_months": 12}, 422, "renews-another"),
    ({"notice": {"amount": 1, "unit": "months", "holidays": "XX"}, "term_months": 12}, 422, "invalid-request"),
    ({"grace_days": -1, "term_months": 12}, 422, "invalid-request"),
    ({"term_months": 12, "next_amount": {"amount": "1", "currency": "USD"}}, 422, "invalid-request"),
]


async def test_a_contract_that_does_not_fit_another_is_refused(office: Office) -> None:
    contract = await office.enters(start="2026-01-01", term_months=12)
    good = {"account_id": "acme", "kind": "recurring", "start": "2026-02-01", "amount": contract["amount"]}
    for wrong, status, code in BAD_CONTRACTS:
        named = {name: contract["id"] if value == "{contract}" else value for name, value in wrong.items()}
        assert (await posts(office, "contracts", status, **{**good, **named}))["code"] == code, wrong


async def test_figures_are_grouped_by_what_accounts_were_on_the_day(office: Office) -> None:
    for account in ("acme", "bolt"):
        await office.enters(account, start="2025-01-01", term_months=12)
    await says(office, ("acme", 1, "2025-01-01", "smb", "kim"), ("bolt", 1, "2025-01-01", "smb", "lee"))
    await says(office, ("acme", 2, "2025-09-01", "enterprise", "lee"), ("acme", 1, "2025-01-01", "smb", "kim"))

    asked = {"from": "2025-06-01", "to": "2026-01-05", "by": "segment,owner"}
    rows = (await reads(office, "kpis/retention", **asked))["data"]
    before = (await reads(office, "kpis/retention", **asked, known_at="2026-01-05T09:00:00Z"))["data"]

    # The cohort as of June; terms that expire with December under who had them then.
    assert {tuple(row["group"].values()): (row["figures"]["opening"], row["figures"]["due"]) for row in rows} == {
        ("enterprise", "lee"): ("0.00", "1200.00"),
        ("smb", "kim"): ("1200.00", "0.00"),
        ("smb", "lee"): ("1200.00", "1200.00"),
    }
    assert rows == before


async def says(office: Office, *said: tuple[str, int, str, str, str]) -> None:
    """health-score's records of accounts arrive."""
    events = [
        Event(
            str(uuid4()),
            "mainstay/health-score",
            instant(at),
            AccountChanged(account, sequence, instant(at), segment=segment, owner=owner),
        )
        for account, sequence, at, segment, owner in said
    ]
    groups = tuple(group for event in events if (group := account_group(as_record(encode(event)))))
    await RecordGroups(office.service.work)(Batch((), groups))


async def test_rates_are_stated_corrected_and_withdrawn(office: Office) -> None:
    await posts(office, "exchange-rates", method="PUT", date="2026-01-01", base="EUR", rates={"USD": "0.9"})
    await office.it_is("2026-01-06")
    await posts(office, "exchange-rates", method="PUT", date="2026-01-01", base="EUR", rates={"USD": "0.92", "GBP": 1})
    await posts(office, "exchange-rates", method="PUT", date="2026-01-01", base="EUR", rates={"GBP": None})

    now = await reads(office, "exchange-rates")
    then = await reads(office, "exchange-rates", known_at="2026-01-05T10:00:00Z")

    assert [(each["currency"], each["rate"]) for each in now["data"]] == [("USD", "0.92")]
    assert [(each["currency"], each["rate"]) for each in then["data"]] == [("USD", "0.9")]
    for wrong in ({"USD": "0"}, {"USD": "1e3"}, {"USD": "-1"}, {"dollar": "1"}, {}):
        answer = await posts(office, "exchange-rates", 422, "PUT", date="2026-01-01", base="EUR", rates=wrong)
        assert answer["code"] == "invalid-request"
    unknown = await posts(office, "exchange-rates", 422, "PUT", date="2026-01-01", base="EUR", rates={"DEM": "0.5"})
    assert unknown["code"] == "currency-unknown"


async def test_figures_that_cannot_be_told_say_what_to_do(office: Office) -> None:
    await office.enters(start="2025-01-01", term_months=12)
    dollars: dict[str, Any] = {"kind": "recurring", "term_months": 12, "amount": {"amount": "100", "currency": "USD"}}
    await posts(office, "contracts", 201, account_id="acme", start="2025-01-01", **dollars)
    cases = [
        ({}, "currency-needed"),
        ({"currency": "EUR"}, "rate-missing"),
        ({"currency": "XXX"}, "rate-missing"),
        ({"from": "2026-01-01", "to": "2026-01-01"}, "range-backwards"),
        ({"from": "1970-01-01", "to": "2190-01-01", "period": "month"}, "too-many-rows"),
        ({"by": "colour"}, "invalid-request"),
        ({"known_at": "2026-01-01"}, "invalid-request"),
        ({"known_at": "0.5"}, "invalid-request"),
        ({"known_at": "9999-12-31T23:59:59-12:00"}, "invalid-request"),
        ({"cursor": "nonsense"}, "bad-cursor"),
    ]
    for query, code in cases:
        answer = await office.http.get("/v1/kpis/retention", params=query)
        assert (answer.json()["code"], answer.status_code // 100) == (code, 4), query


async def test_an_erased_accounts_figures_stay_and_its_name_goes_from_the_ledger(office: Office) -> None:
    moved = await office.enters("acme-canary", start="2025-01-01", term_months=12)
    kept = await office.enters("acme-canary", start="2025-01-01", term_months=12, external_id="canary-7")
    await posts(office, f"contracts/{kept['id']}/cancellation", effective="2026-01-05", reason="canary-7 said so")
    await posts(office, f"contracts/{moved['id']}/assignment", account_id="bolt", effective="2026-01-03")
    await says(office, ("acme-canary", 1, "2025-01-01", "smb", "kim"))
    query = {"from": "2025-06-01", "to": "2026-01-05", "by": "segment"}
    before = (await reads(office, "kpis/retention", **query))["data"]

    await ask(office, "account", "acme-canary")

    assert (await reads(office, "kpis/retention", **query))["data"] == before
    assert await holds(office, "acme-canary") == []
    assert await holds(office, "canary-7") == []
