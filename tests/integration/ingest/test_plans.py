"""Tracking plans: decided by an operator, and learned from what passes by."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from ingest.application.observing import MOST_NAMES, Observer
from ingest.domain.policy import Action, Planned
from mainstay.contracts.topics import USAGE_EVENTS
from mainstay.kernel.clock import ManualClock
from tests.integration.ingest.door import Door
from tests.integration.ingest.observatory import Observatory, observing

PRICED = {"required": ["price"], "properties": {"price": {"type": "number"}}}


@pytest.fixture
async def place(migrated_url: str, clock: ManualClock) -> AsyncIterator[Observatory]:
    async with observing(migrated_url, clock) as place:
        yield place


def planned(place: Observatory, source: str, event: str) -> Planned | None:
    plan = place.book.of(source).plan
    return None if plan is None else plan.events.get(event)


def faults(place: Observatory, source: str, event: str, properties: dict[str, Any]) -> Sequence[str] | None:
    found = planned(place, source, event)
    return None if found is None else [pointer for pointer, _ in found.faults(properties)]


async def test_an_event_is_planned_shown_listed_and_taken_out(place: Observatory) -> None:
    put = await place.http.put("/v1/tracking-plan/web/Cart/Paid", json={"schema": PRICED, "action": "quarantine"})
    assert (put.status_code, put.headers["ETag"]) == (200, '"1"')
    await place.http.put("/v1/tracking-plan/*/Login", json={"schema": {}})
    got = (await place.http.get("/v1/tracking-plan/web/Cart%2FPaid")).json()
    assert (got["event"], got["schema"], got["action"]) == ("Cart/Paid", PRICED, "quarantine")

    first = (await place.http.get("/v1/tracking-plan", params={"limit": 1})).json()
    second = (await place.http.get("/v1/tracking-plan", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert [(each["source"], each["event"]) for each in first["data"] + second["data"]] == [
        ("*", "Login"),
        ("web", "Cart/Paid"),
    ]
    assert second["next_cursor"] is None

    stale = await place.http.put("/v1/tracking-plan/web/Cart/Paid", json={"schema": {}}, headers={"If-Match": '"9"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "version-differs")
    assert (await place.http.delete("/v1/tracking-plan/web/Cart/Paid")).status_code == 204
    for method in ("GET", "DELETE"):
        gone = await place.http.request(method, "/v1/tracking-plan/web/Cart/Paid")
        assert (gone.status_code, gone.json()["code"]) == (404, "planned-event-unknown")


async def test_a_plan_is_in_force_at_the_next_refresh_and_its_own_goes_before_that_of_all(place: Observatory) -> None:
    await place.http.put("/v1/tracking-plan/*/Paid", json={"schema": PRICED, "action": "warn"})
    await place.http.put("/v1/tracking-plan/web/Paid", json={"schema": {"required": ["sku"]}, "action": "quarantine"})
    await place.http.put("/v1/sources/web", json={"unplanned": "quarantine"})
    await place.book.refresh()

    assert faults(place, "mobile", "Paid", {"price": "4"}) == ["/price"]
    assert faults(place, "web", "Paid", {"sku": 1}) == []
    mobile, web = planned(place, "mobile", "Paid"), planned(place, "web", "Paid")
    assert mobile is not None
    assert mobile.action is Action.WARN
    assert web is not None
    assert web.action is Action.QUARANTINE
    plan = place.book.of("web").plan
    assert plan is not None
    assert plan.unplanned is Action.QUARANTINE

    await place.http.delete("/v1/tracking-plan/web/Paid")
    await place.book.refresh()
    assert faults(place, "web", "Paid", {}) == [""]


async def test_a_stored_schema_that_is_none_stops_nobody(place: Observatory) -> None:
    now = place.clock.now()
    for event, schema in (("Bad", {"type": "objct"}), ("Paid", PRICED), ("Large", {"maxLength": 10**30})):
        await place.store.plan("web", event, Action.WARN, schema, expected=None, at=now, by="tests")
    await place.book.refresh()
    assert planned(place, "web", "Bad") is None
    assert faults(place, "web", "Paid", {}) == [""]


async def test_a_schema_that_is_not_acceptable_is_refused_by_place(place: Observatory) -> None:
    for schema, pointer in (
        ({"properties": {"a": {"type": "objct"}}}, "/schema/properties/a/type"),
        ({"$ref": "http://127.0.0.1:1/x"}, "/schema/$ref"),
        ({"pattern": "(?=a)"}, "/schema/pattern"),
    ):
        answer = await place.http.put("/v1/tracking-plan/web/Paid", json={"schema": schema})
        assert (answer.status_code, answer.json()["code"]) == (422, "schema-refused")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    missing = await place.http.put("/v1/tracking-plan/web/Paid", json={"action": "warn"})
    assert [error["pointer"] for error in missing.json()["errors"]] == ["/schema"]


async def test_what_passes_by_is_learned_and_a_typo_stands_out(place: Observatory) -> None:
    place.observer.saw(place.sent(*[("Report Opened", {"format": "pdf", "pages": 3})] * 99))
    place.observer.saw(place.sent(("Report Opned", {"format": None})))
    place.observer.counted("web", place.clock.now(), accepted=100, refused={}, waiting=0)
    await place.observer.write()

    answer = (await place.http.get("/v1/tracking-plan/observed", params={"source": "web"})).json()

    opened, opned = answer["data"]
    assert (answer["total"], answer["others"], answer["next_cursor"]) == (100, 0, None)
    assert (opened["event"], opened["count"], opened["share"], opened["resembles"]) == ("Report Opened", 99, 0.99, None)
    assert opened["properties"] == [
        {"name": "format", "count": 99, "share": 1.0, "types": {"string": 99}},
        {"name": "pages", "count": 99, "share": 1.0, "types": {"integer": 99}},
    ]
    assert (opned["resembles"], opned["count"]) == ("Report Opened", 1)
    page = (await place.http.get("/v1/tracking-plan/observed", params={"source": "web", "limit": 1})).json()
    rest = await place.http.get(
        "/v1/tracking-plan/observed", params={"source": "web", "limit": 1, "cursor": page["next_cursor"]}
    )
    assert [each["event"] for each in rest.json()["data"]] == ["Report Opned"]


async def test_two_processes_add_up_within_the_bounds(place: Observatory) -> None:
    other = place.another_observer()

    def half(observer: Observer, first: int) -> None:
        observer.saw(place.sent(*((f"Event {n}", {"a": n}) for n in range(first, first + 600))))
        observer.counted("web", place.clock.now(), accepted=600, refused={"name-invalid": 1}, waiting=2)

    half(place.observer, 0)
    half(other, 500)
    await place.observer.write()
    await other.write()

    params: dict[str, Any] = {"source": "web", "limit": 500}
    page = (await place.http.get("/v1/tracking-plan/observed", params=params)).json()
    rest = (await place.http.get("/v1/tracking-plan/observed", params={**params, "cursor": page["next_cursor"]})).json()
    counts = {each["event"]: each["count"] for each in page["data"] + rest["data"]}
    assert len(counts) == MOST_NAMES
    assert {counts[f"Event {n}"] for n in range(500, 600)} == {2}
    assert sum(counts.values()) + page["others"] == page["total"] == 1_200
    day = (await place.health())["rates"][2]
    assert (day["accepted"], day["waiting"], day["refused"]) == (1_200, 4, {"name-invalid": 2})


async def test_at_the_door_a_plan_allows_warns_and_quarantines(door: Door) -> None:
    await door.service.source_store.plan(
        "product", "Paid", Action.QUARANTINE, PRICED, expected=None, at=door.service.chassis.clock.now(), by="tests"
    )
    await door.service.source_store.plan(
        "product", "Viewed", Action.WARN, PRICED, expected=None, at=door.service.chassis.clock.now(), by="tests"
    )
    await door.service.sources.refresh()

    answers = [
        await door.post(
            "/v1/track",
            {
                "messageId": f"m{n}",
                "userId": "ann",
                "event": event,
                "context": {"groupId": "acme"},
                "properties": properties,
            },
        )
        for n, (event, properties) in enumerate(
            [("Paid", {"price": 4}), ("Paid", {"price": "4"}), ("Viewed", {}), ("Login", {"price": "4"})]
        )
    ]

    assert [answer.status_code for answer in answers] == [200, 400, 200, 200]
    assert answers[1].json()["code"] == "plan-violated"
    assert answers[1].json()["errors"][0]["pointer"] == "/properties/price"
    stored = [event.data.event for event in await door.events(USAGE_EVENTS)]
    assert stored == ["Paid", "Viewed", "Login"]
    await door.until_shown('mainstay_ingest_events_warned_total{protocol="segment",source="product"} 1.0')
    await door.service.observer.write()
    reader = await door.another_key(["ingest:read"])
    health = await door.http.get("/v1/sources/product/health", headers={"Authorization": f"Bearer {reader}"})
    minute = health.json()["rates"][0]
    assert (minute["accepted"], minute["warned"], minute["refused"]) == (3, 1, {"plan-violated": 1})
