"""People and teams over HTTP: saved as versions, refused where they cannot be, and found where they are responsible."""

from datetime import date, timedelta
from typing import Any

from mainstay.contracts.health_score import TeamMember
from tests.integration.alerts.world import World, known


async def save(alerts: World, person_id: str, status: int = 201, **person: Any) -> Any:
    """Save somebody, and have the answer."""
    async with alerts.api() as api:
        answer = await api.put(f"/v1/people/{person_id}", json={"person": {"name": person_id.title(), **person}})
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_a_person_is_kept_as_written_with_every_version(alerts: World) -> None:
    written: dict[str, Any] = {
        "zone": "Asia/Shanghai",
        "workdays": ["mon", "sat"],
        "hours": {"since": "09:30", "until": "24:00"},
        "country": "CN",
        "language": "zh-Hans",
        "email": "li@example.com",
        "daily_budget": 5,
        "digests": {"daily_at": None, "weekly_at": "10:00", "weekly_on": "sat"},
    }
    first = await save(alerts, "li", **written)
    again = await save(alerts, "li", 200, **written)
    async with alerts.api() as api:
        stale = await api.put("/v1/people/li", json={"person": {"name": "X"}}, headers={"If-Match": '"9"'})
        await api.put("/v1/people/li", json={"person": {"name": "Li", "role": "csm"}, "reason": "came back"})
    versions = (await alerts.get("/v1/people/li/versions"))["data"]

    assert again == first
    assert {name: first["person"][name] for name in written} == written
    assert stale.status_code == 412
    assert [each["version"] for each in versions] == [2, 1]
    assert (versions[0]["reason"], versions[0]["saved_by"]) == ("came back", "the tests")
    assert {"path": "/role", "before": None, "after": "csm"} in versions[0]["changes"]


async def test_what_cannot_be_is_refused_at_its_place(alerts: World) -> None:
    await save(alerts, "ann")
    await save(alerts, "bob", manager="ann")

    circle = await save(alerts, "ann", 422, manager="bob")
    stranger = await save(alerts, "cat", 422, leaves=[{"first": "2026-01-01", "last": "2026-01-05", "deputy": "zoe"}])
    zone = await save(alerts, "cat", 422, zone="Mars/Olympus")
    chat = await save(alerts, "cat", 422, chat={"channel_id": "none"})
    async with alerts.api() as api:
        needed = await api.delete("/v1/people/ann")
        team = await api.put("/v1/teams/emea", json={"team": {"name": "EMEA", "kind": "pool", "members": ["zoe"]}})

    assert circle["errors"] == [{"pointer": "/person/manager", "detail": "a circle of managers: ann -> bob -> ann"}]
    assert stranger["errors"][0]["pointer"] == "/person/leaves/0/deputy"
    assert zone["errors"][0]["pointer"] == "/person/zone"
    assert chat["errors"][0]["pointer"] == "/person/chat/channel_id"
    assert needed.status_code == 409
    assert "the manager of bob" in needed.json()["detail"]
    assert team.json()["errors"][0]["pointer"] == "/team/members/0"


async def test_people_and_teams_are_paged_and_deleted(alerts: World) -> None:
    for name in ("ann", "bob", "cat"):
        await save(alerts, name)
    async with alerts.api() as api:
        made = await api.put(
            "/v1/teams/emea", json={"team": {"name": "EMEA", "members": ["ann", "cat"], "lead": "ann"}}
        )
        deleted = await api.delete("/v1/people/bob", params={"reason": "left"})
        missing = await api.get("/v1/people/bob")
    page = await alerts.get("/v1/people", limit=1)
    rest = await alerts.get("/v1/people", cursor=page["next_cursor"])

    assert made.status_code == 201
    assert (deleted.status_code, missing.status_code) == (204, 404)
    assert [each["id"] for each in (*page["data"], *rest["data"])] == ["ann", "cat"]
    assert (await alerts.get("/v1/people/bob/versions"))["data"][0]["deleted"] is True
    assert (await alerts.get("/v1/teams"))["data"][0]["team"]["lead"] == "ann"


async def test_whoever_is_responsible_is_found_with_the_reasons(alerts: World) -> None:
    now = alerts.clock.now()
    today = now.date()
    team = (TeamMember("sales", "sam", date(2020, 1, 1), today - timedelta(days=30)), TeamMember("sales", "sue", today))
    await alerts.hears(known(now, owner="ann", team=team))
    leave = {"first": str(today - timedelta(days=1)), "last": str(today + timedelta(days=1)), "deputy": "bob"}
    await save(alerts, "bob")
    await save(alerts, "ann", leaves=[leave])

    csm = await alerts.get("/v1/accounts/acme/responsible")
    past = await alerts.get("/v1/accounts/acme/responsible", role="sales", at=f"{today - timedelta(days=60)}T12:00:00Z")
    async with alerts.api() as api:
        unknown = await api.get("/v1/accounts/nobody/responsible")

    assert csm["person_id"] == "bob"
    assert csm["through"] == [
        {"person_id": "ann", "why": "owner", "of": None},
        {"person_id": "bob", "why": "deputy", "of": "ann"},
    ]
    assert past["person_id"] == "sam"
    assert unknown.status_code == 404
