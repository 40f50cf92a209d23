"""The routes of Sensors Data and Totango: what they answer, and that a bad call does not harm the good ones."""

import json
from base64 import b64encode
from gzip import compress
from typing import Any

from ingest.api.pixel import PIXEL
from mainstay.contracts.topics import USAGE_EVENTS
from tests.integration.ingest.door import Door


def call(**changes: Any) -> dict[str, Any]:
    return {
        "type": "track",
        "time": 1_772_355_600_250,
        "distinct_id": "ann",
        "event": "Login",
        "properties": {"company_id": "acme"},
        **changes,
    }


def form(*calls: dict[str, Any]) -> dict[str, str]:
    return {"data_list": b64encode(compress(json.dumps(calls).encode())).decode(), "gzip": "1"}


async def test_good_calls_are_stored_beside_a_bad_one_and_the_answer_is_200(door: Door) -> None:
    answer = await door.http.post(f"/sa?token={door.key}", data=form(call(), call(event=None), call(event="Export")))

    assert answer.status_code == 200
    assert answer.json()["accepted"] == 2
    assert [(each["index"], each["code"]) for each in answer.json()["refused"]] == [(1, "event-missing")]
    assert {event.data.event for event in await door.events(USAGE_EVENTS)} == {"Login", "Export"}


async def test_a_form_that_cannot_be_read_is_kept_and_answered_with_200(door: Door) -> None:
    answer = await door.http.post(f"/sa?token={door.key}", data={"data": "???"})

    assert answer.status_code == 200
    assert [each["code"] for each in answer.json()["refused"]] == ["base64-malformed"]


async def test_a_get_is_taken_too_and_browsers_get_an_image(door: Door) -> None:
    answer = await door.http.get("/sa.gif", params={**form(call()), "token": door.key})

    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/gif", PIXEL.body)
    assert len(await door.events(USAGE_EVENTS)) == 1


async def test_the_debug_route_says_what_is_wrong_and_a_dry_run_stores_nothing(door: Door) -> None:
    url = f"/debug?token={door.key}"

    assert (await door.http.post(url, data=form(call(event=None)))).json()["code"] == "event-missing"
    assert (await door.http.post(url, data=form(call()), headers={"Dry-Run": "true"})).status_code == 200
    assert await door.events(USAGE_EVENTS) == []


async def test_without_a_good_key_nothing_is_taken(door: Door) -> None:
    for url in ("/sa", "/sa?token=mst_no", "/debug", "/pixel.gif", "/pixel.gif?sdr_s=mst_no&sdr_o=acme&sdr_a=x"):
        assert (await door.http.post(url, data=form(call()))).status_code == 401


async def test_a_pixel_is_an_image_once_what_it_says_is_stored(door: Door) -> None:
    said = {"sdr_s": door.key, "sdr_o": "acme", "sdr_u": "ann", "sdr_a": "Exported", "sdr_m": "Reports"}
    got = await door.http.get("/pixel.gif", params=said)
    posted = await door.http.post("/pixel.gif/", data=said)
    headed = await door.http.post(
        "/pixel.gif/", data={**said, "sdr_s": ""}, headers={"Authorization": f"app-token {door.key}"}
    )

    for answer in (got, posted, headed):
        assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, "image/gif", PIXEL.body)
    assert len(await door.events(USAGE_EVENTS)) == 3


async def test_a_pixel_that_says_nothing_is_refused(door: Door) -> None:
    answer = await door.http.get("/pixel.gif", params={"sdr_s": door.key, "sdr_a": "Exported"})

    assert (answer.status_code, answer.json()["code"]) == (400, "account-missing")
