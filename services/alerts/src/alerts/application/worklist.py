"""The worklist of a person, or of everybody: what there is to do, in the order in which it matters.

Whose a thing is, is worked out as of now: what somebody on leave would have stands in the list of whoever stands in.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from heapq import nsmallest

from alerts.application.directory import DirectoryInForce
from alerts.application.playbooks import PlaybooksInForce
from alerts.application.ports import OpenWork, Work
from alerts.application.rules import RulesInForce
from alerts.application.task_telling import assignee
from alerts.application.worklist_ports import Material, Seen, Whose, WorklistReading
from alerts.domain.alerts import Alert
from alerts.domain.cases import Case
from alerts.domain.conditions.things import zone_of
from alerts.domain.digests import AgendaItem
from alerts.domain.kinds import Kind as RuleKind
from alerts.domain.people import CSM, Directory, Person, Via, Why, standing_in
from alerts.domain.playbooks import Playbook
from alerts.domain.rules import Rulebook
from alerts.domain.vocabulary import Vocabulary
from alerts.domain.words import Language, Severity
from alerts.domain.worklist import SOON, Item, Kind, Row, Situation, Weights, in_order, row, standing
from mainstay.kernel.clock import Clock, day_of

RANKED_AT_ONCE = 1_000
ACCOUNTS_AT_FIRST = 50
ACCOUNTS_AT_ONCE = 500
"""Accounts whose rows are worked out together."""


@dataclass(frozen=True, slots=True)
class _Knowing:
    """By what rows are worked out; `owner`: whose, None: everybody's."""

    owner: str | None
    directory: Directory
    rulebook: Rulebook
    words: Vocabulary
    now: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a worklist is asked for: so many rows of kinds and of an account (None: all), those behind a place."""

    most: int
    owner: str | None = None
    kinds: frozenset[Kind] = frozenset(Kind)
    account_id: str | None = None
    behind: tuple[float, str] | None = None

    def __call__(self, rows: Iterable[Row]) -> list[Row]:
        """The first of the rows that are asked for, in order."""
        wanted = (
            each
            for each in rows
            if each.item.kind in self.kinds
            and self.account_id in {None, each.account.id}
            and (self.behind is None or each.place > self.behind)
        )
        return nsmallest(self.most, wanted, key=lambda each: each.place)


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

    async def __call__(self, owner: str, language: Language = Language.EN) -> Sequence[Row]:
        """What a person has to do, the most urgent and valuable first."""
        knowing = await self._knowing(owner, language)
        whose = _whose(owner, knowing.directory, knowing.now)
        material = await self._reading.material(whose, knowing.now, cadence_days=_cadence(knowing.rulebook))
        return await asyncio.to_thread(self._rows, material, knowing)

    async def page(self, asked: Asked) -> Sequence[Row]:
        """The first rows of a person's list, of an account's, or of everybody's."""
        if asked.owner is not None:
            return asked(await self(asked.owner))
        knowing = await self._knowing(None, Language.EN)
        if asked.account_id is not None:
            return asked(await self._rows_of([asked.account_id], knowing))
        return await self._first_of_all(asked, knowing)

    async def _first_of_all(self, asked: Asked, knowing: "_Knowing") -> Sequence[Row]:
        """The first rows of everybody's list: only accounts that can have one of them are worked out.

        Those of the highest bounds first; as soon as there are enough rows, none of lower bounds can come before them.
        """
        found: list[Row] = []
        done: set[str] = set()
        step, most = max(ACCOUNTS_AT_FIRST, asked.most), RANKED_AT_ONCE
        while True:
            ranking = await self._reading.ranked(
                knowing.now, self._weights, asked.kinds, cadence_days=_cadence(knowing.rulebook), most=most
            )
            while True:
                lowest = found[-1].priority if len(found) == asked.most else 0.0
                left = [each for each in ranking.first if each.bound >= lowest and each.account_id not in done][:step]
                if not left:
                    break
                ids = [each.account_id for each in left]
                found = asked([*found, *await self._rows_of(ids, knowing)])
                done.update(ids)
                step = min(2 * step, ACCOUNTS_AT_ONCE)
            if ranking.rest is None or (len(found) == asked.most and ranking.rest < found[-1].priority):
                return found
            most *= 10

    async def _rows_of(self, account_ids: Sequence[str], knowing: "_Knowing") -> Sequence[Row]:
        material = await self._reading.material_of(account_ids, knowing.now, cadence_days=_cadence(knowing.rulebook))
        return await asyncio.to_thread(self._rows, material, knowing)

    async def _knowing(self, owner: str | None, language: Language) -> "_Knowing":
        async with self._open() as work:
            directory, rulebook = await self._directory(work), await self._rules(work)
        return _Knowing(owner, directory, rulebook, self.words[language], self._clock.now())

    def _rows(self, material: Material, knowing: "_Knowing") -> Sequence[Row]:
        """The rows, worked out beside the loop: there can be thousands."""
        owner, directory, rulebook = knowing.owner, knowing.directory, knowing.rulebook
        words, now = knowing.words, knowing.now
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


def _whose(owner: str, directory: Directory, now: datetime) -> Whose:
    """A person, and whoever is away now and has them stand in."""
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
