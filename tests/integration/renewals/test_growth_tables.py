"""The tables of migration 0006: what an upgrade brings along, and that what was stated stays."""

from importlib import import_module
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tests.integration.renewals.office import Office
from tests.integration.renewals.test_churn import LEFT, reviews
from tests.integration.renewals.test_economics import are, costs, states
from tests.integration.renewals.test_expansion import money
from tests.integration.renewals.test_good_customers import CRITERIA, checks, saves

GROWTH = import_module("renewals.migrations.versions.0006_growth")


def _back_and_forth(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        GROWTH.downgrade()
        GROWTH.upgrade()


async def test_what_accounts_are_is_known_after_the_upgrade(office: Office) -> None:
    await are(office, "large", "acme")
    criteria: dict[str, Any] = {"criteria": [{"name": "ours", "fact": "segment", "among": ["large"]}]}

    async with office.service.chassis.database.engine.begin() as connection:
        await connection.run_sync(_back_and_forth)

    await saves(office, criteria)
    assert (await checks(office, account_id="acme"))["verdict"] == "good"
    assert (await checks(office, account_id="other"))["verdict"] == "unknown"


async def test_what_was_stated_is_not_changed(office: Office) -> None:
    gone = await office.enters("gone", **LEFT, entitlements={"a": 1})
    await reviews(office, gone)
    await states(office, "2024-01-01", costs("1.00", "0.5"))
    await saves(office, CRITERIA)
    charge = {"kind": "overage", "metric": "a", "quantity": "1", "amount": money("1.00"), "on": "2025-02-01"}
    credit = {"credits": [{"person": "ann", "share": "1"}]}
    for answer in (
        await office.http.post(f"/v1/contracts/{gone['id']}/charges", json=charge),
        await office.http.put(f"/v1/renewals/{gone['id']}.1/credit", json=credit),
        await office.http.post("/v1/opportunities", json={"account_id": "gone", "kind": "service"}),
    ):
        assert answer.status_code in {200, 201}, answer.text
    for statement in (
        "UPDATE renewals.churn_review SET churn_reason = 'competitor'",
        "DELETE FROM renewals.churn_review",
        "UPDATE renewals.economics SET gross_margin = 1",
        "DELETE FROM renewals.good_customer_criteria",
        "UPDATE renewals.charge SET amount = 0",
        "UPDATE renewals.renewal_credit SET credits = '[]'",
        "DELETE FROM renewals.opportunity_version",
    ):
        async with office.service.chassis.database.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="what was stated is only added to"):
                await connection.execute(text(statement))
