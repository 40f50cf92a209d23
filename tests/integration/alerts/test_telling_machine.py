"""Whatever happens in whatever order, everybody hears once what they are to hear, or waits for a named reason.

Hypothesis drives a rule, its alerts, snoozes, silences, leave, the account's stage, working hours and the clock against
a model that knows nothing of deliveries: it keeps messages, whose they are, and when they may go.
"""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from alerts.domain.muting import Mute
from alerts.domain.people import DigestTimes, Hours, Leave, Person
from alerts.domain.routing import Match
from tests.conftest import EXAMPLES
from tests.integration.alerts.sinks import MailSink, mail_sink
from tests.integration.alerts.telling_model import Model, Muffled, Pending
from tests.integration.alerts.world import World, close, fell, known, world

START = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
OPENS, SHUTS = 9, 17
LINE = ("ann", "bob", "max")
"""The owner, their deputy, and their manager, who is always there."""
ACCOUNTS = st.sampled_from(("x", "y"))
HAPPENINGS = (
    "falls",
    "is_said_again",
    "recovers",
    "is_resolved_by_hand",
    "is_acknowledged",
    "is_snoozed",
    "is_silenced",
    "a_silence_is_ended",
    "goes_on_leave",
    "the_account_changes_its_mind",
    "the_rule_is_switched_off_and_on",
    "time_goes_by",
    "time_goes_by",
)
_examples, _names = count(), count()


class Telling(RuleBasedStateMachine):
    """The world and the model side by side."""

    alerts: ClassVar[World]
    mail: ClassVar[MailSink]
    runner: ClassVar[asyncio.Runner]

    def __init__(self) -> None:
        super().__init__()
        self.example = next(_examples)
        self.models = {"x": Model(), "y": Model()}
        self.silences: list[Muffled] = []
        self.leaves: dict[str, tuple[date, date] | None] = {"ann": None, "bob": None}
        self.leaving = {"x": False, "y": False}
        self.sequence = 1
        self.expected: Counter[tuple[str, str, str]] = Counter()
        """(alert, what, who) of every message that has to have arrived by now."""

    def run(self, coroutine: Any) -> Any:
        return self.runner.run(coroutine)

    def account(self, name: str) -> str:
        return f"{name}{self.example}"

    @property
    def now(self) -> datetime:
        return self.alerts.clock.now()

    @initialize()
    def begins(self) -> None:
        # a rule is in force from when it was saved, so every example begins later than the one before ended
        self.alerts.clock.move_to(START + self.example * timedelta(weeks=12))
        self.mail.mails.clear()
        self.run(self._cleared())
        for person in LINE:
            self.run(self._saved(person))
        for name in self.models:
            self._record(name)

    @rule(
        what=st.sampled_from(HAPPENINGS),
        name=ACCOUNTS,
        hours=st.sampled_from((1, 5, 30)),
        person=st.sampled_from(("ann", "bob")),
        days=st.sampled_from((0, 1, 4)),
        minutes=st.sampled_from((1, 50, 60 * 7, 60 * 24, 60 * 72)),
    )
    def something_happens(self, what: str, name: str, hours: int, person: str, days: int, minutes: int) -> None:
        """One rule for all: Hypothesis leaves out whole rules for a run, and then little comes together."""
        match what:
            case "is_snoozed" | "is_silenced":
                getattr(self, what)(name, hours)
            case "goes_on_leave":
                self.goes_on_leave(person, days)
            case "time_goes_by":
                self.time_goes_by(minutes)
            case "a_silence_is_ended":
                self.a_silence_is_ended()
            case _:
                getattr(self, what)(name)

    def falls(self, name: str) -> None:
        self._open(name)
        self._settles()

    def is_said_again(self, name: str) -> None:
        """Saying again what is known already tells nobody again."""
        self._open(name)
        self._settles()
        self.run(self.alerts.hears(fell("red", "red", self.now, account=self.account(name))))
        self._settles()

    def recovers(self, name: str) -> None:
        self._green(name)
        self._settles()

    def is_resolved_by_hand(self, name: str) -> None:
        model = self._open(name)
        self.run(self.alerts.application.handlers.handle.resolve(str(model.id), by="me", reason=None))
        self._ends(model)
        self._settles()

    def is_acknowledged(self, name: str) -> None:
        model = self._open(name)
        self.run(self.alerts.application.handlers.handle.acknowledge(str(model.id), by="me", comment=None))
        model.is_acknowledged = True
        self._settles()

    def is_snoozed(self, name: str, hours: int) -> None:
        model = self._open(name)
        until = self.now + timedelta(hours=hours)
        handle = self.alerts.application.handlers.handle
        self.run(handle.snooze(str(model.id), until=until, by="me", comment=None))
        model.snoozed_until = until
        self._wakes(model, Mute.SNOOZE)
        self._settles()

    def is_silenced(self, name: str, hours: int) -> None:
        match = Match(accounts=frozenset({self.account(name)}))
        ends_at = self.now + timedelta(hours=hours)
        make = self.alerts.application.handlers.silences.create
        made = self.run(make(match, starts_at=None, ends_at=ends_at, reason="we know", by="me"))
        self.silences.append(Muffled(name, ends_at, made.id))
        self._settles()

    def a_silence_is_ended(self) -> None:
        first = next((each for each in self.silences if each.ends_at > self.now), None)
        if first is None:
            return
        self.run(self.alerts.application.handlers.silences.end(first.id, by="me"))
        first.ends_at = self.now
        for model in self.models.values():
            self._wakes(model, Mute.SILENCE)
        self._settles()

    def goes_on_leave(self, person: str, days: int) -> None:
        """With 0 days somebody comes back."""
        today = self.now.date()
        self.leaves[person] = (today, today + timedelta(days=days - 1)) if days else None
        self.run(self._saved(person))
        self._settles()

    def the_account_changes_its_mind(self, name: str) -> None:
        self.leaving[name] = not self.leaving[name]
        self._record(name)
        self._wakes(self.models[name], Mute.INHIBITION)
        self._settles()

    def the_rule_is_switched_off_and_on(self, _: str) -> None:
        """Its alerts end, and what is there already begins no other."""
        for on in (False, True):
            switch = self.alerts.application.handlers.rule_documents.switch
            self.run(switch("band-worsened", on=on, by="me", reason=None))
            self.run(self.alerts.application.due.run_due())
        for model in self.models.values():
            self._ends(model)
        self._settles()

    def time_goes_by(self, minutes: int) -> None:
        self.alerts.clock.advance(timedelta(minutes=minutes))
        self._settles()

    @invariant()
    def everybody_heard_what_they_were_to_hear_and_once(self) -> None:
        arrived: Counter[str] = Counter(str(mail["X-Mainstay-Delivery"]) for mail in self.mail.mails)
        assert max(arrived.values(), default=1) == 1
        rows = self.run(self._deliveries())
        told = Counter((row.alert_id, row.kind, row.person_id) for row in rows if row.id in arrived)
        assert told == self.expected
        for row in rows:
            if row.id in arrived:
                assert row.state == "delivered"
            elif row.state == "pending":
                assert row.muted_by in set(Mute)
                assert row.next_attempt_at is None or row.next_attempt_at > self.now
            else:
                assert row.state == "suppressed"
                assert row.error
                assert row.person_id is not None

    def _open(self, name: str) -> Model:
        """The account's alert; one begins where none is open, and nobody has heard of it yet."""
        model = self.models[name]
        if model.id is None:
            self._green(name)
            self.run(self.alerts.hears(fell("green", "red", self.now, account=self.account(name))))
            (alert,) = self.run(self.alerts.alerts(account_id=self.account(name), state="open"))
            model.id, model.is_red, model.is_acknowledged = alert["id"], True, False
            model.pending.append(Pending(alert["id"], "opened", self._in_line("ann"), self.now))
        return model

    def _green(self, name: str) -> None:
        model = self.models[name]
        if model.is_red:
            self.alerts.clock.advance(timedelta(seconds=1))  # facts of one instant have an order of their own
            self.run(self.alerts.hears(fell("red", "green", self.now, account=self.account(name))))
            self.alerts.clock.advance(timedelta(seconds=1))
            self._ends(model)
            model.is_red = False

    def _settles(self) -> None:
        """What is due in the model, and then in the world."""
        for model in self.models.values():
            if model.snoozed_until is not None and model.snoozed_until <= self.now:
                model.snoozed_until = None
                if model.id is not None:
                    model.pending += [
                        Pending(model.id, "returned", reader, self.now) for reader in sorted(model.readers)
                    ]
            self._goes(model)
        self.run(self._works())

    def _goes(self, model: Model) -> None:
        waiting: list[Pending] = []
        for message in model.pending:
            if message.due is None or message.due > self.now:
                waiting.append(message)
                continue
            held = self._held(model, message)
            if held is not None:
                waiting.append(held)
        model.pending = waiting

    def _held(self, model: Model, message: Pending) -> Pending | None:
        """The message as it waits now; None: it went, or never will."""
        name = next(name for name, each in self.models.items() if each is model)
        if message.kind != "resolved":
            if model.snoozed_until is not None and model.snoozed_until > self.now:
                return replace(message, due=model.snoozed_until, muted_by=Mute.SNOOZE)
            silenced = [each.ends_at for each in self.silences if each.account == name and each.ends_at > self.now]
            if silenced:
                return replace(message, due=max(silenced), muted_by=Mute.SILENCE)
            if self.leaving[name]:
                return replace(message, due=None, muted_by=Mute.INHIBITION)
            message = replace(message, reader=self._in_line(message.reader))
            if model.is_acknowledged:
                return None
        opens = self._opens()
        if opens > self.now:
            return replace(message, due=opens, muted_by=Mute.QUIET_HOURS)
        key = (message.alert, message.kind, message.reader)
        if message.kind != "returned" and self.expected[key]:
            return None
        self.expected[key] += 1
        if message.alert == model.id:
            model.readers.add(message.reader)
        return None

    def _opens(self) -> datetime:
        """When office hours are next; everybody has the same, and whoever stands in is there."""
        day = self.now.date()
        while True:
            opens, shuts = (datetime.combine(day, time(hour), UTC) for hour in (OPENS, SHUTS))
            if day.isoweekday() <= 5 and self.now < shuts:
                return max(opens, self.now)
            day += timedelta(days=1)

    def _in_line(self, first: str) -> str:
        """Whoever is there, from somebody on."""
        for person in LINE[LINE.index(first) :]:
            leave = self.leaves.get(person)
            if leave is None or not leave[0] <= self.now.date() <= leave[1]:
                return person
        raise AssertionError("max is always there")

    def _wakes(self, model: Model, muted_by: str) -> None:
        for message in model.pending:
            if message.muted_by == muted_by:
                message.due = self.now

    def _ends(self, model: Model) -> None:
        """Whoever has heard of it is to hear that it is over; whoever has not never hears of it."""
        if model.id is None:
            return
        over = [each for each in model.pending if each.kind == "resolved"]
        model.pending = over + [Pending(model.id, "resolved", reader, self.now) for reader in sorted(model.readers)]
        model.id, model.readers, model.snoozed_until = None, set(), None

    def _record(self, name: str) -> None:
        stage = "will_churn" if self.leaving[name] else "growth"
        record = known(self.now, account=self.account(name), owner="ann", sequence=self.sequence, stage=stage)
        self.sequence += 1
        self.run(self.alerts.hears(record))

    async def _works(self) -> None:
        await self.alerts.application.due.run_due()
        await self.alerts.delivers()

    async def _saved(self, person: str) -> None:
        leave = self.leaves.get(person)
        deputy = {"ann": "bob"}.get(person)
        saved = Person(
            id=person,
            name=person,
            manager=None if person == "max" else "max",
            hours=Hours(OPENS * 60, SHUTS * 60),
            leaves=(Leave(*leave, deputy),) if leave else (),
            email=f"{person}@example.com",
            digests=DigestTimes(None, None),
        )
        # deputies and managers have to be known before they are named
        for one in ("max", "bob"):
            if person != one and self.example == 0 and not self.leaves[person if person != "max" else "ann"]:
                await self._bare(one)
        await self.alerts.application.handlers.directory.save_person(saved, replaces=None, by="me", reason=None)

    async def _bare(self, person: str) -> None:
        bare = Person(person, person, hours=Hours(OPENS * 60, SHUTS * 60), email=f"{person}@example.com")
        bare = replace(bare, digests=DigestTimes(None, None))
        await self.alerts.application.handlers.directory.save_person(bare, replaces=None, by="me", reason=None)

    async def _cleared(self) -> None:
        """What other examples left behind is over."""
        await self.alerts.rows("DELETE FROM alerts.due RETURNING 1", commit=True)
        await self.alerts.rows("UPDATE alerts.silence SET ends_at = starts_at RETURNING 1", commit=True)
        await self.alerts.rows(
            "UPDATE alerts.delivery SET state = 'suppressed', next_attempt_at = NULL, lease_until = NULL"
            " WHERE state IN ('pending', 'delivering') RETURNING 1",
            commit=True,
        )

    async def _deliveries(self) -> Any:
        return await self.alerts.rows(
            "SELECT d.*, n.kind, n.alert_id FROM alerts.delivery d JOIN alerts.notification n"
            " ON n.id = d.notification_id WHERE n.account_id = ANY(:accounts)",
            accounts=[self.account(name) for name in self.models],
        )


@pytest.mark.timeout(900)  # with MAINSTAY_EXAMPLES it takes as long as is asked for
@pytest.mark.parametrize("steps", [25])
def test_each_transition_is_told_once_or_muted_for_a_named_reason(migrated_url: str, steps: int) -> None:
    with asyncio.Runner() as runner:
        served = mail_sink()
        mail = runner.run(served.__aenter__())
        made = world(migrated_url, smtp_host="127.0.0.1", smtp_port=mail.port)
        runner.run(made.open())
        Telling.alerts, Telling.mail, Telling.runner = made, mail, runner
        try:
            run_state_machine_as_test(
                Telling,
                settings=settings(
                    max_examples=max(EXAMPLES // 5, 1),
                    stateful_step_count=steps,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(close(made))
            runner.run(served.__aexit__(None, None, None))
