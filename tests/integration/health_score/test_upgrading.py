"""What a database of the release before has is there after the upgrade, and nobody is told of it again."""

from importlib import import_module

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection

from mainstay.contracts.facts import FeedbackFact
from mainstay.contracts.health_score import StageChanged
from tests.integration.health_score.health import Health, fact, instant, stated

SINCE = [
    import_module(f"health_score.migrations.versions.{name}")
    for name in ("0010_lifecycle", "0011_kpis", "0012_portfolio_cells")
]


def _back_and_forth(connection: Connection) -> None:
    with Operations.context(MigrationContext.configure(connection)):
        for each in reversed(SINCE):
            each.downgrade()
        for each in SINCE:
            each.upgrade()


async def test_stages_and_feedback_of_before_are_there_after_the_upgrade(health: Health) -> None:
    await health.receives(
        fact("acme", at="2026-02-20T10:00Z", name="Acme", stage="growth", tier="gold"),
        fact("globex", at="2026-02-20T10:00Z"),
    )
    await health.receives(
        stated(FeedbackFact("acme", "f1", instant("2026-02-20T10:00Z"), theme="Export", state="in_pool"))
    )
    paths = ("/accounts", "/feedback/items", "/portfolio/summary")
    lists = [await health.get(path) for path in paths]
    said = await health.said(StageChanged)

    async with health.database.engine.begin() as connection:
        await connection.run_sync(_back_and_forth)

    assert [await health.get(path) for path in paths] == lists
    await health.until("2026-03-03T01:00Z")  # and the next midnight finds nothing new
    assert await health.said(StageChanged) == said
    assert (await health.get("/accounts/acme/lifecycle"))["now"]["entered_on"] == "2026-02-20"
    assert (await health.get("/accounts/acme"))["record"]["tier_by"]["how"] == "hand"
