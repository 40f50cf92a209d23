"""The published schemas, through the running door."""

import jsonschema_rs

from ingest.api.fact_schemas import TYPES
from tests.integration.ingest.door import Door


async def test_schemas_are_listed_and_read_one_by_one(door: Door) -> None:
    reader = {"Authorization": f"Bearer {await door.another_key(['ingest:read'])}"}

    listed = (await door.http.get("/v1/schemas", headers=reader)).json()

    assert [one["kind"] for one in listed["data"]] == list(TYPES)
    assert listed["next_cursor"] is None
    for one in listed["data"]:
        answer = await door.http.get(f"/v1/schemas/{one['kind']}", headers=reader)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
        assert answer.json() == one["schema"]
        jsonschema_rs.meta.validate(answer.json())


async def test_an_unknown_kind_and_a_key_without_the_scope(door: Door) -> None:
    reader = {"Authorization": f"Bearer {await door.another_key(['ingest:read'])}"}
    unknown = await door.http.get("/v1/schemas/weather", headers=reader)
    refused = await door.http.get("/v1/schemas/account", headers={"Authorization": f"Bearer {door.key}"})

    assert (unknown.status_code, unknown.json()["code"]) == (404, "schema-unknown")
    assert (refused.status_code, refused.json()["code"]) == (403, "scope-missing")
