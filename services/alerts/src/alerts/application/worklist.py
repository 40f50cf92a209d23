"""The worklist of a person, or of everybody: what there is to do, in the order in which it matters.

Whose a thing is, is worked out as of now: what somebody on leave would have stands in the list of whoever stands in.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from alerts.application.directory import DirectoryInForce
from alerts.application.playbooks import PlaybooksInForce
from alerts.application.ports import OpenWork, Work
from alerts.application.rules import RulesInForce
from alerts.application.task_telling import assignee
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.cases import Case
from alerts.domain.conditions.things import zone_of
from alerts.domain.digests import AgendaItem
from alerts.domain.kinds import Kind as RuleKind
from alerts.domain.people import CSM, Directory, Person, Via, Why, standing_in
from alerts.domain.playbooks import Playbook
from alerts.domain.rules import Rulebook
from alerts.domain.runs import Run
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Band, Language, Severity
from alerts.domain.worklist import SOON, Item, Kind, Row, Situation, Weights, in_order, row, standing
from mainstay.kernel.clock import Clock, day_of


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose accounts are looked at: those that one of `people` owns, has a role at, or has something of.

    `reports` are the people whose manager asks: steps of playbooks can be for the manager of an account's CSM.
    """

    people: frozenset[str]
    reports: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Touches:
    """When an account was touched last, and by when the next step is promised."""

    touched_at: datetime | None
    next_due_on: date | None


@dataclass(frozen=True, slots=True)
class Seen:
    """An account, and its health now and before."""

    account: Account
    band: Band
    score: int | None
    score_before: int | None


@dataclass(frozen=True, slots=True)
class Material:
    """What there may be to do. `pooled` says who of a pool has an alert; `runs` are those that go on, with tasks."""

    alerts: Sequence[Alert] = ()
    pooled: Mapping[str, str] = field(default_factory=dict)
    runs: Sequence[Run] = ()
    touches: Mapping[str, Touches] = field(default_factory=dict)
    cases: Sequence[Case] = ()
    seen: Mapping[str, Seen] = field(default_factory=dict)


class WorklistReading(Protocol):
    """Reads what worklists are made of, in a few queries."""

    async def material(self, whose: Whose | None, now: datetime, *, cadence_days: int | None) -> Material:
        """What there may be to do for people, or (None) for everybody."""


class Worklist:
    """Makes worklists."""

    def __init__(
        self,
        open_work: OpenWork,
        reading: WorklistReading,
        rules: RulesInForce,
        playbooks: PlaybooksInForce,
        directory: DirectoryInForce,
        weights: Weights,
        words: Mapping[Language, Vocabulary],
        clock: Clock,
    ) -> None:
        self._open = open_work
        self._reading = reading
        self._rules = rules
        self._playbooks = playbooks
        self._directory = directory
        self._weights = weights
        self.words = words
        self._clock = clock

    async def __call__(self, owner: str | None, language: Language = Language.EN) -> Sequence[Row]:
        """What a person has to do, or (None) what there is to do at all, the most urgent and valuable first."""
        now, words = self._clock.now(), self.words[language]
        async with self._open() as work:
            directory, rulebook = await self._directory(work), await self._rules(work)
        cadence = _cadence(rulebook)
        material = await self._reading.material(_whose(owner, directory, now), now, cadence_days=cadence)
        return await asyncio.to_thread(self._rows, material, owner, directory, rulebook, words, now)

    def _rows(
        self,
        material: Material,
        owner: str | None,
        directory: Directory,
        rulebook: Rulebook,
        words: Vocabulary,
        now: datetime,
    ) -> Sequence[Row]:
        """The rows, worked out beside the loop: for everybody there can be many thousands."""
        cadence, owners = _cadence(rulebook), _Owners(material.seen, directory, now)
        material = replace(material, alerts=[each for each in material.alerts if _is_work(each, material.seen)])
        items = [
            *_alerts(material, rulebook, owners, words),
            *self._tasks(material, owners, words.language),
            *_promises(material, rulebook, owners, words, cadence, now),
            *_cases(material, owners, words),
        ]
        worst = _worst(material.alerts)
        wanted = [item for item in items if owner in {None, item.assignee}]
        stand = {
            account_id: standing(_situation(material.seen[account_id], worst, now), self._weights)
            for account_id in {item.account_id for item in wanted}
        }
        return in_order([row(item, stand[item.account_id]) for item in wanted])

    def _tasks(self, material: Material, owners: "_Owners", language: Language) -> Sequence[Item]:
        frozen: dict[tuple[str, int], Playbook | None] = {}
        found = []
        for run in material.runs:
            if run.account_id not in material.seen:
                continue
            key = (run.playbook, run.version)
            if key not in frozen:
                frozen[key] = self._playbooks.readable(run.playbook, run.version, run.document)
            playbook = frozen[key]
            if playbook is None:
                continue
            for task in run.tasks:
                step = playbook.step(task.step)
                found.append(
                    Item(
                        kind=Kind.TASK,
                        id=task.id,
                        account_id=run.account_id,
                        title=f"{step.title.in_(language)} ({playbook.name.in_(language)})",
                        due_on=task.due_on,
                        assignee=owners.of(step.role, run.account_id),
                    )
                )
        return found


class DailyAgenda:
    """What digests tell of somebody's worklist: its first lines, and the tasks that are due."""

    def __init__(self, worklist: Worklist) -> None:
        self._worklist = worklist

    async def of(self, _: Work, person: Person, today: date, language: Language, most: int) -> Sequence[AgendaItem]:
        """The most urgent lines, in the reader's language; the work is read beside the transaction."""
        rows = await self._worklist(person.id, language)
        first = [each for each in rows if each.item.kind is not Kind.TASK][:most]
        tasks = [each for each in rows if each.item.kind is Kind.TASK and (each.item.due_on or today) <= today]
        return [
            AgendaItem(self._line(each, language), is_task, each.account.id)
            for found, is_task in ((first, False), (tasks[:most], True))
            for each in found
        ]

    def _line(self, found: Row, language: Language) -> str:
        name, title = found.account.label, found.item.title
        return title if name in title else self._worklist.words[language].label("titled", account=name, rule=title)


def _alerts(material: Material, rulebook: Rulebook, owners: "_Owners", words: Vocabulary) -> Sequence[Item]:
    return [
        Item(
            kind=Kind.ALERT,
            id=alert.id,
            account_id=alert.account_id,
            title=words.title(alert, material.seen[alert.account_id].account, rulebook.named(alert.rule)),
            severity=alert.severity,
            is_taken=alert.acknowledged_at is not None,
            assignee=owners.instead_of(alert.assignee or material.pooled.get(alert.id), alert.account_id),
        )
        for alert in material.alerts
    ]


def _is_work(alert: Alert, seen: Mapping[str, Seen]) -> bool:
    """Whether an alert is something to do: risks of accounts whose churn is accepted are not."""
    account = seen.get(alert.account_id)
    return account is not None and not account.account.leaves_unsaid(alert.category)


def _whose(owner: str | None, directory: Directory, now: datetime) -> Whose | None:
    """A person, and whoever is away now and has them stand in."""
    if owner is None:
        return None
    away = {
        one.id
        for one in directory.people.values()
        if one.leave_at(now) and standing_in(Via(one.id, Why.PERSON), directory.people, now).person_id == owner
    }
    people = frozenset({owner, *away})
    return Whose(people, frozenset(one.id for one in directory.people.values() if one.manager in people))


class _Owners:
    """Whose things are at one instant; each account and role is asked about once."""

    def __init__(self, seen: Mapping[str, Seen], directory: Directory, now: datetime) -> None:
        self._seen = seen
        self._directory = directory
        self._now = now
        self._of: dict[tuple[str, str], str | None] = {}

    def of(self, role: str, account_id: str) -> str | None:
        """Who has a role at an account, or stands in."""
        key = (role, account_id)
        if key not in self._of:
            self._of[key] = assignee(role, self._seen[account_id].account, self._directory, self._now)
        return self._of[key]

    def instead_of(self, person: str | None, account_id: str) -> str | None:
        """Somebody, or whoever stands in for them; without anybody named, whoever has the account."""
        if person is None:
            return self.of(CSM, account_id)
        return standing_in(Via(person, Why.PERSON), self._directory.people, self._now).person_id


def _promises(
    material: Material,
    rulebook: Rulebook,
    owners: _Owners,
    words: Vocabulary,
    cadence: int | None,
    now: datetime,
) -> Sequence[Item]:
    """Next steps promised and touches owed, soon or overdue; where an alert says so already, that is enough."""
    told = {(alert.account_id, _kind(rulebook, alert)) for alert in material.alerts}
    found = []
    for account_id, touches in material.touches.items():
        seen = material.seen.get(account_id)
        if seen is None or seen.account.is_leaving:
            continue
        zone = zone_of(seen.account)
        soon = day_of(now, zone) + timedelta(days=SOON)
        whoever = owners.of(CSM, account_id)
        promised = touches.next_due_on
        if promised is not None and promised <= soon and (account_id, RuleKind.NEXT_STEP_OVERDUE) not in told:
            title = words.label("work_next_step")
            found.append(Item(Kind.NEXT_STEP, account_id, account_id, title, promised, assignee=whoever))
        every = seen.account.touch_every_days or cadence
        if every is None or touches.touched_at is None or (account_id, RuleKind.TOUCH_OVERDUE) in told:
            continue
        last = day_of(touches.touched_at, zone)
        owed = last + timedelta(days=every)
        if owed <= soon:
            title = words.label("work_touch_owed", every=every, last=words.day(last))
            found.append(Item(Kind.TOUCH_OWED, account_id, account_id, title, owed, assignee=whoever))
    return found


def _cases(material: Material, owners: _Owners, words: Vocabulary) -> Sequence[Item]:
    return [
        Item(
            kind=Kind.CASE,
            id=case.id,
            account_id=case.account_id,
            title=words.label("work_case", reason=_reason(case, words)),
            state=case.state,
            assignee=owners.instead_of(case.owner, case.account_id),
        )
        for case in material.cases
        if case.account_id in material.seen
    ]


def _reason(case: Case, words: Vocabulary) -> str:
    return words.terms.get(case.reason.value, case.reason.value.replace("-", " "))


def _situation(seen: Seen, worst: Mapping[str, Severity], now: datetime) -> Situation:
    account = seen.account
    today = day_of(now, zone_of(account))
    return Situation(account, today, seen.band, seen.score, seen.score_before, worst.get(account.id))


def _worst(alerts: Sequence[Alert]) -> Mapping[str, Severity]:
    worst: dict[str, Severity] = {}
    for alert in alerts:
        before = worst.get(alert.account_id)
        if before is None or alert.severity.rank > before.rank:
            worst[alert.account_id] = alert.severity
    return worst


def _kind(rulebook: Rulebook, alert: Alert) -> RuleKind | None:
    rule = rulebook.named(alert.rule)
    return rule.kind if rule else None


def _cadence(rulebook: Rulebook) -> int | None:
    """Every how many days an account is to be touched whose service policy says nothing: as the rules say."""
    found = [rule.when.get("days") for rule in rulebook.in_force if rule.kind is RuleKind.TOUCH_OVERDUE]
    return min((days for days in found if days is not None), default=None)
