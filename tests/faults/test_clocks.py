"""Clocks that jump, and days of downtime: every (contract, milestone) once, and at most one message a contract.

Renewals and alerts on one real database with one clock, moved by hand; what renewals said is what alerts hears, and
what alerts sends arrives at a real receiver.
"""

import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from sqlalchemy import text

from alerts.consumers import decode_account, decode_renewal
from mainstay.contracts.envelope import encode
from mainstay.contracts.renewals import MilestoneReached
from mainstay.kernel.clock import start_of_day
from mainstay.messaging.consuming import Batch
from mainstay.messaging.port import Outgoing
from renewals.bootstrap import Service
from tests.integration.alerts.sinks import HttpSink, http_sink
from tests.integration.alerts.world import World, close, known, world
from tests.integration.renewals.office import Office, as_record, instant

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SUMMER_TIME = (
    *("Europe/Berlin", "America/New_York", "Pacific/Auckland", "America/Santiago"),
    *("Australia/Lord_Howe", "Africa/Cairo", "Asia/Beirut", "UTC"),
)
"""Zones whose clocks change in spring and autumn, some at midnight, one by half an hour; and one that has none."""
NOTICE_DAYS = 31


@dataclass
class Company:
    """Both services, and the receiver of their messages."""

    office: Office
    alerts: World
    sink: HttpSink
    heard: int = 0
    said: list[MilestoneReached] = field(default_factory=list)

    async def tells(self) -> None:
        """What renewals said since reaches alerts, and what alerts has to say its receiver."""
        async with self.office.service.chassis.database.engine.connect() as connection:
            rows = (
                await connection.execute(
                    text("SELECT * FROM renewals.outbox WHERE id > :heard ORDER BY id"), {"heard": self.heard}
                )
            ).all()
        observations = []
        for row in rows:
            self.heard = row.id
            headers = tuple(zip(row.header_names, row.header_values, strict=True))
            record = as_record(Outgoing(row.topic, row.key, bytes(row.value), headers))
            if dict(headers)["ce_type"] == MilestoneReached.TYPE.encode():
                self.said.append(msgspec.json.decode(record.value, type=MilestoneReached))
            if observation := decode_renewal(record):
                observations.append(observation)
        if observations:
            await self.alerts.application.watch(Batch((), tuple(observations)))
        await self.alerts.application.due.run_due()
        await self.alerts.delivers()

    async def clock(self, by: timedelta) -> None:
        """The clock of all moves, and what is due is done."""
        now = self.office.clock.now() + by
        self.alerts.clock.move_to(now)
        await self.office.it_is(now)

    async def recorded(self) -> Counter[tuple[str, str]]:
        async with self.office.service.chassis.database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT contract_id, term, name FROM renewals.milestone"))
            return Counter((f"{row.contract_id}.{row.term}", row.name) for row in rows)

    def titles(self) -> dict[str, list[str]]:
        """The titles of the messages that arrived, by account, but for those that say that something told is over."""
        found = defaultdict[str, list[str]](list)
        for arrival in self.sink.arrivals:
            message = msgspec.json.decode(arrival.body)
            if message["type"] == "mainstay.alert.opened":
                found[message["data"]["account"]["id"]].append(message["data"]["title"])
        return found


@pytest.fixture
async def company(migrated_url: str) -> AsyncIterator[Company]:
    office = await Office.opened(migrated_url, "2026-01-05T09:00")
    alerts = await world(migrated_url).open()
    alerts.clock.move_to(office.clock.now())
    async with http_sink() as sink:
        await alerts.webhook(sink.url)
        yield Company(office, alerts, sink)
    await close(alerts)
    await office.close()


async def enters(company: Company, account: str, **facts: Any) -> str:
    """A contract with notice, of an account of its own that alerts knows."""
    notice = {"amount": NOTICE_DAYS, "unit": "days"}
    contract = await company.office.enters(account, **{"notice": notice, **facts})
    record = as_record(encode(known(company.office.clock.now(), account=account, name=account)))
    heard = decode_account(record)
    assert heard is not None
    await company.alerts.application.keep_accounts(Batch((), (heard,)))
    return str(contract["id"])


@pytest.mark.timeout(300)
async def test_clocks_that_jump_an_hour_or_400_days_reach_each_milestone_once(company: Company) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(24):
        start = date(2025, 3, 1) + chance.randrange(300) * DAY
        await enters(
            company,
            f"account-{number}",
            start=start.isoformat(),
            term_months=chance.choice((6, 12)),
            zone=SUMMER_TIME[number % len(SUMMER_TIME)],
        )
    await company.tells()
    jumps = [timedelta(days=chance.randrange(1, 12), hours=chance.randrange(24)) for _ in range(40)]
    jumps.insert(20, 400 * DAY)  # and back below
    for jump in jumps:
        for by in (jump, HOUR, -HOUR, -HOUR, HOUR):
            await company.clock(by)
        await company.tells()
        if chance.random() < 0.2:
            before = company.office.service
            company.office.service = Service(before.settings, clock=company.office.clock)
            await before.close()
        if jump == 400 * DAY:
            await company.clock(-jump)

    fired = Counter((each.term_id, each.milestone) for each in company.said)
    assert max(fired.values()) == 1
    assert await company.recorded() == fired
    # Half a year apart or more, all terms that have passed since their contract was entered went by every milestone.
    by_term = defaultdict[str, set[str]](set)
    for term_id, name in fired:
        by_term[term_id].add(name)
    passed = [names for names in by_term.values() if "due" in names]
    assert len(passed) > 24
    assert all(names >= {"days_30", "due"} for names in passed)
    assert len(company.sink.ids) == len(set(company.sink.ids))


@pytest.mark.timeout(300)
async def test_three_days_of_downtime_record_all_and_send_one_message_a_contract(company: Company) -> None:
    down = instant("2026-06-10T06:00")
    # Ends so far after the downtime begins that windows, days, notice and last days fall into it, some together.
    ahead = [*range(1, 5), *range(29, 36), *range(58, 67)]
    contracts: dict[str, tuple[str, ZoneInfo, int, date]] = {}
    for number, (left, window_days) in enumerate(product(ahead, (61, 62))):
        name, zone, ends_before = f"account-{number}", SUMMER_TIME[number % 8], down.date() + left * DAY
        facts = {"start": "2026-01-01", "end": (ends_before - DAY).isoformat(), "window_days": window_days}
        contracts[await enters(company, name, zone=zone, **facts)] = (name, ZoneInfo(zone), window_days, ends_before)
    await company.clock(down - company.office.clock.now())
    await company.tells()
    company.sink.arrivals.clear()
    before = await company.recorded()

    await company.clock(3 * DAY)
    await company.tells()

    reached = await company.recorded() - before
    for contract_id, (name, zone_of, window_days, ends_before) in contracts.items():
        days = {"window": window_days, "days_60": 60, "days_30": 30, "due": 1, "notice_deadline": NOTICE_DAYS + 1}
        begins = {what: start_of_day(ends_before - left * DAY, zone_of) for what, left in days.items()}
        wanted = {what for what, at in begins.items() if down < at <= down + 3 * DAY}
        assert {what for term_id, what in reached if term_id == f"{contract_id}.1"} == wanted, name
        messages = company.titles()[name]
        is_over = start_of_day(ends_before, zone_of) <= down + 3 * DAY  # and renewed: nobody has to do anything
        assert len(messages) == bool(wanted and not is_over), (name, wanted, messages)
        assert all("late)" in title for title in messages), messages
    several = [count for count in Counter(term_id for term_id, _ in reached).values() if count > 1]
    assert len(several) > 3
