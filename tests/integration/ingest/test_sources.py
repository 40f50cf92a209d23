"""Sources: listed, described, and in force within two seconds."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ingest.application.ports import NotKept
from ingest.application.sources import SourceBook
from ingest.domain.limits import Limits
from ingest.domain.policy import Names, Rate
from mainstay.kernel.clock import ManualClock
from tests.integration.ingest.observatory import Observatory, observing


@pytest.fixture
async def place(migrated_url: str, clock: ManualClock) -> AsyncIterator[Observatory]:
    async with observing(migrated_url, clock) as place:
        yield place


async def test_sources_are_listed_whether_described_named_by_a_key_or_seen(place: Observatory) -> None:
    await place.http.put("/v1/sources/mobile", json={"product": "App", "environment": "production"})
    place.sends(3, "legacy")
    await place.observer.write()

    page = (await place.http.get("/v1/sources", params={"limit": 2})).json()
    rest = (await place.http.get("/v1/sources", params={"limit": 2, "cursor": page["next_cursor"]})).json()

    shown = {each["id"]: (each["version"], each["state"]) for each in page["data"] + rest["data"]}
    assert shown == {"legacy": (0, "active"), "mobile": (1, "never_seen"), "web": (0, "never_seen")}
    assert rest["next_cursor"] is None


async def test_a_source_is_replaced_as_a_whole_and_only_as_it_was_read(place: Observatory) -> None:
    first = await place.http.put("/v1/sources/web", json={"product": "App", "dropped": ["email"]})
    assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
    second = await place.http.put("/v1/sources/web", json={"hashed": ["ip"]}, headers={"If-Match": '"1"'})
    assert second.json()["dropped"] == []
    late = await place.http.put("/v1/sources/web", json={}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "version-differs")
    bad = await place.http.put("/v1/sources/web", json={}, headers={"If-Match": "1"})
    assert (bad.status_code, bad.json()["code"]) == (400, "bad-if-match")
    shown = await place.http.get("/v1/sources/web")
    assert (shown.json()["hashed"], shown.json()["product"], shown.headers["ETag"]) == (["ip"], None, '"2"')


async def test_what_is_said_of_a_source_is_in_force_at_the_next_refresh(place: Observatory) -> None:
    before = place.book.of("web")
    assert before.is_plain
    await place.http.put(
        "/v1/sources/web",
        json={
            "limits": {"events": 10, "body_bytes": 32 * 1024 * 1024},
            "rate": {"events_per_second": 50, "burst": 100},
            "names": {"account": ["tenant"]},
            "dropped": ["email"],
            "hashed": ["ip"],
        },
    )
    assert place.book.of("web") is before
    await place.book.refresh()

    policy = place.book.of("web")
    assert policy.limits == Limits(events=10)
    assert (policy.rate, policy.names) == (Rate(50.0, 100), Names(account=("tenant",)))
    assert (policy.dropped, policy.hashed) == (frozenset({"email"}), frozenset({"ip"}))
    assert place.book.of("another").is_plain


async def test_nothing_passes_before_the_policies_were_read(place: Observatory) -> None:
    with pytest.raises(NotKept):
        SourceBook(place.store, Limits()).of("web")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"limits": {"events": 0}}, "/limits/events"),
        ({"limits": {"event_bytes": "many"}}, "/limits/event_bytes"),
        ({"rate": {"events_per_second": 0, "burst": 1}}, "/rate/events_per_second"),
        ({"dropped": ["a", "a"]}, "/dropped"),
        ({"hashed": ["x" * 201]}, "/hashed/0"),
        ({"names": {"user": ["\x01"]}}, "/names/user/0"),
        ({"unplanned": "drop"}, "/unplanned"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_what_is_wrong_is_said_by_place(place: Observatory, body: dict[str, Any], pointer: str) -> None:
    answer = await place.http.put("/v1/sources/web", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_a_source_that_nobody_knows_is_not_found(place: Observatory) -> None:
    for path in ("/v1/sources/nobody", "/v1/sources/nobody/health"):
        answer = await place.http.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "source-unknown")
    star = await place.http.put("/v1/sources/*", json={})
    assert (star.status_code, star.json()["code"]) == (422, "source-reserved")
