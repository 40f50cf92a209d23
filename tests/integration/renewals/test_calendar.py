"""Calendars by a secret link, read back by two implementations: entries move, go and come back, and never double."""

from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Any

import icalendar
import pytest
import vobject

from mainstay.contracts.envelope import Event, encode
from mainstay.contracts.health_score import AccountChanged
from mainstay.messaging.consuming import Batch
from renewals.application.inputs import RecordGroups
from renewals.consumers import account_group
from tests.integration.renewals.office import SECRET, Office, as_record, client
from tests.integration.renewals.test_erasure import ask, holds

_sequences = count(1)
Entries = dict[str, tuple[str, int, str]]


async def owns(office: Office, owner: str | None, *accounts: str) -> None:
    """Health-score says that the accounts have an owner."""
    for account in accounts:
        number, now = next(_sequences), office.clock.now()
        data = AccountChanged(account_id=account, sequence=number, occurred_at=now, owner=owner)
        group = account_group(as_record(encode(Event(f"o{number}", "mainstay/health-score", now, data))))
        assert group is not None
        await RecordGroups(office.service.work)(Batch((), (group,)))


async def link(office: Office, owner: str = "eve@example.com") -> dict[str, Any]:
    answer = await office.http.post("/v1/calendar-links", json={"owner": owner})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def read(office: Office, made: dict[str, Any], **headers: str) -> Any:
    async with client(office.answers, None) as anybody:
        return await anybody.get(made["path"], headers=headers)


def by_icalendar(text: str) -> Entries:
    found = {}
    for event in icalendar.Calendar.from_ical(text).walk("VEVENT"):
        assert str(event["UID"]) not in found
        day = event.decoded("DTSTART")
        assert type(day) is date
        assert (event.decoded("DTEND") - day).days == 1
        found[str(event["UID"])] = (day.isoformat(), int(str(event["SEQUENCE"])), str(event["STATUS"]))
    return found


def by_vobject(text: str) -> Entries:
    events = getattr(vobject.readOne(text), "vevent_list", [])
    return {
        event.uid.value: (event.dtstart.value.isoformat(), int(event.sequence.value), event.status.value)
        for event in events
    }


async def entries(office: Office, made: dict[str, Any], term: int = 1) -> dict[str, tuple[str, int, str]]:
    """By occasion, of one contract's term: the day, the sequence and the status, as both implementations read them."""
    answer = await read(office, made)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    found = by_icalendar(answer.text)
    assert by_vobject(answer.text) == found
    named = {tuple(uid.removesuffix("@mainstay").split(".")[1:]): said for uid, said in found.items()}
    return {occasion: said for (number, occasion), said in named.items() if number == str(term)}


NOTICE = {"amount": 1, "unit": "months", "counted_from": "last_day"}
YEAR: dict[str, Any] = {"start": "2026-01-01", "term_months": 12, "zone": "Europe/Berlin", "notice": NOTICE}


async def test_a_calendar_has_the_days_of_every_term_that_is_up_for_renewal(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    await office.enters("acme", **YEAR)
    await office.enters("acme", kind="one_time", start="2026-01-01", end="2026-12-31")

    assert await entries(office, await link(office)) == {
        "window": ("2026-10-01", 1, "CONFIRMED"),
        "days-60": ("2026-11-02", 1, "CONFIRMED"),
        "notice": ("2026-11-30", 1, "CONFIRMED"),
        "days-30": ("2026-12-02", 1, "CONFIRMED"),
        "due": ("2026-12-31", 1, "CONFIRMED"),
    }


async def test_an_entry_that_moves_keeps_its_uid_and_its_sequence_rises(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    before = by_icalendar((await read(office, made)).text)

    await office.amends(contract, end="2027-01-31")

    after = by_icalendar((await read(office, made)).text)
    assert after.keys() == before.keys()
    due = f"{contract['id']}.1.due@mainstay"
    assert (before[due], after[due]) == (("2026-12-31", 1, "CONFIRMED"), ("2027-01-31", 2, "CONFIRMED"))
    assert all(after[uid][1] > before[uid][1] for uid in before)


async def test_a_cancelled_entry_stays_as_cancelled_and_comes_back_with_a_higher_sequence(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)

    path = f"/v1/contracts/{contract['id']}/cancellation"
    await office.http.post(path, json={"effective": "2027-01-01", "reason": "no budget"})
    off = await entries(office, made)
    await office.http.delete(path)
    back = await entries(office, made)

    assert off["due"] == ("2026-12-31", 2, "CANCELLED")
    assert back["due"] == ("2026-12-31", 3, "CONFIRMED")
    assert off.keys() == back.keys()


async def test_what_is_no_more_is_cancelled_for_a_while(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)

    await office.amends(contract, notice=None)
    assert (await entries(office, made))["notice"] == ("2026-11-30", 2, "CANCELLED")
    await office.amends(contract, notice=NOTICE)
    assert (await entries(office, made))["notice"] == ("2026-11-30", 3, "CONFIRMED")
    await office.amends(contract, notice=None)
    await office.it_is("2026-02-20T09:00")

    assert "notice" not in await entries(office, made)


async def test_renewed_early_the_days_after_are_off_and_the_next_term_has_its_own(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    contract = await office.enters("acme", **YEAR)
    made = await link(office)
    await office.it_is("2026-10-15T09:00")

    await office.http.post(f"/v1/contracts/{contract['id']}/renewals", json={})

    this = await entries(office, made)
    assert (this["window"][2], this["due"][2]) == ("CONFIRMED", "CANCELLED")
    assert (await entries(office, made, term=2))["due"][::2] == ("2027-12-31", "CONFIRMED")


@pytest.mark.parametrize("seed", range(3))
async def test_over_any_changes_an_entry_keeps_its_uid_and_its_sequence_rises_when_it_changes(
    office: Office, seed: int
) -> None:
    random = Random(seed)
    await owns(office, "eve@example.com", "acme")
    contract = await office.enters("acme", **YEAR)
    path = f"/v1/contracts/{contract['id']}"
    made = await link(office)

    async def change() -> None:
        changes: list[tuple[str, str, Any]] = [
            ("PATCH", "", {"end": f"202{random.choice([6, 7])}-12-{random.randint(10, 31)}"}),
            ("PATCH", "", {"notice": random.choice([None, NOTICE, {**NOTICE, "amount": 2}])}),
            ("PATCH", "", {"seats": random.randint(1, 9)}),
            ("POST", "/cancellation", {"effective": random.choice([None, "2026-06-01"])}),
            ("DELETE", "/cancellation", None),
            ("POST", "/renewals", {}),
        ]
        method, of, body = random.choice(changes)  # what the ledger refuses changes nothing
        await office.http.request(method, path + of, json=body)
        if not random.randrange(5):
            await office.it_is(office.clock.now() + timedelta(days=1))

    before = by_icalendar((await read(office, made)).text)
    for _ in range(20):
        await change()
        office.clock.advance(timedelta(minutes=1))  # a link is read so often a minute
        after = by_icalendar((await read(office, made)).text)
        assert before.keys() <= after.keys()
        for uid, (day, sequence, status) in before.items():
            assert after[uid][1] >= sequence
            assert after[uid][1] > sequence or (after[uid][0], after[uid][2]) == (day, status)
        before = after


async def test_nobody_sees_anothers_renewals_and_an_account_follows_its_owner(office: Office) -> None:
    await owns(office, "eve@example.com", "acme")
    await owns(office, "sam@example.com", "bolt")
    await office.enters("acme", **YEAR)
    await office.enters("bolt", **YEAR)
    eve, sam = await link(office), await link(office, "sam@example.com")
    assert len(await entries(office, eve)) == 5
    assert "bolt" not in (await read(office, eve)).text

    await owns(office, "sam@example.com", "acme")

    assert await entries(office, eve) == {}
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
    await office.amends(contract, seats=3)
    assert (await read(office, made, **{"If-None-Match": first.headers["ETag"]})).status_code == 200


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


async def test_a_link_opens_nothing_else(office: Office) -> None:
    token = (await link(office))["path"].partition("token=")[2]
    async with client(office.answers, None) as anybody:
        assert (await anybody.get("/v1/renewals", params={"token": token})).status_code == 401
        assert (await anybody.get("/v1/calendar-links", params={"token": token})).status_code == 401
    assert SECRET not in token
