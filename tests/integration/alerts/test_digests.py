"""Digests: at the reader's hour, on their workdays, with what changed, what is due, and what it cost."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from mainstay.contracts.common import MoneyData
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import NextStep, TouchpointFact
from tests.integration.alerts.sinks import MailSink
from tests.integration.alerts.test_people import save
from tests.integration.alerts.test_routing import MONDAY, falls, office, person, post, to, told
from tests.integration.alerts.world import World, known

__all__ = ["office"]

_numbers = count()


def touched(at: datetime, minutes: int, *, account: str = "acme", cost: int = 0, due: str | None = None) -> Event[Any]:
    number = next(_numbers)
    fact = TouchpointFact(
        account_id=account,
        touchpoint_id=f"t{number}",
        occurred_at=at,
        kind="visit",
        result="held",
        minutes=minutes,
        cost=MoneyData(Decimal(cost), "EUR"),
        next_step=NextStep(what="send the offer", due_on=datetime.fromisoformat(due).date()) if due else None,
    )
    return Event(f"touch {number}", "crm", at, fact)


async def goes_on(alerts: World, at: datetime) -> None:
    """Time goes by, and everything due is done."""
    alerts.clock.move_to(at)
    await alerts.application.due.run_due()
    await alerts.delivers()


def body(mail: MailSink, number: int = -1) -> str:
    part = mail.mails[number].get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


async def test_the_daily_digest_has_what_was_over_the_budget_what_changed_and_what_is_due(
    office: World, mail: MailSink
) -> None:
    await person(office, "ann", daily_budget=1, zone="Europe/Berlin", digests={"daily_at": "08:30", "weekly_at": None})
    acme = await falls(office, "acme", name="Acme")
    office.clock.advance(timedelta(minutes=1))
    kept = await falls(office, "globex", name="Globex")
    await office.hears(touched(MONDAY, 30, due="2026-03-03"))
    await office.delivers()
    before = to(mail)

    await goes_on(office, datetime(2026, 3, 3, 7, 31, tzinfo=UTC))
    text = body(mail)
    await post(office, f"/v1/alerts/{kept['id']}/resolve")
    await office.delivers()

    assert before == ["ann"]
    assert [each["state"] for each in await told(office, acme["id"])] == ["delivered"]
    assert "2 alerts open" in str(mail.mails[1]["Subject"])
    assert "Beyond today's number of messages\n  - [critical] Globex" in text
    assert "Next steps due\n  - 2026-03-03: Acme" in text
    assert "New alerts\n  - [critical] Acme" in text
    assert "Acme: green → red" in text
    (opening, resolution) = await told(office, kept["id"])
    assert (opening["state"], resolution["kind"], resolution["state"]) == ("delivered", "resolved", "delivered")
    assert len(mail.mails) == 3


async def test_digests_come_on_workdays_and_not_with_nothing_to_say(office: World, mail: MailSink) -> None:
    await person(office, "ann", digests={"daily_at": "08:30", "weekly_at": "09:00", "weekly_on": "fri"}, country="DE")
    await office.hears(known(MONDAY, owner="ann"))
    await person(office, "max")  # nobody's, so there is nothing to tell
    subjects = []
    for day in range(3, 18):
        await goes_on(office, datetime(2026, 3, day, 12, tzinfo=UTC))
        if day == 10:
            await falls(office, sequence=2)
            await office.delivers()
        subjects.append([str(each["Subject"]) for each in mail.mails])
    weekly = [subject for subject in subjects[-1] if subject.startswith("Your week")]
    daily = [subject for subject in subjects[-1] if subject.startswith("Your day")]

    assert len(weekly) == 2  # on both Fridays, with nothing to say too
    assert len(daily) == 5  # from the 11th on, but for the weekend


async def test_a_weekly_digest_on_a_holiday_comes_on_the_next_workday(office: World, mail: MailSink) -> None:
    weekly = {"daily_at": None, "weekly_at": "09:00", "weekly_on": "fri"}
    await person(office, "ann", digests=weekly, country="DE")  # the 3rd of April 2026 is Good Friday, the 6th a holiday
    office.clock.move_to(datetime(2026, 3, 31, 12, tzinfo=UTC))
    await person(office, "ann", digests=weekly, country="DE", role="csm")
    await office.hears(known(MONDAY, owner="ann"))

    await goes_on(office, datetime(2026, 4, 6, 12, tzinfo=UTC))
    none = len(mail.mails)
    await goes_on(office, datetime(2026, 4, 7, 12, tzinfo=UTC))

    assert (none, len(mail.mails)) == (0, 1)


async def test_a_manager_reads_how_the_team_stands_and_what_little_value_cost(office: World, mail: MailSink) -> None:
    weekly = {"daily_at": None, "weekly_at": "09:00", "weekly_on": "tue"}
    await person(office, "max", digests=weekly)
    await person(office, "ann", manager="max")
    await person(office, "bob", manager="max", language="zh-Hans", digests=weekly)
    await falls(office, "acme", owner="ann")
    await falls(office, "tiny", owner="bob", value={"arr": ()})
    await office.hears(
        touched(MONDAY, 90, account="acme", cost=300), touched(MONDAY, 30, account="tiny", due="2026-03-04")
    )
    await office.delivers()
    mail.mails.clear()
    mail.recipients.clear()

    await goes_on(office, MONDAY + timedelta(days=1, hours=1))

    assert sorted(to(mail)) == ["bob", "max"]
    texts = dict(zip(to(mail), [body(mail, 0), body(mail, 1)], strict=True))
    assert "Ann: 1 accounts, 1 alerts open (1 critical, 1 not taken on), 90 minutes" in texts["max"]
    assert "gold: 2 touches, 120 minutes, 300.00 EUR" in texts["max"]
    assert "30 of 120 minutes (25 %) went to accounts of little value" in texts["max"]
    assert "Class A: 1 touches, 90 minutes, 300.00 EUR" in texts["max"]
    assert "30 分钟中有 30 分钟" in texts["bob"]


async def test_an_erased_account_is_in_no_digest_any_more(office: World) -> None:
    await save(office, "ann", email="ann@example.com", digests={"daily_at": "08:30", "weekly_at": None})
    await falls(office)
    office.clock.move_to(MONDAY + timedelta(days=1))
    await office.application.due.run_due()
    rows = await office.rows("SELECT about FROM alerts.notification WHERE kind = 'daily'")

    async with office.application.open_work() as work:
        subject = office.application.open_work._subjects.hash("account", "acme")
        await work.erased.erase_account(subject)

    assert rows[0].about["accounts"] == ["acme"]
    assert not await office.rows("SELECT 1 FROM alerts.notification")
    for table in ("mute", "assignment", "escalation", "escalation_step", "delivery", "alert"):
        assert not await office.rows(f"SELECT 1 FROM alerts.{table}")
