"""The schema of deliveries goes back and forth with what is in it."""

from importlib import import_module
from typing import Any

from sqlalchemy import text

from tests.integration.alerts.sinks import HttpSink, http_sink
from tests.integration.alerts.test_channels import channel
from tests.integration.alerts.test_delivering import opened
from tests.integration.alerts.world import World

DELIVERY: Any = import_module("alerts.migrations.versions.0003_delivery")


async def run(alerts: World, statements: tuple[str, ...]) -> None:
    async with alerts.database.engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement.replace(":", r"\:")))


async def test_channels_of_before_go_on_and_those_of_after_go_back(alerts: World, sink: HttpSink) -> None:
    async with http_sink() as robot:
        await alerts.webhook(sink.url)
        await channel(alerts, kind="dingtalk", url=robot.url)
        await channel(alerts, kind="slack", url=robot.url, operator=True)
        robot.usual = (410, {}, b"")
        await opened(alerts)
        for _ in range(2):
            await alerts.delivers()

        await run(alerts, DELIVERY.DOWN)
        kinds = [row.kind for row in await alerts.rows("SELECT kind FROM alerts.channel ORDER BY kind")]
        assert kinds == ["slack", "webhook"]
        await run(alerts, DELIVERY.UP)

        assert len(await alerts.rows("SELECT 1 FROM alerts.pace")) == 2
        await opened(alerts, "globex")
        await alerts.delivers()
        assert len(sink.arrivals) == 2  # the webhook's secret is read as it was
