"""Erasing accounts from renewals: figures stay, under a pseudonym."""

from itertools import count
from typing import Any

from sqlalchemy import text

from mainstay.contracts.envelope import Event
from mainstay.contracts.privacy import ErasureRequested, SuppressionLifted
from mainstay.messaging.consuming import Batch
from mainstay.service.subjects import subject_hash
from renewals.application.erasure import ObeyErasures
from tests.integration.renewals.office import SECRET, Office

_ids = count(1)


async def ask(office: Office, kind: Any, subject_id: str, *, lifted: bool = False) -> None:
    number, now = next(_ids), office.clock.now()
    data = SuppressionLifted if lifted else ErasureRequested
    request = Event(
        f"r{number}", "mainstay/ingest", now, data(f"e{number}", kind, subject_hash(SECRET, kind, subject_id), now)
    )
    await ObeyErasures(office.service.work, office.clock)(Batch((), (request,)))


async def holds(office: Office, canary: str) -> list[str]:
    """Every column of renewals' tables, but the outbox, that holds the text."""
    found = []
    async with office.service.chassis.database.engine.connect() as connection:
        columns = await connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'renewals'"
                " AND table_name <> 'outbox' AND data_type IN ('text', 'jsonb', 'bytea', 'ARRAY')"
            )
        )
        for table, column in columns.all():
            looked = text(f'SELECT 1 FROM renewals."{table}" WHERE position(:canary IN "{column}"::text) > 0')
            if (await connection.execute(looked, {"canary": canary})).first():
                found.append(f"{table}.{column}")
    return found


async def test_an_erased_accounts_contracts_stay_without_its_name_and_no_timer_wakes_them(office: Office) -> None:
    contract = await office.enters("acme-canary", start="2026-01-01", term_months=12, external_id="canary-7")
    await office.enters("acme-canary@x", start="2026-01-01", term_months=12)

    await ask(office, "account", "acme-canary")

    kept = (await office.http.get(f"/v1/contracts/{contract['id']}")).json()
    assert kept["account_id"].startswith("erased:")
    assert (kept["external_id"], kept["amount"], kept["terms"]) == (None, contract["amount"], contract["terms"])
    assert await holds(office, "canary-7") == []
    ahead = (await office.http.get("/v1/renewals", params={"to": "2027-12-31"})).json()["data"]
    assert {renewal["account_id"] for renewal in ahead} == {"acme-canary@x"}
    await ask(office, "account", "acme-canary@x")
    assert await holds(office, "canary") == []


async def test_an_erased_account_has_no_renewal_and_none_is_handed_over(office: Office) -> None:
    contract = await office.enters("acme", start="2026-01-01", term_months=12)
    path = f"/v1/renewals/{contract['id']}.1"
    await office.http.put(f"{path}/owner", json={"owner": "max", "reason": "Ann Canary is on leave"})

    await ask(office, "account", "acme")

    answer = await office.http.put(f"{path}/owner", json={"owner": "ann", "reason": "back"})
    assert (answer.status_code, answer.json()["code"]) == (409, "account-erased")
    assert (await office.http.get(path)).status_code == 404
    assert await holds(office, "Canary") == []


async def test_an_erased_account_gets_no_contract_until_it_comes_back(office: Office) -> None:
    await ask(office, "account", "acme")
    body = {
        "account_id": "acme",
        "kind": "recurring",
        "amount": {"amount": "1200.00", "currency": "EUR"},
        "start": "2026-01-01",
        "term_months": 12,
    }

    refused = await office.http.post("/v1/contracts", json=body)

    assert (refused.status_code, refused.json()["code"]) == (409, "account-erased")
    await ask(office, "account", "acme", lifted=True)
    contract = await office.enters("acme", start="2026-01-01", term_months=12)
    await ask(office, "account", "acme")
    assert (
        await office.http.patch(f"/v1/contracts/{contract['id']}", json={"amount": body["amount"]})
    ).status_code == 409
