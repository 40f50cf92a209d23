"""Bringing accounts up to date within a transaction: load, assess, write, say."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from health_score.application.announcing import announce, snapshot
from health_score.application.cards import Cards
from health_score.application.evidence import load_evidence
from health_score.application.life_journal import SYSTEM, entry_of
from health_score.application.measuring import take_measure
from health_score.application.ports import Work
from health_score.domain.account import Account
from health_score.domain.assessment import Assessment, assess
from health_score.domain.bands import Standing
from health_score.domain.evidence import NOW, Evidence
from health_score.domain.history import DAY
from health_score.domain.metrics.catalogue import Needs
from health_score.domain.selection import Bases, Deployment, Selected
from health_score.domain.stages import MilestoneMissed, Move, StageOverdue

CLOSE = "close"
"""The timer of an account's midnight; its key is the account."""

REBUILD = "rebuild"
"""The timer that makes dirty closes again; its key is the account."""

DEBOUNCE = timedelta(seconds=1)
"""How long late events are gathered before their closes are made again."""

DEBOUNCE_OF_HISTORY = timedelta(seconds=3)
"""The same where more than `HISTORY` of closes is dirty: they cost more, and a file is still being sent."""

HISTORY = timedelta(days=60)

LONG = timedelta(days=120)
"""So many closes are made in a thread of their own, so that consumers go on meanwhile."""


class Assessor:
    """Assesses locked accounts and writes the results, by the scorecards in force."""

    def __init__(self, cards: Cards) -> None:
        self._cards = cards

    async def __call__(
        self,
        work: Work,
        accounts: Sequence[Account],
        at: datetime,
        causes: Mapping[str, Sequence[str]] | None = None,
        *,
        listens: bool = True,
        retell: Collection[str] = (),
    ) -> None:
        """Make missing and dirty closes, the current value, and publish what changed.

        `causes` has the ids of the events behind it, by account; those that made closes dirty are known already.
        `retell` names accounts whose record is published whether or not rules changed it.
        Without `listens` nobody asks for silence, which takes half a year of activity of accounts that are quiet today.
        """
        if not accounts:
            return
        deployment = await self._cards.deployment(work, at)
        needs = deployment.needs
        restated = frozenset(account.id for account in accounts if account.dirty_from is not None)
        wanted = {
            account.number: (account, account.days_needed_from(account.today(at), needs.reach, listens=listens))
            for account in accounts
        }
        evidence = await self._evidence(work, wanted, deployment)
        assessed: list[tuple[Account, Assessment]] = []
        behind = {account.id: (*(causes or {}).get(account.id, ()), *account.dirty_by) for account in accounts}
        for account in accounts:
            standing = await self._standing(work, account)
            assessing = partial(assess, account, evidence[account.number], deployment, at, standing, listens=listens)
            first = account.first_open_day()
            if first is not None and account.today(at) - first > LONG:
                assessed.append((account, await work.in_thread(assessing)))
            else:
                assessed.append((account, assessing()))
        await self._keep_lives(work, assessed, at, retell)
        await work.accounts.save_health(assessed, at)
        for account, assessment in assessed:
            work.publish(announce(account, assessment, at, behind[account.id]))
        closed = [account for account, assessment in assessed if assessment.closes]
        await take_measure(work, closed, restated, at, deployment)

    @staticmethod
    async def _evidence(
        work: Work, wanted: Mapping[int, tuple[Account, date]], deployment: Deployment
    ) -> Mapping[int, Evidence]:
        """The evidence; with their whole life of accounts whose stage rules look at it."""
        needs, stages = deployment.needs, deployment.rules.stages.latest
        if needs.of_life:
            return await load_evidence(work, wanted, needs)
        with_life = {
            number: (account, first)
            for number, (account, first) in wanted.items()
            if stages.needs_life({account.derived.stage, account.said("stage")})
        }
        others = {number: each for number, each in wanted.items() if number not in with_life}
        found = dict(await load_evidence(work, others, needs)) if others else {}
        if with_life:
            found |= await load_evidence(work, with_life, needs._replace(of_life=True))
        return found

    @staticmethod
    async def _keep_lives(
        work: Work, assessed: Sequence[tuple[Account, Assessment]], at: datetime, retell: Collection[str]
    ) -> None:
        """Write down what rules did and what is overdue, and publish the records that are others now."""
        entries = [
            entry_of(account.number, said)
            for account, assessment in assessed
            for said in (*assessment.moves, *assessment.changes)
            if isinstance(said, Move | StageOverdue | MilestoneMissed)
        ]
        await work.decisions.add_many(entries, by=SYSTEM, at=at)
        changed = [account for account, assessment in assessed if assessment.record_changed]
        await work.accounts.save_derived(changed)
        told = [account for account, assessment in assessed if assessment.tells_record or account.id in retell]
        for account in told:
            work.publish([snapshot(account, at)])
        await work.accounts.save(told)

    async def selected(self, work: Work, account: Account, at: datetime) -> Selected:
        """The scorecard that an account has now."""
        deployment = await self._cards.deployment(work, at)
        evidence = (await load_evidence(work, {account.number: (account, account.today(at))}, Needs()))[account.number]
        until = at + NOW
        return Bases(account, evidence, deployment).until(until, evidence.facts.until(until)).selected

    @staticmethod
    async def _standing(work: Work, account: Account) -> Standing | None:
        first = account.first_open_day()
        if first is None or account.closed_through is None or first == account.closed_through + DAY:
            return account.standing
        return await work.closes.standing_before(account, first)


async def arm_rebuild(work: Work, accounts: Iterable[Account], at: datetime) -> None:
    """Have dirty accounts rebuilt soon, together with what is still coming for them."""
    due = []
    for account in accounts:
        if account.dirty_from is not None:
            is_history = account.today(at) - account.dirty_from > HISTORY
            due.append((account.id, at + (DEBOUNCE_OF_HISTORY if is_history else DEBOUNCE)))
    if due:
        await work.due.arm_many(REBUILD, due)
