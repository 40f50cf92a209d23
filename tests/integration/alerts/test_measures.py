"""Rules on the values of measures: any metric of an account's scorecard, told in parts, in words and percents."""

import json
from datetime import timedelta
from typing import Any

from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import MeasuresChanged, MeasureValue
from tests.integration.alerts.sinks import HttpSink
from tests.integration.alerts.test_rules import of_rule, put
from tests.integration.alerts.world import CARD, World, known

HOUR = timedelta(hours=1)
UNUSED = {
    "id": "seats-unused",
    "kind": "metric-threshold",
    "category": "risk",
    "levels": {"warning": 0.4, "critical": 0.1},
    "when": {"metric": "seat_utilisation"},
    "title": "$account: $metric at $value",
    "text": "$metric is below $level",
    "next_steps": ["Call them."],
}
IN_CEL = {
    "id": "exports-and-seats",
    "kind": "cel",
    "category": "risk",
    "when": {"warning": "measure_seat_utilisation < 0.4 && measure_custom_exported_rows > 10.0"},
    "title": "$account exports, and few come",
    "text": "since $since_on",
    "next_steps": ["Call them."],
}


def read(alerts: World, *, hours: float = 0, **values: float | None) -> Event[MeasuresChanged]:
    """Values of metrics; `exports` stands for one of the operator's own."""
    at = alerts.clock.now() + hours * HOUR
    names = {"exports": "custom.exported_rows"}
    units = {"seat_utilisation": "share", "exports": "amount"}
    told = tuple(MeasureValue(names.get(name, name), value, units.get(name)) for name, value in values.items())
    return Event(f"measures {at} {values}", "test", at, MeasuresChanged("acme", at, told, CARD))


async def test_a_rule_goes_by_any_metric_of_the_scorecard_and_speaks_in_percents(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    assert (await put(alerts, UNUSED)).status_code == 201

    now = alerts.clock.now()
    await alerts.hears(known(now), read(alerts, seat_utilisation=0.62, stickiness_28d=0.2))
    await alerts.hears(read(alerts, hours=0.1, seat_utilisation=0.375))
    await alerts.delivers()
    assert await of_rule(alerts, "seats-unused") == [("warning", "open")]
    (opened,) = (json.loads(arrival.body)["data"] for arrival in sink.arrivals)
    assert opened["title"] == "Acme: share of seats in use at 37.5 %"
    assert opened["text"] == "share of seats in use is below 40 %"

    (alert,) = await alerts.alerts(rule="seats-unused")
    assert alert["title"] == opened["title"]  # and so does whoever asks

    await alerts.hears(read(alerts, hours=0.2, stickiness_28d=0.1))  # seats are as before
    await alerts.hears(read(alerts, hours=0.3, seat_utilisation=None))  # not known is not well
    assert await of_rule(alerts, "seats-unused") == [("warning", "open")]

    await alerts.hears(read(alerts, hours=0.4, seat_utilisation=0.05))
    await alerts.hears(read(alerts, hours=0.5, seat_utilisation=0.5))
    assert sorted(await of_rule(alerts, "seats-unused")) == [("critical", "resolved"), ("warning", "resolved")]


async def test_values_that_came_before_the_rule_count_and_tell_nobody(alerts: World, sink: HttpSink) -> None:
    await alerts.webhook(sink.url)
    await alerts.hears(known(alerts.clock.now()), read(alerts, seat_utilisation=0.05))

    alerts.clock.advance(HOUR)
    await put(alerts, UNUSED)
    await alerts.application.due.run_due()
    await alerts.delivers()

    assert await of_rule(alerts, "seats-unused") == [("critical", "open")]
    assert sink.arrivals == []


async def test_conditions_in_cel_know_the_values_told_one_after_the_other(alerts: World) -> None:
    assert (await put(alerts, IN_CEL)).status_code == 201
    now = alerts.clock.now()

    await alerts.hears(known(now), read(alerts, exports=5.0, seat_utilisation=0.3))
    assert await of_rule(alerts, "exports-and-seats") == []
    await alerts.hears(read(alerts, hours=0.1, exports=20.0))
    assert await of_rule(alerts, "exports-and-seats") == [("warning", "open")]
    await alerts.hears(read(alerts, hours=0.2, seat_utilisation=None))  # what cannot be told is not true
    assert await of_rule(alerts, "exports-and-seats") == [("warning", "resolved")]


async def test_a_metric_that_no_scorecard_measures_is_refused_by_name(alerts: World) -> None:
    await alerts.hears(known(alerts.clock.now()), read(alerts, seat_utilisation=0.5, exports=2.0))

    def pointers(answer: Any) -> list[tuple[str, str]]:
        return [(each["pointer"], each["detail"]) for each in answer.json()["errors"]]

    mistaken = await put(alerts, UNUSED | {"when": {"metric": "seat_utilization"}})
    in_cel = await put(alerts, IN_CEL | {"when": {"warning": "measure_custom_exported_row > 1.0"}})

    assert (mistaken.status_code, in_cel.status_code) == (422, 422)
    ((where, what),) = pointers(mistaken)
    assert where.endswith("/when/metric")
    assert what.endswith("no measure has the metric seat_utilization; did you mean seat_utilisation?")
    ((_, what),) = pointers(in_cel)
    assert what.endswith("did you mean measure_custom_exported_rows?")


async def test_values_that_no_rule_goes_by_open_nothing_and_are_kept_for_previews(alerts: World) -> None:
    await alerts.hears(known(alerts.clock.now()), read(alerts, seat_utilisation=0.05))
    assert await alerts.alerts() == []

    async with alerts.api() as api:
        answer = await api.post("/v1/alert-rules/preview", json={"rule": UNUSED, "days": 30})

    assert answer.json()["firings"] == 1
