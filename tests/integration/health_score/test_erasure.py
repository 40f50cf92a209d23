"""Erasing people and accounts from health-score: names go, counts and closes stay."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text

from health_score.scorecards.reading import read_scorecard
from health_score.store.tables import kit
from mainstay.contracts.envelope import Decoder, Event
from mainstay.contracts.facts import (
    AdvocacyFact,
    Attendee,
    FeedbackFact,
    SurveyResponseFact,
    TicketFact,
    TouchpointFact,
    TrainingFact,
)
from mainstay.contracts.health_score import AccountChanged
from mainstay.contracts.ingest import ContactFact
from mainstay.contracts.privacy import ErasureConfirmed, ErasureRequested, SuppressionLifted
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Record
from mainstay.service.subjects import subject_hash
from tests.integration.health_score.health import SECRET, START, Health, daily, fact, instant, stated, usage

_ids = count(1)


def asked(kind: Any, subject_id: str, *, lifted: bool = False) -> Event[Any]:
    number = next(_ids)
    data = SuppressionLifted if lifted else ErasureRequested
    return Event(
        f"r{number}", "mainstay/ingest", START, data(f"e{number}", kind, subject_hash(SECRET, kind, subject_id), START)
    )


async def erase(health: Health, *requests: Event[Any]) -> None:
    for request in requests:
        await health.handlers.erase(Batch((), (request,)))


async def said(health: Health, kind: type[Any]) -> list[Any]:
    decode = Decoder(kind)
    async with health.database.engine.connect() as connection:
        rows = await connection.execute(text(f"SELECT * FROM {kit.outbox} ORDER BY id"))
        records = [
            Record(
                r.topic, 0, r.id, r.key, bytes(r.value), tuple(zip(r.header_names, r.header_values, strict=True)), START
            )
            for r in rows
        ]
    return [event.data for record in records if (event := decode(record)) is not None]


async def holds(health: Health, canary: str) -> list[str]:
    """Every column of health-score's tables, but the outbox, that holds the text."""
    found = []
    async with health.database.engine.connect() as connection:
        columns = await connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'health_score'"
                " AND table_name <> 'outbox' AND data_type IN ('text', 'jsonb', 'bytea', 'ARRAY')"
            )
        )
        for table, column in columns.all():
            looked = text(
                f'SELECT count(*) FROM health_score."{table}" WHERE position(:canary IN "{column}"::text) > 0'
            )
            if (await connection.execute(looked, {"canary": canary})).scalar_one():
                found.append(f"{table}.{column}")
    return found


async def metrics(health: Health, account: str) -> Any:
    return (await health.api.get(f"/v1/accounts/{account}/metrics")).json()["metrics"]


async def test_an_erased_user_leaves_no_trace_and_every_count_as_it_was(health: Health) -> None:
    await health.receives(
        *daily("acme", "2026-02-20", "2026-02-28"),
        usage("acme", at="2026-03-01T08:00Z", user="ann-canary", properties=b'{"email": "ann-canary@x.test"}'),
        usage("globex", at="2026-03-01T08:00Z", user="ann-canary"),
    )
    before = await metrics(health, "acme")

    await erase(health, asked("user", "ann-canary"))

    assert await holds(health, "ann-canary") == []
    assert await metrics(health, "acme") == before
    (confirmed,) = await said(health, ErasureConfirmed)
    assert (confirmed.service, confirmed.rows_erased, confirmed.rows_pseudonymised) == ("health-score", 1, 2)


async def test_what_comes_later_of_an_erased_user_counts_without_the_user(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z", user="ann"))
    await erase(health, asked("user", "ann"))

    await health.receives(usage("acme", at="2026-03-01T08:30Z", user="ann", properties=b'{"card": "canary"}'))

    after = await metrics(health, "acme")
    assert (after["events_28d"], after["active_users_28d"]) == (2, 1)
    assert await holds(health, "canary") == []


def about_ann() -> list[Any]:
    """What facts may hold of a person: as a contact, asking, answering, being there, writing it down."""
    ann, at = "ann-canary", instant("2026-02-20T08:00Z")
    there = (Attendee("customer", name="Ann Canary", contact_id=ann), Attendee("customer", role="admin"))
    return [
        stated(ContactFact("acme", ann, at, name="Ann Canary", email="a@canary.test", title="Canary", role="champion")),
        stated(TicketFact("acme", "t1", at, subject="Ann's canary", opened_at=at, csat=4, contact_id=ann)),
        stated(TicketFact("acme", "t1", instant("2026-02-21T08:00Z"), subject="Ann's canary again")),
        stated(SurveyResponseFact("acme", "s1", at, "nps", 9, comment="My canary", contact_id=ann)),
        stated(SurveyResponseFact("acme", "s2", instant("2026-02-21T08:00Z"), "nps", 3, contact_id=ann)),
        stated(TouchpointFact("acme", "p1", at, "meeting", result="held", attendees=there, by=ann)),
        stated(TrainingFact("acme", "c1", at, "Basics", stage="completed", contact_id=ann)),
        stated(FeedbackFact("acme", "f1", at, words="A canary", theme="export", contact_id=ann)),
        stated(AdvocacyFact("acme", "a1", at, "testimonial", state="given", text="Canary!", contact_id=ann)),
    ]


async def holds_no_canary(health: Health) -> bool:
    return [await holds(health, name) for name in ("canary", "Canary")] == [[], []]


async def test_an_erased_person_goes_out_of_facts_and_every_figure_stays(health: Health) -> None:
    await health.receives(*daily("acme", "2026-02-20", "2026-02-28"))
    await health.receives(*about_ann())
    await health.settle()
    before = {day: await health.metrics("acme", day) for day in ("2026-02-20", "2026-02-25", "2026-03-01")}

    await erase(health, asked("user", "ann-canary"))

    assert await holds_no_canary(health)
    assert {day: await health.metrics("acme", day) for day in before} == before
    assert (before["2026-03-01"]["nps_90d"], before["2026-03-01"]["personas_met_90d"]) == (-100, 2)
    (confirmed,) = await said(health, ErasureConfirmed)
    assert (confirmed.rows_erased, confirmed.rows_pseudonymised) == (len(about_ann()), 1)


async def test_what_facts_say_later_of_an_erased_person_counts_without_the_person(health: Health) -> None:
    await health.receives(*daily("acme", "2026-02-20", "2026-02-28"))
    await erase(health, asked("user", "ann-canary"))

    await health.receives(*about_ann())
    await health.settle()

    held = await health.metrics("acme")
    assert (held["contacts"], held["nps_answers_90d"], held["personas_met_90d"]) == (None, 2, 1)
    assert (held["ticket_csat_90d"], held["courses_completed"]) == (4, 1)
    for canary in ("ann-canary", "Ann Canary", "a@canary.test", "My canary", "A canary", "Canary!"):
        assert await holds(health, canary) == []


async def test_a_person_who_comes_back_to_facts_and_is_erased_again_is_another_one(health: Health) -> None:
    await health.receives(*about_ann())
    await erase(health, asked("user", "ann-canary"), asked("user", "ann-canary", lifted=True))
    health.clock.advance(timedelta(hours=1))
    await health.receives(stated(ContactFact("acme", "ann-canary", START, role="sponsor")))

    await erase(health, asked("user", "ann-canary"))

    assert (await health.metrics("acme"))["contacts"] == 2
    assert await holds_no_canary(health)


async def test_a_user_who_comes_back_is_counted_again_and_can_be_erased_again(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z", user="ann-canary"))
    await erase(health, asked("user", "ann-canary"), asked("user", "ann-canary", lifted=True))

    await health.receives(usage("acme", at="2026-03-01T08:30Z", user="ann-canary"))

    assert (await metrics(health, "acme"))["active_users_28d"] == 2
    await erase(health, asked("user", "ann-canary"))
    assert await holds(health, "ann-canary") == []


async def test_an_erased_account_is_listed_no_more_and_its_closes_stay(health: Health) -> None:
    await health.receives(
        *daily("acme-canary", "2026-02-20", "2026-02-28", users=2), *daily("globex", "2026-02-20", "2026-02-28")
    )
    await health.receives(fact("acme-canary", at="2026-02-20T00:00Z", name="Acme-canary Ltd", owner="kim-canary"))
    await health.receives(
        stated(ContactFact("acme-canary", "ann-canary", START)), stated(TicketFact("acme-canary", "canary", START))
    )
    await health.until("2026-03-03T09:00Z")
    closes = await rows(health, "health_day")

    await erase(health, asked("account", "acme-canary"))

    assert await holds(health, "canary") == []
    assert await rows(health, "health_day") == closes
    listed = (await health.api.get("/v1/accounts")).json()["data"]
    assert [account["account_id"] for account in listed] == ["globex"]
    assert (await health.api.get("/v1/portfolio/summary")).json()["accounts"] == 1
    assert (await health.api.get("/v1/accounts/acme-canary")).status_code == 404
    last = (await said(health, AccountChanged))[-1]
    assert (last.account_id, last.name, last.owner) == ("acme-canary", None, None)


async def test_nothing_that_rules_made_of_an_erased_account_stays(health: Health) -> None:
    when = [{"attribute": "segment", "in": ["canary"]}]
    tiers = {"rules": [{"name": "a", "tier": "of-canary", "when": when}]}
    stages = {"transitions": [{"name": "a", "from": ["growth"], "to": "nurture", "when": when}]}
    for kind, rules in (("tier-rules", tiers), ("stage-rules", stages)):
        assert (await health.api.put(f"/v1/{kind}", json=rules)).status_code == 201
    await health.receives(
        fact("acme-canary", at="2026-02-20T00:00Z", segment="canary", stage="growth", by="kim-canary"),
        fact("globex", at="2026-02-20T00:00Z", stage="growth"),
    )
    words = FeedbackFact("acme-canary", "f-canary", START, theme="canary", words="Canary", state="in_pool")
    await health.receives(stated(words))
    assert (await health.get("/accounts/acme-canary"))["tier"] == "of-canary"
    moves = await health.rows("SELECT decision_no FROM health_score.decision WHERE kind = 'stage.moved'")

    await erase(health, asked("account", "acme-canary"))

    documents = {name for name in await holds(health, "canary") if not name.startswith("document")}
    assert documents == set()
    assert (await health.get("/feedback"))["data"] == []
    assert await health.rows("SELECT decision_no FROM health_score.decision WHERE kind = 'stage.moved'") == moves != []


async def test_an_erased_account_stands_in_no_backtest_and_no_preview(health: Health) -> None:
    await health.receives(*daily("acme-canary", "2026-01-01", "2026-02-28"))
    await health.settle()
    body = {"document": read_scorecard().body}
    preview = (await health.api.post("/v1/scorecards/preview", json=body)).json()
    listed = {"kind": "listed", "listed": [{"account_id": "acme-canary", "day": "2026-02-20"}]}
    asked_for = {"from": "2026-01-31", "to": "2026-01-31", "outcome": listed}
    assert (await health.api.post("/v1/scorecards/backtest", json=asked_for)).status_code == 202
    for _ in range(3):
        health.clock.advance(timedelta(seconds=1))
        await health.handlers.studies_due.run_due()

    await erase(health, asked("account", "acme-canary"))

    assert await holds(health, "acme-canary") == []
    assert (await health.api.get(f"/v1/previews/{preview['id']}")).status_code == 404


async def test_what_comes_later_of_an_erased_account_is_left_out_until_it_comes_back(health: Health) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))
    await erase(health, asked("account", "acme"))

    await health.receives(usage("acme", at="2026-03-01T08:30Z"), usage("globex", at="2026-03-01T08:30Z"))
    await health.receives(fact("acme", at="2026-03-01T08:30Z", name="Acme"))

    assert (await health.api.get("/v1/accounts/acme")).status_code == 404
    assert (await metrics(health, "globex"))["events_28d"] == 1

    await erase(health, asked("account", "acme", lifted=True))
    await health.receives(usage("acme", at="2026-03-01T08:40Z"))
    assert (await metrics(health, "acme"))["events_28d"] == 1


@pytest.mark.parametrize("kind", ["user", "account"])
async def test_erasing_somebody_unknown_confirms_zero(health: Health, kind: str) -> None:
    await health.receives(usage("acme", at="2026-03-01T08:00Z"))

    await erase(health, asked(kind, "nobody"))

    (confirmed,) = await said(health, ErasureConfirmed)
    assert (confirmed.rows_erased, confirmed.rows_pseudonymised) == (0, 0)


async def test_a_request_read_twice_is_obeyed_once(health: Health) -> None:
    request = asked("user", "ann")

    await erase(health, request, request)

    assert len(await said(health, ErasureConfirmed)) == 1


async def rows(health: Health, table: str) -> list[Any]:
    async with health.database.engine.connect() as connection:
        return list((await connection.execute(text(f"SELECT * FROM health_score.{table} ORDER BY 1, 2"))).all())
