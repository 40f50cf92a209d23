"""The routes that erase: what they take for an id, and what they do not."""

from urllib.parse import quote, urlencode

import httpx

from tests.integration.ingest.door import Door


async def erase(door: Door, path: str) -> httpx.Response:
    key = await door.another_key(["privacy:write"])
    return await door.http.delete(path, headers={"Authorization": f"Bearer {key}"})


async def test_a_longer_path_is_no_id_and_erases_nobody(door: Door) -> None:
    answer = await erase(door, "/v1/accounts/acme/touchpoints")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await erase(door, "/v1/users/ann/nothing")).status_code == 404
    key = await door.another_key(["privacy:write"])
    listed = await door.http.get("/v1/erasures", headers={"Authorization": f"Bearer {key}"})
    assert listed.json()["data"] == []


async def test_an_id_with_a_slash_is_erased_by_its_escaped_form_and_once(door: Door) -> None:
    first, second = await erase(door, "/v1/accounts/a%2Fb"), await erase(door, "/v1/accounts/a%2Fb")

    assert first.status_code == second.status_code == 202
    assert first.json()["id"] == second.json()["id"]
    assert "a/b" not in first.text


async def test_what_was_refused_is_erased_in_every_protocol_and_state(door: Door) -> None:
    reader = {"Authorization": f"Bearer {await door.another_key(['ingest:read', 'ingest:write'])}"}
    person, other = "a nn@x.test", "ann@x.test"

    async def left() -> list[str]:
        return [one["document"] for one in (await door.http.get("/v1/quarantine", headers=reader)).json()["data"]]

    for user in (person, other):
        await door.post("/v1/track", {"userId": user, "context": {"groupId": "acme"}})
        form = urlencode({"sdr_u": user, "sdr_o": "acme", "sdr_a": "x" * 1_000})
        await door.post("/pixel.gif", content=form.encode())
    assert len(await left()) == 4
    async with door.service.chassis.database.engine.begin() as connection:  # as a replay that waits for the log
        await connection.exec_driver_sql("UPDATE ingest.quarantine SET state = 'replaying'")

    assert (await erase(door, f"/v1/users/{quote(person)}")).status_code == 202

    assert not [document for document in await left() if "nn%40" in document and "a+nn" in document]
    assert len(await left()) == 2
