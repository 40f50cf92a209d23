"""Who hears of an alert, when, and why not yet: owners, the tree, working hours, leave, budgets, pools, previews."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay.kernel.clock import ManualClock
from tests.integration.alerts.sinks import HttpSink, MailSink
from tests.integration.alerts.test_people import save
from tests.integration.alerts.test_rules import LOW, put, scored
from tests.integration.alerts.world import World, close, fell, known, renewed, window_opened, world

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 22, tzinfo=UTC)
ALWAYS = {"hours": {"since": "00:00", "until": "24:00"}, "workdays": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}
NO_DIGESTS = {"digests": {"daily_at": None, "weekly_at": None}}


@pytest.fixture
async def office(migrated_url: str, mail: MailSink) -> Any:
    """Alerts on a Monday morning, with a mail server."""
    made = await world(migrated_url, smtp_host="127.0.0.1", smtp_port=mail.port).open()
    assert isinstance(made.clock, ManualClock)
    made.clock.move_to(MONDAY)
    yield made
    await close(made)


async def person(alerts: World, person_id: str, **more: Any) -> None:
    await save(alerts, person_id, **{"email": f"{person_id}@example.com", **NO_DIGESTS, **more})


async def routing(alerts: World, root: dict[str, Any], status: int = 201, **more: Any) -> Any:
    async with alerts.api() as api:
        answer = await api.put("/v1/routing", json={"routing": {"root": {"name": "all", **root}, **more}})
    assert answer.status_code == status, answer.text
    return answer.json()


async def post(alerts: World, path: str, status: int = 200, **body: Any) -> Any:
    async with alerts.api() as api:
        answer = await api.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def falls(alerts: World, account: str = "acme", *, owner: str = "ann", **more: Any) -> Any:
    """An account becomes red; answers the alert about it."""
    now = alerts.clock.now()
    await alerts.hears(known(now, account=account, owner=owner, **more), fell("green", "red", now, account=account))
    (found,) = await alerts.alerts(account_id=account, rule="band-worsened")
    return found


def to(mail: MailSink) -> list[str]:
    return [recipients[0].partition("@")[0] for recipients in mail.recipients]


async def told(alerts: World, alert_id: str) -> list[Any]:
    found: list[Any] = (await alerts.get(f"/v1/alerts/{alert_id}"))["notifications"]
    return found


async def test_an_owner_who_is_named_after_the_account_is_known_hears_what_is_open_once(
    office: World, mail: MailSink
) -> None:
    await person(office, "ann")
    now = office.clock.now()
    await office.hears(known(now, owner=None), fell("green", "red", now))
    assert await office.delivers() == 0

    await office.hears(known(now, owner="ann", sequence=2))
    await office.delivers()
    await office.hears(known(now, owner="ann", sequence=3))
    await office.delivers()

    assert to(mail) == ["ann"]


async def test_the_owner_hears_by_mail_in_their_language_and_hears_the_end(office: World, mail: MailSink) -> None:
    await person(office, "ann", language="zh-Hans")

    alert = await falls(office)
    await office.delivers()
    await post(office, f"/v1/alerts/{alert['id']}/resolve", reason="gelöst")
    await office.delivers()

    assert to(mail) == ["ann", "ann"]
    assert "健康" in str(mail.mails[0]["Subject"]) or "红" in str(mail.mails[0]["Subject"])
    assert [(each["kind"], each["person_id"], each["through"]) for each in await told(office, alert["id"])] == [
        ("opened", "ann", "ann (owner)"),
        ("resolved", "ann", "ann (owner)"),
    ]


async def test_an_account_that_becomes_known_late_has_its_owner_told(office: World, mail: MailSink) -> None:
    await person(office, "ann")
    now = office.clock.now()
    await office.hears(fell("green", "red", now))
    await office.hears(known(now, owner="ann"))

    await office.delivers()

    assert to(mail) == ["ann"]


async def test_nobody_hears_the_same_twice_in_one_place(office: World, mail: MailSink, sink: HttpSink) -> None:
    async with office.api() as api:
        box = {"name": "owners", "kind": "email", "to": "owner", "fallback": "all@example.com"}
        assert (await api.post("/v1/channels", json=box)).status_code == 201
    hook = await office.webhook(sink.url)
    await person(office, "ann@example.com", email="ann@example.com")
    await person(office, "bob", chat={"channel_id": hook["id"], "mention": "U1"}, email=None)
    await office.hears(fell("green", "red", office.clock.now()))  # nobody knows yet whose it is
    await office.hears(known(office.clock.now(), owner="ann@example.com"))
    await falls(office, "globex", owner="bob")
    office.clock.advance(timedelta(seconds=6))

    await office.delivers()

    assert sorted(to(mail)) == ["all", "ann"]  # bob is no address, so his account's mail goes to the fallback
    assert len(sink.arrivals) == 2


async def test_who_cannot_be_reached_in_the_chat_is_reached_by_mail(
    office: World, mail: MailSink, sink: HttpSink
) -> None:
    hook = await office.webhook(sink.url, min_severity="critical", owners=["nobody"])
    await person(office, "ann", chat={"channel_id": hook["id"]})
    sink.usual = 410

    alert = await falls(office)
    await office.delivers()
    await post(office, f"/v1/alerts/{alert['id']}/resolve")
    await office.delivers()

    assert len(sink.arrivals) == 1
    assert to(mail) == ["ann", "ann"]


async def test_the_tree_says_who_hears_and_the_preview_says_why(office: World, mail: MailSink, sink: HttpSink) -> None:
    for one in ("ann", "bob", "cat"):
        await person(office, one)
    hook = await office.webhook(sink.url, min_severity="critical")
    root = {
        "to": [{"role": "owner"}],
        "routes": [
            {
                "name": "gold",
                "match": {"tiers": ["gold"]},
                "to": [{"person": "bob"}, {"filters": True}],
                "continue": True,
            },
            {"name": "risk", "match": {"categories": ["risk"]}, "to": [{"channel": hook["id"]}, {"person": "cat"}]},
            {"name": "never", "match": {"rules": ["nothing"]}, "to": [{"person": "ann"}]},
        ],
    }
    await routing(office, root)

    alert = await falls(office)
    await office.delivers()
    answer = await post(office, "/v1/routing/preview", account_id="acme", rule="band-worsened", severity="critical")

    assert sorted(to(mail)) == ["bob", "cat"]
    assert len(sink.arrivals) == 1
    assert answer["branches"] == [["all", "gold"], ["all", "risk"]]
    assert [(each["person_id"], each["branch"][-1]) for each in answer["targets"]] == [
        ("bob", "gold"),
        (None, "gold"),
        ("cat", "risk"),
    ]
    assert {each["person_id"] for each in await told(office, alert["id"])} == {"bob", "cat", None}


@pytest.mark.parametrize(
    ("root", "pointer"),
    [
        ({"to": [{"person": "nobody"}]}, "/routing/root/to/0/person"),
        ({"to": [{"role": "csm", "person": "ann"}]}, "/routing/root/to/0"),
        ({"to": [{"role": "csm"}], "match": {"tiers": ["x"]}}, "/routing/root/match"),
        ({}, "/routing/root/to"),
        (
            {"to": [{"role": "csm"}], "routes": [{"name": "a"}, {"name": "b", "match": {"tiers": ["x"]}}]},
            "/routing/root/routes/1",
        ),
        (
            {"to": [{"role": "csm"}], "escalation": [{"after_minutes": 0, "to": [{"role": "csm"}]}]},
            "/routing/root/escalation/0/after_minutes",
        ),
    ],
)
async def test_a_tree_with_mistakes_is_refused_at_their_places(
    office: World, root: dict[str, Any], pointer: str
) -> None:
    refused = await routing(office, root, 422)

    assert [error["pointer"] for error in refused["errors"]] == [pointer]


async def test_whom_the_tree_names_and_nobody_reaches_is_on_record_and_the_operator_hears(
    office: World, sink: HttpSink
) -> None:
    await person(office, "ann")
    await routing(office, {"to": [{"role": "owner"}]})
    await office.webhook(sink.url, operator=True)

    alert = await falls(office, owner="stranger")
    await office.delivers()

    shown = await office.get(f"/v1/alerts/{alert['id']}")
    assert len(sink.arrivals) == 1
    assert [each["why"] for each in shown["unreached"]] == ["no-receiver"]
    assert "stranger is not in the directory" in shown["unreached"][0]["detail"]


async def test_outside_working_hours_a_message_waits_and_goes_when_the_day_begins(
    office: World, mail: MailSink
) -> None:
    await person(office, "ann", zone="Europe/Berlin")
    office.clock.move_to(NIGHT)

    alert = await falls(office)
    other = await falls(office, "globex")
    await office.delivers()
    held = await told(office, alert["id"])
    await post(office, f"/v1/alerts/{other['id']}/resolve")
    office.clock.move_to(datetime(2026, 3, 3, 7, tzinfo=UTC))  # 08:00 there
    await office.delivers()

    assert [(each["state"], each["muted_by"]) for each in held] == [("pending", "quiet-hours")]
    assert held[0]["next_attempt_at"] == "2026-03-03T07:00:00Z"
    assert to(mail) == ["ann"]  # what was over by then is told to nobody
    (gone,) = await told(office, other["id"])
    assert (gone["state"], gone["muted"][0]["why"]) == ("suppressed", "quiet-hours")


async def test_critical_alerts_break_through_where_the_tree_says_so(office: World, mail: MailSink) -> None:
    await person(office, "ann")
    await routing(office, {"to": [{"role": "owner"}], "quiet_hours": "critical-through"})
    office.clock.move_to(NIGHT)
    await falls(office)

    await office.delivers()

    assert to(mail) == ["ann"]


async def test_leave_is_resolved_when_the_message_is_sent(office: World, mail: MailSink) -> None:
    await person(office, "cat")
    await person(office, "bob")
    await person(office, "ann")
    office.clock.move_to(NIGHT)
    alert = await falls(office)
    await office.delivers()
    away = {"first": "2026-03-03", "last": "2026-03-10"}
    await person(office, "bob", leaves=[{**away, "deputy": "cat"}])
    await person(office, "ann", leaves=[{**away, "deputy": "bob"}])

    office.clock.move_to(datetime(2026, 3, 3, 8, tzinfo=UTC))
    await office.delivers()
    await post(office, f"/v1/alerts/{alert['id']}/resolve")
    await office.delivers()

    assert to(mail) == ["cat", "cat"]
    by_person = {(each["person_id"], each["kind"]): each for each in await told(office, alert["id"])}
    assert by_person["ann", "opened"]["muted"][-1]["why"] == "delegated"
    assert ("ann", "resolved") not in by_person


async def test_the_days_budget_is_kept_and_the_rest_waits_for_the_next_day(office: World, mail: MailSink) -> None:
    await person(office, "ann", daily_budget=2)
    alerts = [await falls(office, f"a{number}") for number in range(4)]
    await office.delivers()

    waiting = [each for alert in alerts for each in await told(office, alert["id"]) if each["state"] == "pending"]
    sent = len(mail.mails)
    office.clock.move_to(MONDAY + timedelta(days=1))
    await office.delivers()

    assert sent == 2
    assert [each["muted_by"] for each in waiting] == ["budget", "budget"]
    assert waiting[0]["next_attempt_at"] == "2026-03-03T08:00:00Z"
    assert len(mail.mails) == 4


async def test_what_comes_together_for_an_account_is_one_message(office: World, mail: MailSink) -> None:
    await person(office, "ann", **ALWAYS)
    await routing(office, {"to": [{"role": "owner"}], "group_minutes": 10})
    alert = await falls(office)
    office.clock.move_to(MONDAY + timedelta(minutes=4))
    await office.hears(window_opened(office.clock.now(), band="red"))
    await office.delivers()
    none = len(mail.mails)

    office.clock.move_to(MONDAY + timedelta(minutes=10))
    await office.delivers()
    await office.hears(renewed(office.clock.now()))
    office.clock.move_to(MONDAY + timedelta(minutes=21))
    await office.delivers()

    assert none == 0
    assert "2" in str(mail.mails[0]["Subject"])
    assert len(mail.mails) == 2  # the two openings together, and the end of one of them
    assert (await told(office, alert["id"]))[0]["digest_id"] is not None


async def test_a_pool_shares_fairly_and_keeps_an_account_with_one_of_its_members(office: World, mail: MailSink) -> None:
    for one in ("ann", "bob", "cat"):
        leave = {"leaves": [{"first": "2026-03-01", "last": "2026-03-09"}]} if one == "cat" else {}
        await person(office, one, **ALWAYS, **leave)
    async with office.api() as api:
        body = {"team": {"name": "Scale", "kind": "pool", "members": ["ann", "bob", "cat"]}}
        assert (await api.put("/v1/teams/scale", json=body)).status_code == 201
    await routing(office, {"to": [{"team": "scale"}]})

    now = office.clock.now()
    await office.hears(*(known(now, account=f"a{number}", owner="nobody") for number in range(4)))
    await office.hears(*(fell("green", "red", now, account=f"a{number}") for number in range(4)))  # in one batch
    await office.hears(window_opened(office.clock.now(), account="a0", band="red"))
    await office.delivers()

    found = to(mail)
    assert {name: found.count(name) for name in set(found)} == {"ann": 3, "bob": 2}
    rows = await office.rows("SELECT DISTINCT person_id FROM alerts.assignment WHERE account_id = 'a0'")
    assert len(rows) == 1


async def test_a_preview_counts_the_messages_that_then_come(office: World, mail: MailSink) -> None:
    """Grouped by account, held over the night, two a day and the rest in the digest: as it is told, so it was said."""
    await person(office, "ann", daily_budget=2, digests={"daily_at": "08:30", "weekly_at": None})
    await person(office, "ben", daily_budget=1)
    await routing(office, {"to": [{"role": "owner"}], "group_minutes": 45})
    rule = LOW | {"for": "0s"}
    assert (await put(office, rule)).status_code == 201
    for other in ("low-score", "score-drop"):
        await post(office, f"/v1/alert-rules/{other}/disable")
    owners = {"acme": "ann", "globex": "ann", "initech": "ann", "umbrella": "ben", "hooli": "ben"}
    now = office.clock.now()
    await office.hears(*(known(now, account=account, owner=owner) for account, owner in owners.items()))
    for hour in range(30):
        for number, account in enumerate(owners):
            if (hour * 7 + number * 5) % 11 == 0:
                await office.hears(scored(office, 45 - hour, account=account))
            elif (hour + number) % 9 == 0:
                await office.hears(scored(office, 80, account=account))
        for _ in range(4):
            office.clock.advance(timedelta(minutes=15))
            await office.application.due.run_due()
            await office.delivers()
    for _ in range(120):
        office.clock.advance(timedelta(hours=1))
        await office.application.due.run_due()
        await office.delivers()

    said = await post(office, "/v1/alert-rules/preview", rule=rule, days=30)

    openings = {"ann": 0, "ben": 0}
    for recipients, one in zip(mail.recipients, mail.mails, strict=True):
        subject = str(one["Subject"])
        if not subject.startswith(("Resolved", "Your day")):
            openings[recipients[0].partition("@")[0]] += 1
    assert {each["person_id"]: each["messages"] for each in said["receivers"]} == openings
    assert said["messages"] == sum(openings.values()) > 5
    assert said["in_digests"] > 0
    assert max(each["busiest_day"] for each in said["receivers"]) == 2
    carried = await office.rows("SELECT id FROM alerts.delivery WHERE muted_by = 'budget' AND person_id = 'ann'")
    assert said["in_digests"] == len(carried)


async def test_a_preview_says_whom_nobody_hears_and_what_is_muted(office: World) -> None:
    await routing(office, {"to": [{"role": "owner"}]})
    rule = LOW | {"for": "0s"}
    now = office.clock.now()
    await office.hears(known(now, owner="nobody-known"), known(now, account="globex", stage="churned"))
    await office.hears(scored(office, 45), scored(office, 45, account="globex"))

    said = await post(office, "/v1/alert-rules/preview", rule=rule, days=30)

    assert (said["firings"], said["messages"], said["unheard"], said["muted"]) == (2, 0, 1, 1)
