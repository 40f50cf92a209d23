"""Calendars as their programs read them, by two implementations, and what moves entries: for the tests of calendars."""

from datetime import date
from typing import Any

import icalendar
import vobject
from sqlalchemy import text

from tests.integration.renewals.office import Office, account_record, client

Entries = dict[str, tuple[str, int, str]]


async def owns(office: Office, owner: str | None, *accounts: str, **facts: Any) -> None:
    """Health-score says that the accounts have an owner, and what else they are; renewals looks at them."""
    await office.learns(*(account_record(account, owner=owner, **facts) for account in accounts))
    await office.it_is(office.clock.now())


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


def told(entries: Entries) -> dict[str, tuple[str, str]]:
    """Days and status alone."""
    return {name: (day, status) for name, (day, _, status) in entries.items()}


def moved_on(before: Entries, after: Entries) -> bool:
    """Whether each entry of before is there, with a higher sequence if its day or status changed, and no lower one."""
    return all(
        after[uid][1] > sequence or after[uid] == (day, sequence, status)
        for uid, (day, sequence, status) in before.items()
    )


async def saves(office: Office, *rules: dict[str, Any]) -> None:
    """The operator puts another policy in force, and every account is looked at by it."""
    answer = await office.http.put("/v1/renewal-policy", json={"rules": list(rules)})
    assert answer.status_code in {200, 201}, answer.text
    await office.it_is(office.clock.now())


async def hands_over(office: Office, contract: dict[str, Any], owner: str | None) -> None:
    path = f"/v1/renewals/{contract['id']}.1/owner"
    answer = await office.http.put(path, json={"owner": owner, "reason": "on leave"})
    assert answer.status_code == 200, answer.text


NOTICE = {"amount": 1, "unit": "months", "counted_from": "last_day"}
YEAR: dict[str, Any] = {"start": "2026-01-01", "term_months": 12, "zone": "Europe/Berlin", "notice": NOTICE}
EVE, SAM = "eve@example.com", "sam@example.com"
ON, OFF = "CONFIRMED", "CANCELLED"
USUAL = {
    "window": ("2026-10-01", ON),
    "days-60": ("2026-11-02", ON),
    "notice": ("2026-11-30", ON),
    "days-30": ("2026-12-02", ON),
    "due": ("2026-12-31", ON),
}


def all_are(status: str, entries: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {name: (day, status) for name, (day, _) in entries.items()}


async def rows(office: Office) -> list[Any]:
    """What calendars were told, and the transactions that wrote it."""
    async with office.service.chassis.database.engine.connect() as connection:
        return list(await connection.execute(text("SELECT xmin, * FROM renewals.calendar_entry ORDER BY 2, 3, 4, 5")))
