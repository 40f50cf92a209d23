"""Erasing a person, then the account, from a whole Mainstay: nothing stays but what was counted."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from standalone.postgres import EmbeddedPostgres
from tests.e2e.running import Running, eventually, running
from tests.e2e.transports import transports

USER, ACCOUNT, SECRET = "canary-person@x.test", "canary-account", "canary-property"
DAYS = [f"2026-03-{day:02d}T12:00:00Z" for day in range(1, 15)]


@pytest.fixture(params=transports())
def mainstay(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "home", **request.param(request)) as it:
        yield it


def use(account: str, user: str, at: str) -> dict[str, Any]:
    return {
        "type": "track",
        "messageId": str(uuid4()),
        "userId": user,
        "event": "Report Opened",
        "timestamp": at,
        "properties": {"feature": "reports", "note": SECRET if user == USER else "plain"},
        "context": {"groupId": account},
    }


def send(mainstay: Running, *calls: dict[str, Any]) -> None:
    mainstay.post("ingest", "/v1/batch", {"batch": list(calls)})


def metrics(mainstay: Running, account: str) -> Any:
    answer = mainstay.http("health_score").get(f"/v1/accounts/{account}/metrics", params={"as_of": "2026-03-14"})
    return answer.json().get("metrics")


def closes(mainstay: Running, account: str) -> Any:
    answer = mainstay.http("health_score").get(
        f"/v1/accounts/{account}/health/history", params={"from": "2026-03-01", "to": "2026-03-14", "limit": "500"}
    )
    return [(day["day"], day["score"], day["band"]) for day in answer.json().get("data", [])]


def until_counted(mainstay: Running, account: str, events: int) -> None:
    eventually(lambda: (metrics(mainstay, account) or {}).get("events_28d") == events, "all count", within=60)
    eventually(lambda: len(closes(mainstay, account)) == 14, "the days are closed", within=60)


def erase(mainstay: Running, path: str) -> Any:
    answer = mainstay.http("ingest").delete(path)
    assert answer.status_code == 202, answer.text
    return answer.json()


def erasure(mainstay: Running, of: Any) -> Any:
    return mainstay.get("ingest", f"/v1/erasures/{of['id']}")


def until_completed(mainstay: Running, of: Any) -> Any:
    eventually(lambda: erasure(mainstay, of)["state"] == "completed", "every service has confirmed", within=60)
    return erasure(mainstay, of)


def held(mainstay: Running, *canaries: str) -> list[str]:
    """Every column of the services' schemas that holds one of the texts."""
    return asyncio.run(_held(mainstay, canaries))


async def _held(mainstay: Running, canaries: tuple[str, ...]) -> list[str]:
    connection = await asyncpg.connect(database_url(mainstay))
    try:
        columns = await connection.fetch(
            "SELECT c.table_schema AS s, c.table_name AS t, c.column_name AS c, c.data_type AS d"
            " FROM information_schema.columns c JOIN information_schema.tables USING (table_schema, table_name)"
            " WHERE table_type = 'BASE TABLE' AND data_type IN ('text', 'jsonb', 'bytea', 'ARRAY')"
            " AND c.table_schema IN ('ingest', 'health_score', 'alerts', 'renewals', 'access')"
        )
        found = []
        for canary in canaries:
            for column in columns:
                name = f'"{column["c"]}"'
                where = (
                    f"position(convert_to($1, 'UTF8') IN {name}) > 0"
                    if column["d"] == "bytea"
                    else f"position($1 IN {name}::text) > 0"
                )
                if await connection.fetchval(
                    f'SELECT EXISTS (SELECT FROM "{column["s"]}"."{column["t"]}" WHERE {where})', canary
                ):
                    found.append(f"{column['s']}.{column['t']}.{column['c']}: {canary}")
        return found
    finally:
        await connection.close()


def database_url(mainstay: Running) -> str:
    return EmbeddedPostgres(mainstay.home / "postgres").url()


@pytest.mark.timeout(240)
def test_a_person_and_then_the_account_are_erased_everywhere(mainstay: Running) -> None:
    group = {"type": "group", "userId": USER, "groupId": ACCOUNT, "traits": {"name": "canary-company"}}
    send(mainstay, group, *(use(ACCOUNT, user, at) for at in DAYS for user in (USER, "bob")))
    send(mainstay, *(use("globex", "bob", at) for at in DAYS))
    refused = {**use(ACCOUNT, USER, DAYS[0]), "messageId": "refused", "event": None}
    mainstay.http("ingest").post("/v1/batch", json={"batch": [refused]})
    contract = {
        "account_id": ACCOUNT,
        "kind": "recurring",
        "amount": {"amount": "1200.00", "currency": "EUR"},
        "start": "2026-01-01",
        "term_months": 12,
    }
    entered = mainstay.post("renewals", "/v1/contracts", contract)
    for account, events in ((ACCOUNT, 28), ("globex", 14)):
        until_counted(mainstay, account, events)
    before = {account: (metrics(mainstay, account), closes(mainstay, account)) for account in (ACCOUNT, "globex")}

    # alerts is down while the request is made; it confirms when it is back
    mainstay.kill("alerts")
    asked = erase(mainstay, f"/v1/users/{USER}")
    assert erase(mainstay, f"/v1/users/{USER}")["id"] == asked["id"]
    mainstay.kill("health_score")  # in the middle of it
    done = until_completed(mainstay, asked)

    assert {each["service"] for each in done["confirmations"]} == {"ingest", "health-score", "alerts", "renewals"}
    assert {each["topic"] for each in done["still_in_the_log"]} >= {"usage-events", "customer-signals"}
    assert held(mainstay, USER, SECRET) == []
    mainstay.wait_until_ready()
    for account, known in before.items():
        assert (metrics(mainstay, account), closes(mainstay, account)) == known

    send(mainstay, use(ACCOUNT, USER, "2026-03-14T13:00:00Z"), use("globex", "bob", "2026-03-14T13:00:00Z"))
    eventually(lambda: metrics(mainstay, "globex")["events_28d"] == 15, "what others send counts", within=30)
    assert metrics(mainstay, ACCOUNT)["events_28d"] == 28
    assert held(mainstay, USER, SECRET) == []

    until_completed(mainstay, erase(mainstay, f"/v1/accounts/{ACCOUNT}"))

    eventually(lambda: not held(mainstay, "canary"), f"nothing holds {held(mainstay, 'canary')}", within=30)
    assert mainstay.http("health_score").get(f"/v1/accounts/{ACCOUNT}").status_code == 404
    kept = mainstay.get("renewals", f"/v1/contracts/{entered['id']}")
    assert (kept["amount"], kept["account_id"][:7]) == (entered["amount"], "erased:")
    send(mainstay, use(ACCOUNT, "bob", "2026-03-14T14:00:00Z"), use("globex", "bob", "2026-03-14T14:00:00Z"))
    eventually(lambda: metrics(mainstay, "globex")["events_28d"] == 16, "what others send counts", within=30)
    assert held(mainstay, "canary") == []

    unknown = until_completed(mainstay, erase(mainstay, "/v1/users/nobody"))
    assert {each["rows_erased"] for each in unknown["confirmations"]} == {0}
