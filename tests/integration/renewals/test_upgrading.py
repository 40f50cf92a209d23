"""What the release before knew of contracts is in the ledger after the upgrade, known since it was entered."""

from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from mainstay.contracts.renewals import MilestoneReached
from tests.integration.renewals.office import Office, instant

LEDGER = import_module("renewals.migrations.versions.0003_ledger")
RENEWALS = import_module("renewals.migrations.versions.0004_renewals")
ENTRIES = text(
    "SELECT contract_id, term, account_id, kind, start, end_exclusive, amount, months, arr, seats, continues"
    " FROM renewals.ledger_entry e WHERE NOT EXISTS (SELECT FROM renewals.ledger_withdrawal w WHERE w.entry_id = e.id)"
    " ORDER BY contract_id, term, kind, start"
)


def _back_and_forth(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        RENEWALS.downgrade()
        LEDGER.downgrade()
        LEDGER.upgrade()
        RENEWALS.upgrade()


async def entries(office: Office) -> list[Any]:
    async with office.service.chassis.database.engine.connect() as connection:
        return list(await connection.execute(ENTRIES))


async def test_contracts_of_before_are_in_the_ledger_after_the_upgrade(office: Office) -> None:
    contracts = [
        await office.enters("acme", start="2024-01-31", term_months=1, seats=3),
        await office.enters("bolt", start="2025-01-15", end="2025-12-31"),
        await office.enters("once", start="2025-06-01", end="2026-05-31", kind="one_time"),
        await office.enters("gone", start="2025-07-01", term_months=7, amount="100"),
    ]
    await office.it_is("2026-03-10T09:00")
    await office.amends(contracts[3], status="cancelled", reason="closed down")
    paths = [f"/v1/contracts/{contract['id']}" for contract in contracts]
    shown = [(await office.http.get(path)).json() for path in paths]
    query = {"from": "2025-03-01", "to": "2026-03-10"}
    figures = (await office.http.get("/v1/kpis/retention", params=query)).json()["data"]
    before = await entries(office)

    async with office.service.chassis.database.engine.begin() as connection:
        await connection.run_sync(_back_and_forth)

    for was in shown:
        if was["cancellation"]:
            was["cancellation"]["reason"] = "cancelled"  # nobody kept why
    assert [(await office.http.get(path)).json() for path in paths] == shown
    assert await entries(office) == before
    assert (await office.http.get("/v1/kpis/retention", params=query)).json()["data"] == figures
    known = await office.http.get(paths[0], params={"known_at": "2026-01-06T00:00:00Z"})
    assert known.json()["terms"][0]["start"] == "2024-01-31"
    # What is recorded from now on goes on where that ended.
    await office.amends(contracts[0], amount={"amount": "50", "currency": "EUR"})
    assert len((await office.http.get(f"{paths[0]}/revisions")).json()["data"]) == 2


async def test_what_was_recorded_is_not_changed(office: Office) -> None:
    await office.enters("acme", start="2026-01-01", term_months=12)
    for statement in (
        "UPDATE renewals.ledger_entry SET arr = 0",
        "DELETE FROM renewals.ledger_entry",
        "UPDATE renewals.contract_revision SET recorded_at = now()",
        "DELETE FROM renewals.contract_revision",
    ):
        async with office.service.chassis.database.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="the ledger is only added to"):
                await connection.execute(text(statement))


async def test_renewals_of_before_are_on_the_board_after_the_upgrade_and_no_window_comes_again(
    office: Office,
) -> None:
    contracts = [
        await office.enters("acme", start="2026-01-01", term_months=12, zone="Europe/Berlin"),
        await office.enters("bolt", start="2026-02-01", term_months=6, at_end="cancel", grace_days=20),
    ]
    # The upgrade has accounts looked at by the machine's clock.
    await office.it_is(max(datetime.now(UTC), instant("2026-12-05T09:00")) + timedelta(days=1))
    board = text("SELECT * FROM renewals.renewal ORDER BY contract_id, term")
    windows = text("SELECT * FROM renewals.milestone WHERE name = 'window' ORDER BY contract_id, term")

    async def kept() -> list[Any]:
        async with office.service.chassis.database.engine.connect() as connection:
            return [(await connection.execute(query)).all() for query in (board, windows)]

    before = await kept()
    async with office.service.chassis.database.engine.begin() as connection:
        await connection.run_sync(_back_and_forth)
    await office.said()

    await office.it_is(office.clock.now() + timedelta(minutes=1))

    after = await kept()
    assert len(before[0]) >= len(contracts)
    assert after[0] == before[0]
    assert [row[:5] for row in after[1]] == [row[:5] for row in before[1]]
    assert "window" not in {said.milestone for said in await office.said_of(MilestoneReached)}
