"""Reminders of tasks obey working hours and leave like alerts, and say nothing of what was done meanwhile."""

from datetime import timedelta
from typing import Any

from tests.integration.alerts.sinks import MailSink
from tests.integration.alerts.test_playbooks import put
from tests.integration.alerts.test_routing import MONDAY, office, person, post, to
from tests.integration.alerts.world import World, known

__all__ = ["office"]

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
MINE: dict[str, Any] = {
    "id": "mine",
    "name": "Mine",
    "category": "lifecycle",
    "triggers": [{"handover": True}],
    "escalate_after": None,
    "steps": [
        {"key": "call", "title": "Call them", "role": "csm", "due": {"days": 0}},
        {"key": "tell", "title": "Tell", "due": {"days": 1}, "action": {"message": {"role": "csm", "text": "Well?"}}},
    ],
}


async def started(office: World, *, zone: str = "Asia/Shanghai", playbook: dict[str, Any] = MINE) -> Any:
    """A run for an account in Shanghai, whose owner works in Berlin: its mornings are the owner's nights."""
    await put(office, playbook)
    await office.hears(known(office.clock.now(), owner="ann", zone=zone))
    return await post(office, "/v1/playbooks/mine/runs", 201, account_id="acme")


async def at(office: World, hours: float) -> None:
    office.clock.move_to(MONDAY + hours * HOUR)
    await office.application.due.run_due()
    await office.delivers()


async def test_a_reminder_waits_for_working_hours_and_goes_then(office: World, mail: MailSink) -> None:
    await person(office, "ann", zone="Europe/Berlin")
    await started(office)

    await at(office, 16 + 0.1)  # 09:06 on Tuesday in Shanghai, 02:06 in Berlin
    assert mail.mails == []
    assert await office.rows("SELECT DISTINCT state, muted_by FROM alerts.delivery") == [("pending", "quiet-hours")]
    await at(office, 22 + 0.1)  # 08:06 in Berlin
    assert to(mail) == ["ann", "ann"]
    assert sorted(str(one["Subject"]).partition(":")[0] for one in mail.mails) == ["Acme", "Overdue"]


async def test_it_waits_over_the_weekend_and_is_not_sent_when_the_task_was_done_meanwhile(
    office: World, mail: MailSink
) -> None:
    await person(office, "ann", zone="Europe/Berlin")
    office.clock.move_to(MONDAY + 4 * DAY)
    run = await started(office)

    await at(office, 5 * 24 + 3)  # Saturday: overdue
    await post(office, f"/v1/tasks/{run['tasks'][0]['id']}/done")
    await at(office, 7 * 24)

    assert [str(one["Subject"]) for one in mail.mails] == ["Acme: Mine"]
    assert await office.rows("SELECT state, error FROM alerts.delivery WHERE state = 'suppressed'") == [
        ("suppressed", "the task is settled already")
    ]


async def test_whoever_stands_in_hears_while_somebody_is_away(office: World, mail: MailSink) -> None:
    await person(office, "bob")
    await person(office, "ann", zone="Europe/Berlin")
    await started(office, playbook={**MINE, "steps": MINE["steps"][:1]})
    await at(office, 16 + 0.1)
    assert mail.mails == []
    tomorrow = str((MONDAY + DAY).date())
    await person(office, "ann", zone="Europe/Berlin", leaves=[{"first": tomorrow, "last": tomorrow, "deputy": "bob"}])

    await at(office, 23.5)

    assert to(mail) == ["bob"]


async def test_a_channel_of_everybody_is_a_place_and_does_not_sleep(office: World, mail: MailSink) -> None:
    async with office.api() as api:
        box = {"name": "all", "kind": "email", "to": "all@example.com"}
        assert (await api.post("/v1/channels", json=box)).status_code == 201
    await started(office, playbook={**MINE, "steps": MINE["steps"][:1]})

    await at(office, 16 + 0.1)

    assert to(mail) == ["all"]
