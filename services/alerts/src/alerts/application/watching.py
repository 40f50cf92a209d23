"""What alerts hears: facts about health and renewals make alerts, account records keep the projection current."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import structlog

from alerts.application.events import said_of
from alerts.application.playing import NewRecord, Playing
from alerts.application.ports import History, OpenWork, Subject, Work
from alerts.application.rules import RulesInForce
from alerts.application.telling import Telling
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Change, follow, retire, withdraw
from alerts.domain.conditions.dates import last_touch
from alerts.domain.conditions.variables import concerns
from alerts.domain.episodes import ACCOUNT, Episode, Look, look, look_at_account
from alerts.domain.horizon import SPARED, Horizon, comes_for_ever, spared
from alerts.domain.kinds import DATED, SPECS, Kind
from alerts.domain.muting import Mute
from alerts.domain.observations import CONTACT, MEASURES, TOUCHES, MeasuresRead, Observation, Stated
from alerts.domain.rules import Rule, Rulebook
from mainstay.kernel.clock import Clock
from mainstay.messaging.consuming import Batch
from mainstay.service.subjects import USER

T_co = TypeVar("T_co", covariant=True)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Heard(Generic[T_co]):
    """What an event of the log says, with the event's identity and trace."""

    source: str
    event_id: str
    what: T_co
    traceparent: str | None = None
    at: datetime | None = None
    """When it became true, where that matters beside what it says."""


class KeepAccounts:
    """Keep the projection of accounts: the newest record of each counts, by its sequence."""

    def __init__(
        self, open_work: OpenWork, rules: RulesInForce, telling: Telling, playing: Playing, clock: Clock
    ) -> None:
        self._open = open_work
        self._rules = rules
        self._telling = telling
        self._playing = playing
        self._clock = clock

    async def __call__(self, batch: Batch[Heard[Account]]) -> None:
        """Store what is newer than what is known; what conditions go by is looked at again where it changed."""
        async with self._open(batch) as work:
            newest: dict[str, Account] = {}
            said_at: dict[str, datetime] = {}
            for heard in batch.messages:
                account = heard.what
                if account.id not in newest or account.sequence > newest[account.id].sequence:
                    newest[account.id] = account
                    said_at[account.id] = heard.at or self._clock.now()
            kept = await work.accounts.lock(newest)
            await work.accounts.keep([newest[account_id] for account_id in kept])
            changed = [
                account_id
                for account_id, before in kept.items()
                if newest[account_id].sequence > before.sequence and _changes_conditions(before, newest[account_id])
            ]
            if changed:
                subjects = [*BY_THE_RECORD, *([ACCOUNT] if (await self._rules(work)).on_variables else [])]
                await work.looks.arm_all(self._clock.now(), subjects, accounts=changed)
                await work.deliveries.wake(Mute.INHIBITION, self._clock.now(), account_ids=changed)
            named = {one: newest[one] for one, before in kept.items() if _names_somebody(before, newest[one])}
            if named:
                await self._telling.tell_now_known(work, await work.alerts.going_on(named), named)
            await self._playing.on_records(
                work,
                [
                    NewRecord(before, newest[one], said_at[one])
                    for one, before in kept.items()
                    if newest[one].sequence > before.sequence
                ],
            )


LOOKED_AT_ONCE = 50
"""Subjects; with 200 rules about each, their look takes some 0.3 s between two statements."""

BY_THE_RECORD = tuple(sorted({one for kind in (*DATED, Kind.RESPONSE_MISSED) for one in SPECS[kind].watches}))
"""The subjects of conditions that go by the account's zone, stage or service."""


def _changes_conditions(before: Account, after: Account) -> bool:
    return replace(before, sequence=0, name=None, team=()) != replace(after, sequence=0, name=None, team=())


def _names_somebody(before: Account, after: Account) -> bool:
    """Whether this is the first record, or the first with an owner: contracts may be known before the owner is."""
    return after.is_known and (not before.is_known or (before.owner is None and after.owner is not None))


class Watch:
    """Open and resolve alerts as facts arrive and time goes by, each fact once, and tell people what is news."""

    def __init__(
        self,
        open_work: OpenWork,
        rules: RulesInForce,
        telling: Telling,
        playing: Playing,
        clock: Clock,
        *,
        quiet_after: timedelta,
    ) -> None:
        self._open = open_work
        self._rules = rules
        self._telling = telling
        self._playing = playing
        self._clock = clock
        self._quiet_after = quiet_after
        self._metrics: set[str] = set()

    async def __call__(self, batch: Batch[Heard[Observation]]) -> None:
        """Take in a batch of facts."""
        async with self._open(batch) as work:
            new = await work.first_times([(heard.source, heard.event_id) for heard in batch.messages])
            heard = [heard for heard in batch.messages if (heard.source, heard.event_id) in new]
            if not heard:
                return
            accounts = await work.accounts.lock({one.what.account_id for one in heard})
            observations = [one.what for one in heard if one.what.account_id in accounts]  # none of an erased one
            observations = await _without_the_erased(work, observations)
            if not observations:
                return
            await work.alerts.observe(observations)
            await self._remember_metrics(work, observations)
            rulebook = await self._rules(work)
            # measures are told of every account, and few rules go by them
            unwatched = frozenset() if rulebook.watching(MEASURES) else {MEASURES}
            subjects: set[Subject] = {
                (seen.account_id, seen.subject) for seen in observations if seen.subject not in unwatched
            }
            subjects |= {
                (seen.account_id, ACCOUNT)
                for seen in observations
                if any(concerns(rule.variables, seen.subject) for rule in rulebook.on_variables)
            }
            traces = {(one.what.account_id, one.what.subject): one.traceparent for one in heard}
            await self._look(work, rulebook, subjects, accounts, traces)
            await self._playing.on_facts(work, observations, accounts)

    async def look_again(self, work: Work, subjects: Collection[Subject]) -> None:
        """Look at subjects of which nothing new was heard, in a transaction that is open."""
        accounts = await work.accounts.lock({account_id for account_id, _ in subjects})
        here = {subject for subject in subjects if subject[0] in accounts}
        await self._look(work, await self._rules(work), here, accounts, {})

    async def _look(
        self,
        work: Work,
        rulebook: Rulebook,
        subjects: Collection[Subject],
        accounts: Mapping[str, Account],
        traces: Mapping[Subject, str | None],
    ) -> None:
        """Some subjects after the other: between two statements the database waits for a few seconds at most."""
        ordered = sorted(subjects)
        for start in range(0, len(ordered), LOOKED_AT_ONCE):
            await self._look_at(work, rulebook, ordered[start : start + LOOKED_AT_ONCE], accounts, traces)

    async def _look_at(
        self,
        work: Work,
        rulebook: Rulebook,
        subjects: Sequence[Subject],
        accounts: Mapping[str, Account],
        traces: Mapping[Subject, str | None],
    ) -> None:
        now = self._clock.now()
        rules = rulebook.fingerprint
        histories = await work.alerts.histories([subject for subject in subjects if subject[1] != ACCOUNT], rules)
        wholes = await work.alerts.whole_histories([account_id for account_id, name in subjects if name == ACCOUNT])
        looks: dict[Subject, Look] = {}
        horizons: dict[Subject, Horizon] = {}
        for subject in subjects:
            account = accounts[subject[0]]
            if subject[1] == ACCOUNT:
                history = History(wholes.get(account.id, ()))
                found = look_at_account(rulebook, history.facts, account, now)
            else:
                history = histories.get(subject, History())
                found = look(rulebook, history.facts, account, now, settled=history.settled)
            looks[subject] = found
            is_endless = subject[1] == ACCOUNT or comes_for_ever(subject[1])
            if found.horizon is not None and is_endless and spared(history.facts, found.horizon) >= SPARED:
                horizons[subject] = found.horizon
        await work.alerts.keep_horizons(horizons, rules)
        ids = [episode.alert_id for found in looks.values() for episode in found.episodes]
        stored = await work.alerts.about(subjects, ids)
        changes: list[Change] = []
        for subject, found in looks.items():
            changes += self._reconcile(rulebook, found.episodes, stored.get(subject, {}), now)
        again = {subject: found.again_at for subject, found in looks.items() if found.again_at is not None}
        await work.looks.arm(again)
        await work.alerts.save(changes)
        await self._telling.tell(work, changes, accounts)
        await self._playing.on_alerts(work, changes, accounts)
        await work.runs.keep_touches(
            {one[0]: last_touch(seen.facts) for one, seen in histories.items() if one[1] == TOUCHES}
        )
        self._say(work, rulebook, changes, accounts, traces)

    def _reconcile(
        self, rulebook: Rulebook, found: Sequence[Episode], stored: Mapping[str, Alert], now: datetime
    ) -> Iterable[Change]:
        for episode in found:
            before = stored.get(episode.alert_id)
            change = follow(episode, before, now=now, quiet_after=self._quiet_after)
            if change.alert != before:
                yield change
        for alert_id in stored.keys() - {episode.alert_id for episode in found}:
            change = _taken_back(stored[alert_id], rulebook.named(stored[alert_id].rule), now)
            if change.transitions:
                _log.warning("alert withdrawn", alert=alert_id, account=change.alert.account_id)
                yield change

    async def _remember_metrics(self, work: Work, observations: Iterable[Observation]) -> None:
        """Rules may name the metrics that were heard of."""
        heard = {name for seen in observations if isinstance(seen.fact, MeasuresRead) for name in seen.fact.values}
        if heard - self._metrics:
            await work.rules.remember_metrics(heard - self._metrics)
            self._metrics |= heard  # a rollback after this costs a suggestion at most

    def _say(
        self,
        work: Work,
        rulebook: Rulebook,
        changes: Iterable[Change],
        accounts: Mapping[str, Account],
        traces: Mapping[Subject, str | None],
    ) -> None:
        now = self._clock.now()
        for change in changes:
            alert = change.alert
            trace = traces.get((alert.account_id, alert.subject))
            work.publish(*said_of(change, accounts[alert.account_id], rulebook, now, trace))
            for step in change.transitions:
                if step.quiet:
                    continue  # filling in history opens and resolves thousands that nobody is told of
                _log.info(
                    "alert moved",
                    step=step.step,
                    alert=alert.id,
                    account=alert.account_id,
                    rule=alert.rule,
                    severity=alert.severity,
                    occurred_at=step.occurred_at.isoformat(),
                )


def _taken_back(alert: Alert, rule: Rule | None, now: datetime) -> Change:
    if rule is None or not rule.enabled:
        return retire(alert, is_off=True, now=now)
    if rule.version != alert.rule_version:
        return retire(alert, is_off=False, now=now)
    return withdraw(alert, now=now)


async def _without_the_erased(work: Work, observations: Sequence[Observation]) -> list[Observation]:
    people = {seen.fact.id for seen in observations if isinstance(seen.fact, Stated) and seen.fact.thing == CONTACT}
    erased = await work.erased.among(USER, people)
    return [seen for seen in observations if seen.subject not in {f"{CONTACT}:{person}" for person in erased}]
