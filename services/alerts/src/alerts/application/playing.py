"""Playing playbooks: what happens starts runs, runs make tasks, tasks remind, and people settle them.

Each happening starts a playbook once, whatever comes twice or late: its name is kept. While a playbook runs for an
account, another happening that would start it joins it. All of it is done with the account's row locked.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from alerts.application.events import ended_run, fact_stated, started_run, task_done
from alerts.application.playbooks import PlaybooksInForce, PlaybookUnknown
from alerts.application.ports import History, OpenWork, Subject, Work
from alerts.application.task_telling import TellTasks
from alerts.domain.accounts import Account
from alerts.domain.alerts import Change, Notice
from alerts.domain.conditions.things import zone_of
from alerts.domain.conditions.variables import values_at
from alerts.domain.happenings import (
    AlertTold,
    Happening,
    OwnerChanged,
    StageBegan,
    WindowBegan,
    dates_of,
    starts,
)
from alerts.domain.muting import Mute
from alerts.domain.observations import MilestoneReached, Observation, StageEntered, WindowOpened
from alerts.domain.playbooks import OnDate, Playbook, RiskReason, StartPlaybook, StateFact, TellRole
from alerts.domain.rules import Condition
from alerts.domain.runs import (
    MAINSTAY,
    Act,
    Effect,
    Ended,
    Escalate,
    Remind,
    Run,
    RunState,
    RunUnknown,
    Settled,
    advance,
    begin,
    end,
    reopen,
    settle,
)
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

DATES: Final = "dates"
"""What a timer looks at that is about the dates of an account, and not about a run."""
GO_LIVE: Final = "milestone:go_live"
DEEPEST: Final = 5
"""Playbooks that start each other in a circle end here."""

_log = structlog.get_logger(__name__)


class AlreadyRunning(ValueError):
    """The playbook runs for the account already."""

    def __init__(self, playbook: str, account_id: str, run_id: str) -> None:
        super().__init__(f"the playbook {playbook} runs for {account_id} already: {run_id}")
        self.run_id = run_id


class AccountNotKnown(LookupError):
    """No record of the account has arrived."""

    def __init__(self, account_id: str) -> None:
        super().__init__(f"no account is known as {account_id}")


@dataclass(frozen=True, slots=True)
class NewRecord:
    """An account's record before and after, and the instant as of which it is so."""

    before: Account
    after: Account
    at: datetime

    @property
    def has_other_dates(self) -> bool:
        """Whether days that are counted from its renewal come at other instants."""
        if self.after.next_renewal_on is None:
            return False
        return (self.before.next_renewal_on, self.before.zone) != (self.after.next_renewal_on, self.after.zone)


@dataclass(frozen=True, slots=True)
class _Start:
    """A playbook that is to start for an account."""

    playbook: Playbook
    cause: str
    by: str = MAINSTAY


class Playing:
    """Starts runs, and keeps them going."""

    def __init__(
        self,
        open_work: OpenWork,
        playbooks: PlaybooksInForce,
        telling: TellTasks,
        clock: Clock,
        *,
        quiet_after: timedelta,
    ) -> None:
        self._open = open_work
        self._playbooks = playbooks
        self._telling = telling
        self._clock = clock
        self._quiet_after = quiet_after

    async def on_alerts(self, work: Work, changes: Sequence[Change], accounts: Mapping[str, Account]) -> None:
        """Alerts opened of which people are told."""
        told = [change.alert for change in changes if Notice.OPENED in change.notices]
        await self._happened(work, accounts, [(alert.account_id, AlertTold(alert)) for alert in told])

    async def on_facts(self, work: Work, observations: Sequence[Observation], accounts: Mapping[str, Account]) -> None:
        """Facts were heard: stages that begin, renewal windows that open, a go-live from which days are counted."""
        found: list[tuple[str, Happening]] = []
        for seen in observations:
            match seen.fact:
                case StageEntered(str(stage)):
                    found.append((seen.account_id, StageBegan(stage, seen.event_id, seen.at)))
                case WindowOpened(term_id=term_id):
                    found.append((seen.account_id, WindowBegan(term_id, seen.at)))
                case MilestoneReached() if seen.subject == GO_LIVE:
                    await work.timers.playbooks({(seen.account_id, DATES): self._clock.now()})
                case _:
                    continue
        await self._happened(work, accounts, found)

    async def on_records(self, work: Work, changes: Sequence[NewRecord]) -> None:
        """Accounts have newer records: other owners, other dates of renewal. Few questions, however many they are."""
        owners = [each for each in changes if each.before.owner != each.after.owner]
        await work.runs.keep_owners([(each.after.id, each.at, each.after.owner) for each in owners])
        # of runs that began before the record came
        first = {each.after.id: each.after.owner for each in changes if not each.before.is_known and each.after.owner}
        await work.runs.begin_with(first)
        handovers = [
            (each.after.id, OwnerChanged(each.before.owner, each.after.owner, each.after.sequence, each.at))
            for each in owners
            if each.before.owner is not None and each.after.owner is not None
        ]
        await self._happened(work, {each.after.id: each.after for each in changes}, handovers)
        moved = [each.after for each in changes if each.has_other_dates]
        dated = await self._dated(work) if moved else ()
        now = self._clock.now()
        for account in moved:
            dates = dates_of(dated, account, None, now, self._quiet_after)
            at = now if dates.come else dates.again_at
            if at is not None:
                await work.timers.playbooks({(account.id, DATES): at})

    async def look_again(self, work: Work, things: Collection[Subject]) -> None:
        """Look at runs and at the dates of accounts whose instant has come, in a transaction that is open."""
        accounts = await work.accounts.lock({account_id for account_id, _ in things})
        for account_id, thing in sorted(things):
            account = accounts.get(account_id)
            if account is None:
                continue
            if thing == DATES:
                await self._look_at_dates(work, account)
                continue
            try:
                run = await work.runs.get(thing)
            except RunUnknown:
                continue
            await self._go_on(work, account, run)

    async def start(self, account_id: str, playbook_id: str, *, by: str) -> Run:
        """Start a playbook by hand, whatever its triggers say and whether it is switched on.

        Raises `PlaybookUnknown`, `AccountNotKnown`, `AlreadyRunning`.
        """
        async with self._open() as work:
            playbook = (await self._playbooks(work)).all.get(playbook_id)
            if playbook is None:
                raise PlaybookUnknown(playbook_id)
            known = await work.accounts.known([account_id])
            if account_id not in known:
                raise AccountNotKnown(account_id)
            account = (await work.accounts.lock([account_id]))[account_id]
            running = await self._running(work, account_id, playbook_id)
            if running is not None:
                raise AlreadyRunning(playbook_id, account_id, running.id)
            return await self._start(work, account, _Start(playbook, f"by-hand:{new_id(self._clock.now())}", by))

    async def settle(self, task_id: str, *, skip: bool, by: str, note: str | None) -> Run:
        """A task is done, or skipped. Raises `TaskUnknown`, `RunEnded`, `TaskNotOpen`."""
        return await self._change(
            task_id, lambda run: settle(run, task_id, skip=skip, by=by, note=note, now=self._clock.now())
        )

    async def reopen(self, task_id: str, *, note: str | None) -> Run:
        """A task is to be done after all. Raises `TaskUnknown`, `RunEnded`, `TaskNotOpen`."""
        return await self._change(task_id, lambda run: (reopen(run, task_id, note=note), ()))

    async def end(
        self, run_id: str, state: RunState, *, by: str, reason: RiskReason | None, comment: str | None
    ) -> Run:
        """Say how a run ended. Raises `RunUnknown`, `RunEnded`."""
        why = reason.value if reason else None
        async with self._open() as work:
            return await self._changed(
                work,
                run_id,
                lambda run: end(run, state, by=by, reason=why, comment=comment, now=self._clock.now()),
            )

    async def _change(self, task_id: str, change: Callable[[Run], tuple[Run, Sequence[Effect]]]) -> Run:
        async with self._open() as work:
            return await self._changed(work, await work.runs.run_of(task_id), change)

    async def _changed(self, work: Work, run_id: str, change: Callable[[Run], tuple[Run, Sequence[Effect]]]) -> Run:
        account_id = (await work.runs.get(run_id)).account_id
        accounts = await work.accounts.lock([account_id])
        if account_id not in accounts:
            raise RunUnknown(run_id)  # its account was erased this moment
        before = await work.runs.get(run_id)
        after, effects = change(before)
        if after == before:
            return before
        return await self._go_on(work, accounts[account_id], after, effects)

    async def _happened(
        self, work: Work, accounts: Mapping[str, Account], happenings: Sequence[tuple[str, Happening]]
    ) -> None:
        now = self._clock.now()
        if not happenings:
            return
        on = (await self._playbooks(work)).on
        wanted = [
            (accounts[account_id], playbook, happening)
            for account_id, happening in happenings
            for playbook in on
            if account_id in accounts and starts(playbook, happening, now, self._quiet_after)
        ]
        if not wanted:
            return
        known = await work.runs.causes({account.id for account, _, _ in wanted})
        for account, playbook, happening in wanted:
            if (account.id, playbook.id, happening.cause) in known or account.stage == "churned":
                continue
            if playbook.when is not None and not (await self._holds(work, account, [playbook.when]))(playbook.when):
                continue
            running = await self._running(work, account.id, playbook.id)
            if running is not None:
                await work.runs.keep_cause(account.id, playbook.id, happening.cause, running.id, now)
            else:
                await self._start(work, account, _Start(playbook, happening.cause))

    async def _look_at_dates(self, work: Work, account: Account) -> None:
        dated = await self._dated(work)
        if not dated:
            return
        went_live = await work.alerts.histories([(account.id, GO_LIVE)])
        facts = went_live.get((account.id, GO_LIVE), History()).facts
        reached = [seen.fact.on for seen in facts if isinstance(seen.fact, MilestoneReached)]
        go_live_on: date | None = max(reached, default=None)
        dates = dates_of(dated, account, go_live_on, self._clock.now(), self._quiet_after)
        await self._happened(work, {account.id: account}, [(account.id, day) for day in dates.come])
        if dates.again_at is not None:
            await work.timers.playbooks({(account.id, DATES): dates.again_at})

    async def _dated(self, work: Work) -> Sequence[Playbook]:
        on = (await self._playbooks(work)).on
        return [each for each in on if any(isinstance(trigger, OnDate) for trigger in each.triggers)]

    async def _running(self, work: Work, account_id: str, playbook_id: str) -> Run | None:
        found = await work.runs.open_of([account_id])
        return next((run for run in found if run.playbook == playbook_id), None)

    async def _start(self, work: Work, account: Account, wanted: _Start, depth: int = 0) -> Run:
        now, playbook = self._clock.now(), wanted.playbook
        document = await work.runs.document_of(playbook.id, playbook.version)
        run = begin(playbook, document, account.id, wanted.cause, at=now, by=wanted.by, owner=account.owner)
        await work.runs.save(run)
        await work.runs.keep_cause(account.id, playbook.id, wanted.cause, run.id, now)
        work.publish(started_run(run, now))
        _log.info("playbook started", playbook=playbook.id, account=account.id, run=run.id, cause=wanted.cause)
        return await self._go_on(work, account, run, depth=depth)

    async def _go_on(
        self, work: Work, account: Account, run: Run, effects: Sequence[Effect] = (), *, depth: int = 0
    ) -> Run:
        now = self._clock.now()
        playbook = self._playbooks.frozen(run.playbook, run.version, run.document)
        holds = await self._holds(work, account, [step.condition for step in playbook.steps if step.condition])
        moved = advance(run, playbook, holds, zone_of(account), now)
        await work.runs.save(moved.run)
        if moved.again_at is not None:
            await work.timers.playbooks({(account.id, run.id): moved.again_at})
        for effect in (*effects, *moved.effects):
            await self._do(work, account, moved.run, playbook, effect, depth)
        return moved.run

    async def _do(self, work: Work, account: Account, run: Run, playbook: Playbook, effect: Effect, depth: int) -> None:
        now = self._clock.now()
        match effect:
            case Remind(task):
                await self._telling.overdue(work, account, run, playbook, task, now)
            case Escalate(task):
                await self._telling.escalated(work, account, run, playbook, task, now)
            case Settled(task):
                assignee = await self._telling.assignee(work, playbook.step(task.step).role, account, now)
                work.publish(task_done(run, playbook, task, assignee, zone_of(account), now))
            case Act(task, TellRole() as told):
                await self._telling.message(work, account, run, playbook, task, told, now)
            case Act(task, StartPlaybook(playbook_id)):
                await self._start_next(work, account, run, f"run:{run.id}:{task.step}", playbook_id, depth)
            case Act(task, StateFact() as fact):
                work.publish(fact_stated(run, task, fact, zone_of(account), now))
            case Ended():
                work.publish(ended_run(run, now))
                # what it muted is looked at again: who was not told of what is open still hears now
                await work.deliveries.wake(Mute.PLAYBOOK, now, account_ids=[account.id])
                _log.info("playbook ended", playbook=run.playbook, account=account.id, run=run.id, state=run.state)

    async def _start_next(
        self, work: Work, account: Account, run: Run, cause: str, playbook_id: str, depth: int
    ) -> None:
        playbook = (await self._playbooks(work)).all.get(playbook_id)
        if playbook is None or depth >= DEEPEST:
            reason = "there is none" if playbook is None else "playbooks start each other in a circle"
            _log.error("the next playbook cannot be started", playbook=playbook_id, run=run.id, reason=reason)
            return
        running = await self._running(work, account.id, playbook_id)
        if running is not None:
            await work.runs.keep_cause(account.id, playbook_id, cause, running.id, self._clock.now())
            return
        await self._start(work, account, _Start(playbook, cause), depth + 1)

    async def _holds(
        self, work: Work, account: Account, conditions: Sequence[Condition]
    ) -> Callable[[Condition], bool]:
        if not conditions:
            return lambda _: False
        histories = await work.alerts.whole_histories([account.id])
        values = values_at(histories.get(account.id, ()), account, self._clock.now())
        return lambda condition: condition.holds(values)
