"""The timeline: everything known about an account, newest first, in pages that miss nothing."""

from datetime import timedelta
from typing import Any

import pytest

from mainstay.contracts.facts import FeedbackFact, InvoiceFact, SurveyResponseFact, TicketFact, TouchpointFact
from mainstay.contracts.ingest import ContactFact
from mainstay.web.pages import encode_cursor
from tests.integration.health_score.health import START, Health, daily, fact, instant, stated, usage


async def timeline(health: Health, account: str = "acme", **params: Any) -> list[Any]:
    rows: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await health.get(f"/accounts/{account}/timeline", **params, **cursor)
        rows += page["data"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}


async def a_life(health: Health) -> None:
    """Half a year of use that stops, facts around it, one decision."""
    await health.receives(fact("acme", at="2025-10-01T06:00Z", name="Acme", owner="kim", by="sync"))
    await health.receives(*daily("acme", "2025-10-01", "2026-01-20", users=6, features=7))
    await health.receives(
        stated(ContactFact("acme", "ann", instant("2025-10-02T06:00Z"), name="Ann", role="champion")),
        stated(TicketFact("acme", "t1", START, subject="Slow", opened_at=START, by="ann"), source="desk"),
        stated(TicketFact("acme", "t1", START, resolved_at=START), source="desk"),
        stated(SurveyResponseFact("acme", "s1", START, "nps", 9)),
        stated(TouchpointFact("acme", "p1", instant("2026-03-09T06:00Z"), "call", result="planned", purpose="Review")),
        stated(InvoiceFact("acme", "i1", instant("2025-12-01T06:00Z"), state="open")),
        stated(FeedbackFact("acme", "f1", instant("2025-12-02T06:00Z"), kind="bug", theme="export", state="released")),
    )
    async with health.handlers.works() as work:
        number = (await work.accounts.lock(["acme"]))["acme"].number
        await work.decisions.add("sentiment.given", {"sentiment": "red"}, by="kim", at=START, account_no=number)
    await health.settle()


async def test_a_timeline_tells_everything_newest_first(health: Health) -> None:
    await a_life(health)

    rows = await timeline(health)

    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    told = [(row["at"][:10], row["kind"], row["title"], row["source"], row["by"]) for row in rows]
    at_start = [row for row in told if row[0] == "2026-03-01"]
    assert told[0] == ("2026-03-09", "touchpoint", "Call, planned: Review", "crm", None)
    assert set(at_start) == {
        ("2026-03-01", "ticket", "Ticket opened: Slow", "desk", "ann"),
        ("2026-03-01", "ticket", "Ticket resolved", "desk", None),
        ("2026-03-01", "survey_response", "NPS 9", "crm", None),
        ("2026-03-01", "sentiment.given", "Sentiment given", "mainstay/health-score", "kim"),
    }
    assert ("2026-01-28", "silence", "Silent: no activity since 2026-01-20", "mainstay/health-score", None) in told
    assert [row for row in told if row[1] not in {"band", "silence"}][-4:] == [
        ("2025-12-02", "feedback", "Bug released: export", "crm", None),
        ("2025-12-01", "invoice", "Invoice i1 open", "crm", None),
        ("2025-10-02", "contact", "Contact Ann: role champion", "crm", None),
        ("2025-10-01", "account", "Account: name, owner", "crm", "sync"),
    ]
    (silent,) = [row for row in rows if row["kind"] == "silence"]
    assert silent["data"] == {"last_active_on": "2026-01-20", "habit_days": 7, "active_again_on": None}
    (named,) = [row for row in rows if row["kind"] == "account"]
    assert named["data"] == {"name": "Acme", "owner": "kim", "by": "sync"}


async def test_the_bands_of_a_timeline_are_those_of_the_closes(health: Health) -> None:
    await a_life(health)
    closes = await health.history("acme")

    bands = [
        (row["at"], row["data"]["previous_band"], row["data"]["band"]) for row in await timeline(health, kind="band")
    ]

    before = [{"band": "unknown"}, *closes]
    entered = [
        (f"{close['day']}", previous["band"], close["band"])
        for previous, close in zip(before, closes, strict=False)
        if previous["band"] != close["band"]
    ]
    assert len(entered) > 2
    assert [band[1:] for band in reversed(bands)] == [each[1:] for each in entered]
    assert bands[-1][0] == (instant(f"{entered[0][0]}T00:00Z") + timedelta(days=1)).isoformat().replace("+00:00", "Z")


async def test_a_band_of_the_running_day_stands_at_the_instant_at_which_it_was_entered(health: Health) -> None:
    await health.receives(*daily("acme", "2025-11-01", "2026-02-10", users=6, features=6))
    await health.settle()
    health.clock.advance(timedelta(hours=1))

    await health.receives(*(usage("acme", at="2026-03-01T10:00Z", user=f"user-{n}") for n in range(6)))

    newest = (await timeline(health))[0]
    assert (newest["at"], newest["title"]) == ("2026-03-01T10:00:04Z", "Health green from yellow")


@pytest.mark.parametrize("limit", [1, 3, 500])
async def test_pages_of_any_size_are_the_whole(health: Health, limit: int) -> None:
    await a_life(health)

    whole = (await health.get("/accounts/acme/timeline", limit=500))["data"]

    assert await timeline(health, limit=limit) == whole
    assert len(whole) > 10


async def test_a_silence_that_ended_says_when(health: Health) -> None:
    await health.receives(*daily("acme", "2025-10-01", "2025-10-20"), *daily("acme", "2025-11-20", "2026-02-28"))
    await health.settle()

    (silent,) = await timeline(health, kind="silence")

    assert silent["at"] == "2025-10-28T00:00:00Z"
    assert silent["data"]["active_again_on"] == "2025-11-20"


async def test_a_stretch_is_of_days_in_the_accounts_zone_and_of_the_kinds_asked_for(health: Health) -> None:
    await health.receives(fact("acme", at="2025-10-01T00:00Z", zone="Asia/Tokyo"))
    for hour in ("2026-02-10T14:59:59Z", "2026-02-10T15:00Z", "2026-02-11T14:59:59Z", "2026-02-11T15:00Z"):
        await health.receives(stated(TicketFact("acme", hour, instant(hour))))
    await health.receives(stated(InvoiceFact("acme", "i", instant("2026-02-10T15:00Z"))))

    of_the_day = {"from": "2026-02-11", "to": "2026-02-11"}

    assert [row["data"]["ticket_id"] for row in await timeline(health, kind="ticket", **of_the_day)] == [
        "2026-02-11T14:59:59Z",
        "2026-02-10T15:00Z",
    ]
    assert {row["kind"] for row in await timeline(health, kind=["invoice", "ticket"], **of_the_day)} == {
        "invoice",
        "ticket",
    }
    assert await timeline(health, kind="nothing") == []


async def test_what_cannot_be_asked_is_refused(health: Health) -> None:
    await health.receives(usage("acme", at=START))
    bad = encode_cursor("timeline", ("2026-03-01T00:00:00", "fact", "x"))

    assert (await health.api.get("/v1/accounts/nobody/timeline")).status_code == 404
    assert (await health.api.get("/v1/accounts/acme/timeline", params={"cursor": bad})).status_code == 400
    days = {"from": "2026-02-11", "to": "2026-02-10"}
    assert (await health.api.get("/v1/accounts/acme/timeline", params=days)).status_code == 422
