"""The HTTP side of renewals: what it answers, and what it refuses."""

import asyncio
from typing import Any

from mainstay.testing import assert_every_route_has_a_scope
from mainstay.web.keys import create_key
from tests.integration.renewals.office import SECRET, Office, client

MONEY = {"amount": "1200.00", "currency": "EUR"}
GOOD = {"account_id": "acme", "kind": "recurring", "start": "2026-01-01", "end": "2026-12-31", "amount": MONEY}


async def rows(office: Office) -> int:
    answer = await office.http.get("/v1/contracts", params={"limit": 500})
    return len(answer.json()["data"])


async def test_a_contract_is_answered_with_its_terms(office: Office) -> None:
    answer = await office.http.post(
        "/v1/contracts",
        json={**GOOD, "currency": "EUR", "zone": "Europe/Berlin", "seats": 12, "external_id": "crm-7"},
    )

    contract = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/v1/contracts/{contract['id']}"
    assert contract == {
        "id": contract["id"],
        "account_id": "acme",
        "external_id": "crm-7",
        "kind": "recurring",
        "currency": "EUR",
        "zone": "Europe/Berlin",
        "state": "active",
        "term_months": 12,
        "window_days": None,
        "at_end": "renew",
        "amount": MONEY,
        "seats": 12,
        "entitlements": {},
        "grace_days": 0,
        "notice": None,
        "renews": None,
        "co_terms_with": None,
        "cancellation": None,
        "holders": [],
        "terms": [
            {
                "id": f"{contract['id']}.1",
                "number": 1,
                "start": "2026-01-01",
                "end": "2026-12-31",
                "ends_before": "2027-01-01",
                "amount": MONEY,
                "seats": 12,
                "arr": MONEY,
                "state": "active",
                "window_opens_on": "2026-10-01",
                "window_opened_at": None,
                "notice_by": None,
                "entitlements": {},
                "price_steps": [],
                "agreed_end": "2026-12-31",
                "cancelled_on": None,
                "signed_on": None,
            }
        ],
    }
    assert (await office.http.get(f"/v1/contracts/{contract['id']}")).json() == contract


BAD: list[tuple[dict[str, Any], int, str, str]] = [
    ({"amount": {"amount": "-1", "currency": "EUR"}}, 422, "amount-invalid", "/amount/amount"),
    ({"amount": {"amount": "0.001", "currency": "EUR"}}, 422, "amount-invalid", "/amount/amount"),
    ({"amount": {"amount": int("9" * 18), "currency": "EUR"}}, 422, "amount-invalid", "/amount/amount"),
    ({"amount": {"amount": "9" * 16, "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "1_000", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "١٢", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": " 12 ", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "12\n", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "1e3", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "+12", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": ".5", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": True, "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "NaN", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "9" * 5000, "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "1e400", "currency": "EUR"}}, 422, "invalid-request", "/amount/amount"),
    ({"amount": {"amount": "10", "currency": "DEM"}}, 422, "currency-unknown", "/amount/currency"),
    ({"amount": {"amount": "10", "currency": "euro"}}, 422, "invalid-request", "/amount/currency"),
    ({"amount": "1200.00"}, 422, "invalid-request", "/amount"),
    ({"amount": None}, 422, "invalid-request", "/amount"),
    ({"currency": "USD"}, 422, "invalid-request", ""),
    ({"end": "2025-12-31"}, 422, "end-before-start", "/end"),
    ({"end": "2026-02-30"}, 422, "invalid-request", "/end"),
    ({"end": "9999-12-31"}, 422, "end-out-of-range", "/end"),
    ({"end": None}, 422, "end-missing", "/end"),
    ({"end": "2026-12-31T00:00:00Z"}, 422, "invalid-request", "/end"),
    ({"start": 0}, 422, "invalid-request", "/start"),
    ({"start": "-0"}, 422, "invalid-request", "/start"),
    ({"start": 1767225600}, 422, "invalid-request", "/start"),
    ({"start": "2026-01-01T00:00:00Z"}, 422, "invalid-request", "/start"),
    ({"start": "1969-12-31"}, 422, "start-out-of-range", "/start"),
    ({"start": "0001-01-01", "end": "0001-12-31"}, 422, "start-out-of-range", "/start"),
    ({"start": "2026-01-15", "at_end": "renew"}, 422, "term-length-unknown", "/term_months"),
    ({"kind": "one_time", "at_end": "renew"}, 422, "one-time-renews", "/at_end"),
    ({"kind": "forever"}, 422, "invalid-request", "/kind"),
    ({"zone": "Europe/Atlantis"}, 422, "invalid-request", "/zone"),
    ({"zone": "../../etc/passwd"}, 422, "invalid-request", "/zone"),
    ({"zone": "localtime"}, 422, "invalid-request", "/zone"),
    ({"zone": "Factory"}, 422, "invalid-request", "/zone"),
    ({"account_id": ""}, 422, "invalid-request", "/account_id"),
    ({"account_id": "a" * 201}, 422, "invalid-request", "/account_id"),
    ({"account_id": "a\nb"}, 422, "invalid-request", "/account_id"),
    ({"account_id": "a\x00b"}, 422, "invalid-request", "/account_id"),
    ({"account_id": 7}, 422, "invalid-request", "/account_id"),
    ({"seats": -1}, 422, "invalid-request", "/seats"),
    ({"seats": 2**31}, 422, "invalid-request", "/seats"),
    ({"seats": "12"}, 422, "invalid-request", "/seats"),
    ({"seats": True}, 422, "invalid-request", "/seats"),
    ({"term_months": 0}, 422, "invalid-request", "/term_months"),
    ({"window_days": -1}, 422, "invalid-request", "/window_days"),
    ({"colour": "red"}, 422, "invalid-request", "/colour"),
]


async def test_a_bad_contract_is_refused_and_nothing_is_kept(office: Office) -> None:
    for wrong, status, code, pointer in BAD:
        answer = await office.http.post("/v1/contracts", json={**GOOD, **wrong})

        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code), (wrong, problem)
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["errors"][0]["pointer"] == pointer, wrong
        assert problem["message"]
    assert await rows(office) == 0
    assert await office.said() == []


NO_CONTRACT: list[tuple[bytes, int]] = [
    (b"", 422),
    (b"{", 400),
    (b"[]", 422),
    (b"null", 422),
    (b'{"amount": NaN}', 400),
    (b"[" * 100_000, 400),
    (b'{"a": ' * 100 + b"1" + b"}" * 100, 400),
    (b'{"a": "' + b"x" * (2 << 20) + b'"}', 413),
    (b'{"account_id": "\xff"}', 400),
    (b'{"account_id": "\\ud800"}', 400),
    (b'{"seats": ' + b"9" * 5000 + b"}", 400),
]


async def test_an_amount_is_kept_as_it_is_meant(office: Office) -> None:
    for said, kept in (("0", "0.00"), ("-0", "0.00"), ("007.5", "7.50"), (12, "12.00"), (0.1, "0.10")):
        answer = await office.http.post("/v1/contracts", json={**GOOD, "amount": {"amount": said, "currency": "EUR"}})
        assert (answer.status_code, answer.json()["amount"]["amount"]) == (201, kept), answer.text


async def test_a_body_that_is_no_contract_is_refused(office: Office) -> None:
    for body, status in NO_CONTRACT:
        answer = await office.http.post("/v1/contracts", content=body, headers={"content-type": "application/json"})

        assert answer.status_code == status, (body[:20], answer.text)
        assert answer.json()["code"]
    assert await rows(office) == 0


async def test_an_unknown_contract_is_not_found(office: Office) -> None:
    for answer in (
        await office.http.get("/v1/contracts/nothing"),
        await office.http.patch("/v1/contracts/nothing", json={"seats": 1}),
        await office.http.patch("/v1/contracts/nothing", json={"status": "cancelled"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "contract-unknown")


BAD_CHANGES: list[tuple[Any, int, str]] = [
    ({"amount": {"amount": "-5", "currency": "EUR"}}, 422, "amount-invalid"),
    ({"amount": {"amount": "5", "currency": "USD"}}, 422, "currency-differs"),
    ({"amount": None}, 422, "invalid-request"),
    ({"end": "2025-12-31"}, 422, "end-before-start"),
    ({"end": "2200-01-01"}, 422, "end-out-of-range"),
    ({"end": "9999-12-31"}, 422, "end-out-of-range"),
    ({"end": 1798675200}, 422, "invalid-request"),
    ({"amount": {"amount": "1_000", "currency": "EUR"}}, 422, "invalid-request"),
    ({"end": None}, 422, "invalid-request"),
    ({"at_end": "maybe"}, 422, "invalid-request"),
    ({"external_id": "taken"}, 409, "external-id-taken"),
    ({"status": "active"}, 422, "invalid-request"),
    ({"status": "cancelled", "seats": 1}, 422, "invalid-request"),
    ({"reason": "just so"}, 422, "invalid-request"),
    ({"account_id": "other"}, 422, "invalid-request"),
    ([], 422, "invalid-request"),
]


async def test_a_bad_amendment_is_refused_and_nothing_changes(office: Office) -> None:
    await office.enters("other", start="2026-01-01", term_months=12, external_id="taken")
    contract = await office.enters(start="2026-01-01", end="2026-12-31")
    await office.said()

    for change, status, code in BAD_CHANGES:
        answer = await office.http.patch(f"/v1/contracts/{contract['id']}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (change, answer.text)

    assert (await office.http.get(f"/v1/contracts/{contract['id']}")).json() == contract
    assert await office.said() == []


async def test_a_contract_that_is_over_does_not_change(office: Office) -> None:
    contract = await office.enters(start="2024-01-01", end="2024-12-31", at_end="cancel")

    for change in ({"seats": 1}, {"status": "cancelled"}):
        answer = await office.http.patch(f"/v1/contracts/{contract['id']}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (409, "contract-over")


async def test_an_external_id_is_unique(office: Office) -> None:
    await office.enters(start="2026-01-01", term_months=12, external_id="crm-7")

    answer = await office.http.post("/v1/contracts", json={**GOOD, "account_id": "other", "external_id": "crm-7"})

    assert (answer.status_code, answer.json()["code"]) == (409, "external-id-taken")
    assert await rows(office) == 1


async def test_the_same_request_sent_again_enters_one_contract(office: Office) -> None:
    key = {"Idempotency-Key": "sign-1"}

    answers = await asyncio.gather(*(office.http.post("/v1/contracts", json=GOOD, headers=key) for _ in range(4)))
    other = await office.http.post("/v1/contracts", json={**GOOD, "seats": 9}, headers=key)

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert other.status_code == 422
    assert await rows(office) == 1
    assert len(await office.said()) == 1


async def test_contracts_come_in_pages(office: Office) -> None:
    entered = [await office.enters(f"account-{n % 3}", start="2026-01-01", term_months=12) for n in range(7)]

    found, cursor = list[str](), None
    while True:
        answer = (
            await office.http.get("/v1/contracts", params={"limit": 3} | ({"cursor": cursor} if cursor else {}))
        ).json()
        found += [contract["id"] for contract in answer["data"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    of_one = (await office.http.get("/v1/contracts", params={"account_id": "account-1"})).json()

    assert found == sorted(contract["id"] for contract in entered)
    assert {contract["account_id"] for contract in of_one["data"]} == {"account-1"}
    assert len(of_one["data"]) == 2


BAD_QUERIES: list[dict[str, str]] = [
    {"from": "2026-02-01", "to": "2026-01-31"},
    {"from": "soon"},
    {"from": "0"},
    {"to": "1798675200"},
    {"to": "2026-12-31T00:00:00Z"},
    {"from": "9999-12-31"},
    {"to": "9999-12-31"},
    {"to": "0001-01-01"},
    {"limit": "0"},
    {"limit": "501"},
    {"cursor": "nonsense"},
    {"cursor": "WyJhIl0"},
    {"account_id": "x" * 201},
    {"account_id": "a\x00b"},
]


async def test_a_bad_query_is_refused(office: Office) -> None:
    for parameters in BAD_QUERIES:
        answer = await office.http.get("/v1/renewals", params=parameters)
        assert answer.status_code in {400, 422}, (parameters, answer.text)
        assert answer.json()["code"]


SCOPES = [
    ("POST", "/v1/contracts", "renewals:write"),
    ("POST", "/v1/contracts/c1/changes", "renewals:write"),
    ("POST", "/v1/contracts/c1/renewals", "renewals:write"),
    ("POST", "/v1/contracts/c1/cancellation", "renewals:write"),
    ("DELETE", "/v1/contracts/c1/cancellation", "renewals:write"),
    ("POST", "/v1/contracts/c1/assignment", "renewals:write"),
    ("POST", "/v1/accounts/a1/merger", "renewals:write"),
    ("GET", "/v1/contracts/c1/revisions", "renewals:read"),
    ("PATCH", "/v1/contracts/c1", "renewals:write"),
    ("GET", "/v1/contracts", "renewals:read"),
    ("GET", "/v1/contracts/c1", "renewals:read"),
    ("GET", "/v1/renewals", "renewals:read"),
    ("GET", "/v1/renewals/c1.1", "renewals:read"),
    ("PUT", "/v1/renewals/c1.1/owner", "renewals:write"),
    ("GET", "/v1/renewal-policy", "renewals:read"),
    ("GET", "/v1/renewal-policy/versions", "renewals:read"),
    ("PUT", "/v1/renewal-policy", "renewals:write"),
    ("PUT", "/v1/economics", "renewals:write"),
    ("GET", "/v1/kpis/clv", "renewals:read"),
    ("GET", "/v1/kpis/break-even", "renewals:read"),
    ("GET", "/v1/kpis/churn/reasons", "renewals:read"),
    ("GET", "/v1/kpis/charges", "renewals:read"),
    ("GET", "/v1/kpis/credits", "renewals:read"),
    ("GET", "/v1/outcomes", "renewals:read"),
    ("GET", "/v1/churn-reviews", "renewals:read"),
    ("GET", "/v1/renewals/c1.1/review", "renewals:read"),
    ("PUT", "/v1/renewals/c1.1/review", "renewals:write"),
    ("PUT", "/v1/renewals/c1.1/credit", "renewals:write"),
    ("PUT", "/v1/good-customer-criteria", "renewals:write"),
    ("GET", "/v1/good-customer-criteria", "renewals:read"),
    ("POST", "/v1/good-customer/check", "renewals:read"),
    ("GET", "/v1/contracts/c1/burn-down", "renewals:read"),
    ("POST", "/v1/contracts/c1/charges", "renewals:write"),
    ("POST", "/v1/opportunities", "renewals:write"),
    ("GET", "/v1/opportunities", "renewals:read"),
    ("PATCH", "/v1/opportunities/o1", "renewals:write"),
]


async def test_each_route_wants_its_scope(office: Office) -> None:
    every = {"ingest:write", "ingest:read", "health:read", "renewals:read", "renewals:write", "alerts:write"}
    database = office.service.chassis.database
    for method, path, needed in SCOPES:
        allowed = await create_key(database, SECRET, "good", [needed])
        refused = await create_key(database, SECRET, "bad", sorted(every - {needed}))
        await office.service.chassis.keys.refresh()

        statuses = []
        for key in (None, "mst_nonsense", refused, allowed):
            async with client(office.answers, key) as http:
                answer = await http.request(method, path, json={"seats": 1} if method != "GET" else None)
                statuses.append(answer.status_code)

        assert statuses[:3] == [401, 401, 403], (method, path)
        assert statuses[3] in {200, 404, 422}, (method, path)


async def test_the_process_tells_how_it_is(office: Office) -> None:
    await office.enters(start="2025-01-01", term_months=14)
    async with client(office.answers, None) as http:
        ready, alive, metrics = [await http.get(path) for path in ("/readyz", "/healthz", "/metrics")]

    assert (ready.status_code, alive.status_code) == (200, 200), ready.text
    assert "mainstay_renewals_windows_opened_total 1.0" in metrics.text


def test_every_route_declares_a_scope(office: Office) -> None:
    assert_every_route_has_a_scope(office.app)
