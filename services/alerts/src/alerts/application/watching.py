"""What alerts hears: facts about health and renewals make alerts, account records keep the projection current."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

import structlog

from alerts.application.events import said_of
from alerts.application.ports import OpenWork, Subject, Work
from alerts.application.telling import Telling
from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert, Change, follow, withdraw
from alerts.domain.episodes import Episode, episodes
from alerts.domain.observations import Observation
from alerts.domain.rules import Rulebook
from mainstay.kernel.clock import Clock
from mainstay.messaging.consuming import Batch

T_co = TypeVar("T_co", covariant=True)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Heard(Generic[T_co]):
    """What an event of the log says, with the event's identity and trace."""

    source: str
    event_id: str
    what: T_co
    traceparent: str | None = None


class KeepAccounts:
    """Keep the projection of accounts: the newest record of each counts, by its sequence."""

    def __init__(self, open_work: OpenWork) -> None:
        self._open = open_work

    async def __call__(self, batch: Batch[Heard[Account]]) -> None:
        """Store what is newer than what is known."""
        async with self._open(batch) as work:
            newest: dict[str, Account] = {}
            for heard in batch.messages:
                account = heard.what
                if account.id not in newest or account.sequence > newest[account.id].sequence:
                    newest[account.id] = account
            kept = await work.accounts.lock(newest)
            await work.accounts.keep([newest[account_id] for account_id in kept])


class Watch:
    """Open and resolve alerts as facts arrive, each fact once, and tell people what is news."""

    def __init__(
        self, open_work: OpenWork, rulebook: Rulebook, telling: Telling, clock: Clock, *, quiet_after: timedelta
    ) -> None:
        self._open = open_work
        self._rulebook = rulebook
        self._telling = telling
        self._clock = clock
        self._quiet_after = quiet_after

    async def __call__(self, batch: Batch[Heard[Observation]]) -> None:
        """Take in a batch of facts."""
        async with self._open(batch) as work:
            new = await work.first_times([(heard.source, heard.event_id) for heard in batch.messages])
            heard = [heard for heard in batch.messages if (heard.source, heard.event_id) in new]
            if not heard:
                return
            accounts = await work.accounts.lock({one.what.account_id for one in heard})
            observations = [one.what for one in heard if one.what.account_id in accounts]  # none of an erased one
            if not observations:
                return
            await work.alerts.observe(observations)
            changes = await self._changes(work, observations)
            await work.alerts.save(changes)
            await self._telling.tell(work, changes, accounts)
            self._say(work, changes, accounts, heard)

    async def _changes(self, work: Work, observations: Iterable[Observation]) -> Sequence[Change]:
        subjects: set[Subject] = {(seen.account_id, seen.subject) for seen in observations}
        histories = await work.alerts.histories(subjects)
        stored = await work.alerts.about(subjects)
        return [
            change
            for subject in sorted(subjects)
            for change in self._reconcile(episodes(self._rulebook, histories[subject]), stored.get(subject, {}))
        ]

    def _reconcile(self, found: Sequence[Episode], stored: Mapping[str, Alert]) -> Iterable[Change]:
        now = self._clock.now()
        for episode in found:
            before = stored.get(episode.alert_id)
            change = follow(episode, before, now=now, quiet_after=self._quiet_after)
            if change.alert != before:
                yield change
        for alert_id in stored.keys() - {episode.alert_id for episode in found}:
            change = withdraw(stored[alert_id], now=now)
            if change.transitions:
                _log.warning("alert withdrawn", alert=alert_id, account=change.alert.account_id)
                yield change

    def _say(
        self,
        work: Work,
        changes: Iterable[Change],
        accounts: Mapping[str, Account],
        heard: Sequence[Heard[Observation]],
    ) -> None:
        traces = {(one.what.account_id, one.what.subject): one.traceparent for one in heard}
        now = self._clock.now()
        for change in changes:
            alert = change.alert
            trace = traces.get((alert.account_id, alert.subject))
            work.publish(*said_of(change, accounts[alert.account_id], self._rulebook, now, trace))
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
