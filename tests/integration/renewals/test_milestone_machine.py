"""A milestone fires exactly once over any sequence of clock jumps, restarts and edits of the dates.

Hypothesis drives contracts, the clock, processes and the policy; the settling code is the real one, on a real database.
What should have fired is told by a walk through every day, which knows nothing of plans and timers.
"""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from mainstay.contracts.renewals import MilestoneReached, RenewalWindowOpened
from renewals.application.changing import AmendContract, EnterContract, as_a_whole
from renewals.application.handing_over import SavePolicy
from renewals.bootstrap import Service
from renewals.domain import amending
from renewals.domain.contracts import Amendment, AtEnd, Contract, Kind
from renewals.domain.entering import NewContract
from renewals.domain.errors import ContractInvalid, ContractOver, GraceOver, NotCancelled
from renewals.domain.notice import NoticeRule, NoticeUnit
from renewals.domain.terms import Outcome, Term
from tests.conftest import EXAMPLES
from tests.integration.renewals.office import Office

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Auckland", "Africa/Cairo")
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REFUSED = (ContractInvalid, ContractOver, GraceOver, NotCancelled)
TABLES = "milestone, renewal, renewal_handover, renewal_policy, due, outbox, contract, term, account"

Fired = tuple[str, str]
"""A term's id, and the name of a milestone."""


class Milestones(RuleBasedStateMachine):
    """The service, and what it should have fired."""

    office: ClassVar[Office]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.contracts: list[str] = []
        self.fired: Counter[Fired] = Counter()
        self.windows: Counter[str] = Counter()
        self.days: tuple[int, ...] = (60, 30)
        self.lived: dict[str, set[int]] = defaultdict(set)
        """The terms that were seen open since their contract was entered."""
        self.skipped: set[str] = set()
        """Terms that a hand, and not time, brought to an end: what they did not pass they did not reach."""

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    @property
    def now(self) -> datetime:
        return self.office.clock.now()

    @initialize()
    def begins(self) -> None:
        self.run(self._cleared())
        self.office.clock.move_to(START)
        self.office.forgotten = 0

    async def _cleared(self) -> None:
        async with self.office.service.chassis.database.engine.begin() as connection:
            names = ", ".join(f"renewals.{name.strip()}" for name in TABLES.split(","))
            await connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))

    @rule(
        months=st.sampled_from((1, 3, 12)),
        ago=st.integers(-20, 340),
        zone=st.sampled_from(ZONES),
        at_end=st.sampled_from((AtEnd.RENEW, AtEnd.RENEW, AtEnd.CANCEL)),
        window=st.none() | st.sampled_from((0, 1, 45, 200)),
        notice=st.none() | st.sampled_from((1, 20, 100)),
    )
    def a_contract_is_entered(
        self, months: int, ago: int, zone: str, at_end: AtEnd, window: int | None, notice: int | None
    ) -> None:
        if len(self.contracts) > 3:
            return
        stated = NewContract(
            account_id=f"account-{len(self.contracts) % 2}",
            kind=Kind.RECURRING,
            currency="EUR",
            zone=ZoneInfo(zone),
            start=(self.now - ago * DAY).date(),
            amount=Decimal(1200),
            term_months=months,
            at_end=at_end,
            window_days=window,
            grace_days=10,
            notice=NoticeRule(notice, NoticeUnit.DAYS) if notice else None,
        )
        service = self.office.service
        contract = self.run(EnterContract(service.work, service.settle, self.office.clock)(stated, by="me"))
        self.contracts.append(contract.id)
        self._settled()

    @rule(days=st.sampled_from((1, 3, 10, 31, 60, 400)), hours=st.integers(0, 23))
    def time_goes_by(self, days: int, hours: int) -> None:
        """While nothing runs: a day, or downtime."""
        self.office.clock.advance(days * DAY + hours * HOUR)
        self._settled(with_timers=True)

    @rule(hours=st.sampled_from((-1, 1, -2, 25)))
    def the_clock_jumps(self, hours: int) -> None:
        self.office.clock.advance(hours * HOUR)
        self._settled(with_timers=True)
        self.office.clock.advance(-hours * HOUR)
        self._settled(with_timers=True)

    @rule()
    def the_process_starts_anew(self) -> None:
        async def restart() -> None:
            before = self.office.service
            self.office.service = Service(before.settings, clock=self.office.clock)
            await before.close()

        self.run(restart())
        self._settled(with_timers=True)

    @rule(which=st.integers(0, 3), by=st.sampled_from((-90, -40, -1, 1, 40, 200)))
    def an_end_moves(self, which: int, by: int) -> None:
        self._amends(which, lambda c: as_a_whole(Amendment(end=c.latest.last_day + by * DAY)))

    @rule(which=st.integers(0, 3), window=st.none() | st.sampled_from((0, 20, 100)), notice=st.sampled_from((5, 40)))
    def a_window_or_notice_changes(self, which: int, window: int | None, notice: int) -> None:
        rule_of = NoticeRule(notice, NoticeUnit.DAYS)
        self._amends(which, lambda _: as_a_whole(Amendment(window_days=window, notice=rule_of)))

    @rule(which=st.integers(0, 3))
    def a_term_is_renewed_by_hand(self, which: int) -> None:
        self._amends(
            which,
            lambda _: lambda contract, at: amending.renew(contract, amending.Renewal(term_months=3), at),
            by_hand=True,
        )

    @rule(which=st.integers(0, 3))
    def a_contract_is_cancelled(self, which: int) -> None:
        self._amends(which, lambda _: lambda contract, at: amending.cancel(contract, at, "left"), by_hand=True)

    @rule(which=st.integers(0, 3))
    def a_cancellation_is_withdrawn(self, which: int) -> None:
        self._amends(which, lambda _: lambda contract, __: (amending.reinstate(contract), None))

    @rule(days=st.sampled_from(((60, 30), (90, 45, 7), ())), months=st.sampled_from((2, 3, 6)))
    def the_policy_changes(self, days: tuple[int, ...], months: int) -> None:
        body = {
            "about": None,
            "rules": [
                {
                    "name": "all",
                    "tiers": [],
                    "segments": [],
                    "window_months": months,
                    "window_days": None,
                    "milestone_days": list(days),
                    "owner": "csm",
                    "team": None,
                }
            ],
        }
        self.run(SavePolicy(self.office.service.work, self.office.clock)(body, replaces=None, by="me"))
        self.days = days
        self._settled(with_timers=True)

    def _amends(self, which: int, amends: Any, *, by_hand: bool = False) -> None:
        if which >= len(self.contracts):
            return
        contract = self.run(self._contract(self.contracts[which]))
        if by_hand:
            self.skipped.add(f"{contract.id}.{contract.latest.number}")
        service = self.office.service
        amend = AmendContract(service.work, service.settle, self.office.clock)
        try:
            self.run(amend(contract.id, amends(contract), by="me", reason="so"))
        except REFUSED:
            return
        self._settled()

    async def _contract(self, contract_id: str) -> Contract:
        async with self.office.service.work() as work:
            return await work.contracts.get(contract_id)

    async def _kept(self) -> Counter[Fired]:
        async with self.office.service.chassis.database.engine.connect() as connection:
            rows = await connection.execute(text("SELECT contract_id, term, name FROM renewals.milestone"))
            return Counter((f"{row.contract_id}.{row.term}", row.name) for row in rows)

    def _settled(self, *, with_timers: bool = False) -> None:
        """After each step: what was said since is new, and at most one thing a contract is for people to hear."""
        if with_timers:
            self.run(self.office.service.timers.run_due())
        said = self.run(self.office.said())
        told: Counter[str] = Counter()
        for data in said:
            if isinstance(data, MilestoneReached):
                self.fired[data.term_id, data.milestone] += 1
                told[data.contract_id] += not data.superseded
            if isinstance(data, RenewalWindowOpened):
                self.windows[data.term_id] += 1
        assert max(told.values(), default=0) <= 1, told

    @invariant()
    def each_fires_once_and_is_recorded(self) -> None:
        assert not self.fired or max(self.fired.values()) == 1, self.fired
        assert self.run(self._kept()) == self.fired
        assert self.windows == Counter({term: 1 for term, name in self.fired if name == "window"})

    @invariant()
    def none_is_missed(self) -> None:
        for contract_id in self.contracts:
            contract = self.run(self._contract(contract_id))
            today = contract.today(self.now)
            for term in contract.terms:
                name = f"{contract_id}.{term.number}"
                if term.outcome is None or (term.number == contract.latest.number and not contract.is_over):
                    self.lived[contract_id].add(term.number)
                    wanted = walked(contract, term, today, self.days)
                elif term.number in self.lived[contract_id] and term.outcome is Outcome.RENEWED:
                    has_window = term.window_opens_on is not None and term.window_opens_on < term.end_exclusive
                    passed = {"due", "window"} if has_window else {"due"}
                    wanted = set() if name in self.skipped else passed
                else:
                    continue
                missing = wanted - {what for of, what in self.fired if of == name}
                assert not missing, (name, missing, term)


def walked(contract: Contract, term: Term, today: date, counts: tuple[int, ...]) -> set[str]:
    """The milestones that a walk through the days of a running term meets, up to today."""
    found, opened = set[str](), False
    on = term.start
    while on <= min(today, term.expires_before - DAY):
        left = (term.expires_before - on).days
        if opened and left in counts:
            found.add(f"days_{left}")
        if on == term.window_opens_on:
            found.add("window")
            opened = True
        if contract.notice and left - 1 == contract.notice.amount:
            found.add("notice_deadline")
        if left == 1:
            found.add("due")
        on += DAY
    return found


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_milestone_fires_exactly_once_whatever_happens(migrated_url: str) -> None:
    with asyncio.Runner() as runner:
        Milestones.runner = runner
        Milestones.office = runner.run(Office.opened(migrated_url, "2026-01-05T09:00"))
        try:
            run_state_machine_as_test(
                Milestones,
                settings=settings(
                    max_examples=max(10, EXAMPLES // 4),
                    stateful_step_count=25,
                    deadline=None,
                    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # on a database, shrinking takes minutes
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(Milestones.office.close())
