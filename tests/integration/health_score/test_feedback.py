"""Feedback for product teams: by theme, with the accounts and the ARR that ask, and who is still to be told."""

from decimal import Decimal
from typing import Any

from mainstay.contracts.facts import FeedbackFact
from tests.integration.health_score.health import Health, fact, instant, stated, value


def asks(account: str, name: str, at: str = "2026-02-20T10:00Z", **fields: Any) -> Any:
    return stated(FeedbackFact(account, name, instant(at), **fields))


async def portfolio(health: Health) -> None:
    for number, (segment, tier) in enumerate((("large", "gold"), ("small", "gold"), ("small", None))):
        name = f"a{number}"
        await health.receives(
            fact(name, at="2026-02-01T10:00Z", name=name.upper(), owner="kim", segment=segment, tier=tier)
        )
        await health.receives(value(name, at="2026-02-01T10:00Z", arr=[(Decimal(100 * (number + 1)), "EUR")]))
    await health.receives(
        asks("a0", "f1", kind="request", theme="Export", severity="high", state="in_pool", words="As PDF"),
        asks("a0", "f2", kind="bug", theme="Export", severity="low", state="in_test"),
        asks("a1", "f1", "2026-02-22T10:00Z", kind="request", theme="Export", state="scheduled", release="9.1"),
        asks("a2", "f1", "2026-02-23T10:00Z", kind="request", theme="Roles", state="released", release="9.0"),
        asks("a2", "f2", "2026-02-10T10:00Z", words="Too slow"),
    )


async def test_themes_say_who_asks_and_what_they_are_worth(health: Health) -> None:
    await portfolio(health)

    data = (await health.get("/feedback"))["data"]

    assert [(theme["theme"], theme["accounts"]) for theme in data] == [("Export", 2), (None, 1), ("Roles", 1)]
    export = data[0]
    assert (export["requests"], export["bugs"], export["to_be_told"]) == (2, 1, 0)
    assert export["states"] == {"in_pool": 1, "in_test": 1, "scheduled": 1}
    assert export["severities"] == {"high": 1, "low": 1}
    assert export["arr"] == [{"amount": "300", "currency": "EUR"}]  # each account once
    assert (export["oldest_at"], export["latest_at"]) == ("2026-02-20T10:00:00Z", "2026-02-22T10:00:00Z")
    assert export["first_accounts"] == [
        {"account_id": "a0", "name": "A0", "owner": "kim"},
        {"account_id": "a1", "name": "A1", "owner": "kim"},
    ]


async def test_feedback_is_filtered_and_paged(health: Health) -> None:
    await portfolio(health)

    async def themes(**params: Any) -> list[str | None]:
        return [theme["theme"] for theme in (await health.get("/feedback", **params))["data"]]

    async def items(**params: Any) -> list[tuple[str, str]]:
        found = (await health.get("/feedback/items", **params))["data"]
        return [(each["account_id"], each["feedback_id"]) for each in found]

    assert await themes(kind="bug") == ["Export"]
    assert await themes(state=["released", "scheduled"]) == ["Export", "Roles"]
    assert await themes(severity="high") == ["Export"]
    assert await themes(tier="") == [None, "Roles"]
    assert await themes(segment="large") == ["Export"]
    assert await themes(since="2026-02-23") == ["Roles"]
    assert await themes(theme="") == [None]
    assert await items(theme="Export") == [("a0", "f1"), ("a0", "f2"), ("a1", "f1")]
    assert await items(theme=["Roles", ""]) == [("a2", "f1"), ("a2", "f2")]
    assert (await health.api.get("/v1/feedback?state=done")).status_code == 422

    for path, whole in (("/feedback", await themes()), ("/feedback/items", await items())):
        seen: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await health.get(path, limit=1, **cursor)
            seen += page["data"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert [
            each["theme"] if path == "/feedback" else (each["account_id"], each["feedback_id"]) for each in seen
        ] == whole


async def test_whoever_is_to_be_told_is_listed_until_they_were(health: Health) -> None:
    await portfolio(health)
    await health.receives(asks("a1", "f9", "2026-02-27T10:00Z", theme="Themes", state="wont_do"))

    untold = (await health.get("/feedback/items", told="no"))["data"]

    assert [(each["account_id"], each["owner"], each["release"], each["days_since"]) for each in untold] == [
        ("a1", "kim", None, 1),
        ("a2", "kim", "9.0", 5),
    ]
    (roles,) = (await health.get("/feedback", told="no", theme="Roles"))["data"]
    assert roles["to_be_told"] == 1

    await health.receives(asks("a2", "f1", "2026-02-28T10:00Z", customer_told_at=instant("2026-02-28T09:00Z")))
    assert [each["account_id"] for each in (await health.get("/feedback/items", told="no"))["data"]] == ["a1"]
    (told,) = (await health.get("/feedback/items", told="yes"))["data"]
    assert (told["account_id"], told["customer_told_at"]) == ("a2", "2026-02-28T09:00:00Z")


async def test_statements_resolve_by_their_instants_whatever_order_they_come_in(health: Health) -> None:
    await health.receives(fact("a0", at="2026-02-01T10:00Z", name="A0"))
    await health.receives(asks("a0", "f1", "2026-02-25T10:00Z", theme="Reports", state="released"))
    await health.receives(asks("a0", "f1", "2026-02-20T10:00Z", theme="Export", state="in_pool", words="As PDF"))
    await health.receives(asks("a0", "f1", "2026-02-26T10:00Z", theme=None))

    (item,) = (await health.get("/feedback/items"))["data"]

    assert (item["theme"], item["state"], item["words"]) == (None, "released", "As PDF")
    assert (item["first_at"], item["latest_at"], item["state_at"]) == (
        "2026-02-20T10:00:00Z",
        "2026-02-26T10:00:00Z",
        "2026-02-25T10:00:00Z",
    )
