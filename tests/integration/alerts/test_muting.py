"""What is not told for a while, and what is told when that is over: silences, snoozes, accounts that leave."""

from datetime import timedelta
from typing import Any

from tests.integration.alerts.sinks import MailSink
from tests.integration.alerts.test_routing import ALWAYS, MONDAY, falls, office, person, post, to, told
from tests.integration.alerts.world import World, known

__all__ = ["office"]


async def silences_acme(office: World) -> Any:
    """For two hours."""
    ends_at = (MONDAY + timedelta(hours=2)).isoformat()
    return await post(office, "/v1/silences", 201, match={"accounts": ["acme"]}, ends_at=ends_at, reason="we know")


async def test_a_silence_mutes_until_it_ends_and_what_is_open_then_is_told(office: World, mail: MailSink) -> None:
    await person(office, "ann", **ALWAYS)
    silence = await silences_acme(office)
    alert = await falls(office)
    await falls(office, "globex")
    await office.delivers()
    before = to(mail)
    muted = await told(office, alert["id"])
    async with office.api() as api:
        ended = await api.delete(f"/v1/silences/{silence['id']}")
        again = await api.delete(f"/v1/silences/{silence['id']}")
    await office.delivers()

    assert before == ["ann"]
    assert (muted[0]["muted_by"], muted[0]["muted"][0]["why"]) == ("silence", "silence")
    assert "we know" in muted[0]["muted"][0]["detail"]
    assert (ended.status_code, again.status_code) == (204, 409)
    assert to(mail) == ["ann", "ann"]
    assert (await office.get("/v1/silences", ended=True))["data"][0]["ended_by"] == "the tests"


async def test_a_resolution_while_muted_reaches_whoever_got_the_opening(office: World, mail: MailSink) -> None:
    await person(office, "ann", **ALWAYS)
    alert = await falls(office)
    await office.delivers()
    await silences_acme(office)

    await post(office, f"/v1/alerts/{alert['id']}/resolve")
    await office.delivers()

    assert len(mail.mails) == 2


async def test_a_snoozed_alert_returns_once(office: World, mail: MailSink) -> None:
    await person(office, "ann", **ALWAYS)
    alert = await falls(office)
    await office.delivers()
    until = MONDAY + timedelta(hours=3)
    await post(office, f"/v1/alerts/{alert['id']}/snooze", until=(until - timedelta(hours=1)).isoformat())
    shown = await post(office, f"/v1/alerts/{alert['id']}/snooze", until=until.isoformat(), comment="after lunch")
    past = await post(office, f"/v1/alerts/{alert['id']}/snooze", 422, until=MONDAY.isoformat())

    counts = []
    for minutes in (119, 121, 181, 300):
        office.clock.move_to(MONDAY + timedelta(minutes=minutes))
        await office.application.due.run_due()
        await office.delivers()
        counts.append(len(mail.mails))

    assert shown["snoozed_until"] == until.isoformat().replace("+00:00", "Z")
    assert past["errors"][0]["pointer"] == "/until"
    assert counts == [1, 1, 2, 2]
    assert [each["kind"] for each in await told(office, alert["id"])] == ["opened", "returned"]


async def test_risks_of_an_account_that_leaves_are_muted_until_it_stays(office: World, mail: MailSink) -> None:
    await person(office, "ann", **ALWAYS)
    alert = await falls(office, stage="will_churn")
    await office.delivers()
    held = await told(office, alert["id"])
    none = len(mail.mails)

    await office.hears(known(MONDAY, owner="ann", stage="growth", sequence=2))
    await office.delivers()

    assert none == 0
    assert (held[0]["muted_by"], held[0]["next_attempt_at"]) == ("inhibition", None)
    assert to(mail) == ["ann"]
