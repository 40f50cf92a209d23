"""Calendars by a secret link: whose they are, what opens them and how often, and how they are written."""

from datetime import timedelta

import icalendar
import pytest
import vobject

from tests.integration.renewals.calendars import (
    OFF,
    USUAL,
    YEAR,
    all_are,
    by_icalendar,
    entries,
    link,
    owns,
    read,
    rows,
    told,
)
from tests.integration.renewals.office import SECRET, Office, client
from tests.integration.renewals.test_erasure import ask, holds


async def test_nobody_sees_anothers_renewals_and_an_account_follows_its_owner(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    await owns(office, "sam@example.com", "bolt")
    await office.enters("acme", **YEAR)
    await office.enters("bolt", **YEAR)
    eve, sam = await link(office), await link(office, "sam@example.com")
    assert len(await entries(office, eve)) == 5
    assert "bolt" not in (await read(office, eve)).text

    await owns(office, "sam@example.com", "acme")

    assert told(await entries(office, eve)) == all_are(OFF, USUAL)
    assert len(by_icalendar((await read(office, sam)).text)) == 10


async def test_a_revoked_link_is_unknown_at_once_and_so_is_one_that_never_was(office: Office) -> None:
    made, other = await link(office), await link(office)
    assert (await read(office, made)).status_code == 200

    assert (await office.http.delete(f"/v1/calendar-links/{made['id']}")).status_code == 204

    assert (await read(office, made)).status_code == 404
    assert (await read(office, other)).status_code == 200
    for token in (other["id"], f"{other['id']}.guess", "x", "\N{SNOWMAN}.\x00".replace("\x00", ""), "a" * 200):
        answer = await read(office, {"path": f"/v1/renewals/calendar.ics?token={token}"})
        assert answer.status_code == 404
    assert (await office.http.delete(f"/v1/calendar-links/{made['id']}")).status_code == 404


async def test_a_links_secret_is_shown_once_and_kept_nowhere(office: Office) -> None:
    headers = {"Idempotency-Key": "once"}
    answers = [
        (await office.http.post("/v1/calendar-links", json={"owner": "eve"}, headers=headers)).json() for _ in range(2)
    ]

    assert answers[0] | {"path": None} == answers[1]
    secret = answers[0]["path"].partition(".ics?token=")[2].partition(".")[2]
    assert len(secret) > 40
    assert await holds(office, secret) == []
    listed = (await office.http.get("/v1/calendar-links", params={"owner": "eve"})).json()["data"]
    assert [each.keys() & {"path", "token", "secret_hash"} for each in listed] == [set()]


async def test_an_owner_has_so_many_links_and_a_link_is_read_so_often(office: Office) -> None:
    made = [await link(office) for _ in range(20)]
    answer = await office.http.post("/v1/calendar-links", json={"owner": "eve@example.com"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too-many-links")

    answers = [(await read(office, made[0])).status_code for _ in range(13)]

    assert answers == [*[200] * 12, 429]
    assert (await read(office, made[1])).status_code == 200


async def test_who_has_the_calendar_already_is_told_so(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    first = await read(office, made)

    assert (await read(office, made, **{"If-None-Match": first.headers["ETag"]})).status_code == 304
    await office.amends(contract, seats=3)  # nothing that a calendar says
    assert (await read(office, made, **{"If-None-Match": first.headers["ETag"]})).status_code == 304
    office.clock.advance(timedelta(seconds=1))
    await office.amends(contract, amount={"amount": "99.00", "currency": "EUR"})
    second = await read(office, made, **{"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    stamps = [str(event.decoded("DTSTAMP")) for event in icalendar.Calendar.from_ical(second.text).walk("VEVENT")]
    assert set(stamps) == {"2026-01-05 09:00:01+00:00"}
    assert by_icalendar(second.text) == by_icalendar(first.text)


@pytest.mark.parametrize(("language", "due"), [("en", "Renewal due"), ("zh-Hans", "续约到期"), ("zh-Hant", "續約到期")])
async def test_texts_are_in_the_readers_language_folded_by_bytes_and_escaped(
    office: Office, language: str, due: str
) -> None:
    account = "名" * 60 + "; a,b\\c"
    await owns(office, "eve@example.com", account)
    await office.enters(account, **YEAR)

    answer = await read(office, await link(office), **{"Accept-Language": language})

    lines = answer.content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert answer.headers["Content-Language"] == language
    summaries = [str(event["SUMMARY"]) for event in icalendar.Calendar.from_ical(answer.text).walk("VEVENT")]
    assert any(each.startswith(due) and each.endswith(account) for each in summaries)
    assert any(event.summary.value.endswith(account) for event in vobject.readOne(answer.text).vevent_list)


async def test_an_erased_accounts_renewals_are_in_no_calendar(office: Office) -> None:
    await owns(office, "eve@example.com", "canary", "acme")
    await office.enters("canary", **YEAR)
    await office.enters("acme", **YEAR)
    made = await link(office)

    await ask(office, "account", "canary")

    assert len(by_icalendar((await read(office, made)).text)) == 5
    assert len(await rows(office)) == 5


async def test_a_link_opens_nothing_else(office: Office) -> None:
    token = (await link(office))["path"].partition("token=")[2]
    async with client(office.answers, None) as anybody:
        assert (await anybody.get("/v1/renewals", params={"token": token})).status_code == 401
        assert (await anybody.get("/v1/calendar-links", params={"token": token})).status_code == 401
    assert SECRET not in token
