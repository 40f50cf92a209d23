"""Reassignments: what giving accounts away would make, and doing it, as a job that survives a restart."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time

import structlog

from alerts.application.directory import DirectoryInForce, DirectoryRefused
from alerts.application.events import record_of
from alerts.application.playbooks import PlaybooksInForce
from alerts.application.ports import OpenWork, Work
from alerts.application.reading import After
from alerts.domain.accounts import Account
from alerts.domain.people import OWNERS, Directory, DirectoryFault
from alerts.domain.reassignments import MOST_MOVES, Book, Move, Reassignment, book_of, spread
from alerts.domain.routing import Match
from alerts.domain.runs import TaskState
from mainstay.contracts.alerts import AccountReassigned
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

AT_ONCE = 200
"""Accounts of one transaction."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which accounts are given away, to whom, and from which day on. Of the first four one is set."""

    to: tuple[str, ...]
    effective_on: date | None
    owner: str | None = None
    team: str | None = None
    accounts: frozenset[str] | None = None
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of everybody concerned: (before, after) by person, and who gets what."""

    moves: Sequence[Move]
    books: Mapping[str, tuple[Book, Book]]
    effective_on: date


class Reassign:
    """Previews and begins reassignments, and goes on with them."""

    def __init__(
        self, open_work: OpenWork, directory: DirectoryInForce, playbooks: PlaybooksInForce, clock: Clock
    ) -> None:
        self._open = open_work
        self._directory = directory
        self._playbooks = playbooks
        self._clock = clock

    async def preview(self, wanted: Wanted) -> Preview:
        """What it would make; nothing is stored. Raises `DirectoryRefused` for what cannot be."""
        async with self._open() as work:
            return await self._worked_out(work, wanted)

    async def begin(self, wanted: Wanted, *, reason: str, by: str) -> Reassignment:
        """Give accounts away, on the day that was said. Raises `DirectoryRefused` for what cannot be."""
        now = self._clock.now()
        async with self._open() as work:
            worked_out = await self._worked_out(work, wanted)
            reassignment = Reassignment(new_id(now), tuple(worked_out.moves), worked_out.effective_on, reason, now, by)
            await work.reassignments.begin(reassignment, max(now, _midnight(worked_out.effective_on)))
        return reassignment

    async def go_on(self, work: Work, reassignment_id: str) -> bool:
        """The next part of it, in a transaction that is open; whether there is more."""
        reassignment = await work.reassignments.lock(reassignment_id)
        now = self._clock.now()
        part = reassignment.moves[reassignment.moved : reassignment.moved + AT_ONCE]
        # the erased are left out: nothing is said of them any more
        there = await work.accounts.lock({move.account_id for move in part if move.account_id})
        for move in part:
            if move.account_id in there:
                given = AccountReassigned(
                    account_id=move.account_id,
                    occurred_at=now,
                    owner=move.to,
                    effective_on=reassignment.effective_on,
                    reassignment_id=reassignment.id,
                    by=reassignment.created_by,
                    reason=reassignment.reason,
                    previous_owner=there[move.account_id].owner,
                )
                work.publish(record_of(given, now))
        moved = reassignment.moved + len(part)
        is_done = moved >= len(reassignment.moves)
        await work.reassignments.save(replace(reassignment, moved=moved, finished_at=now if is_done else None))
        if is_done:
            _log.info("accounts reassigned", reassignment=reassignment.id, accounts=moved, by=reassignment.created_by)
        return not is_done

    async def one(self, reassignment_id: str) -> Reassignment:
        """One reassignment. Raises `ReassignmentUnknown`."""
        async with self._open() as work:
            return await work.reassignments.lock(reassignment_id)

    async def page(self, after: After | None, limit: int) -> Sequence[Reassignment]:
        """Reassignments, the newest first."""
        async with self._open() as work:
            return await work.reassignments.page(after, limit)

    async def _worked_out(self, work: Work, wanted: Wanted) -> Preview:
        now = self._clock.now()
        directory = await self._directory(work)
        faults = list(_faults(wanted, directory, now))
        accounts = [] if faults else await self._accounts(work, wanted, directory)
        if not faults and not accounts:
            faults.append(DirectoryFault("/from", "no account is meant"))
        if len(accounts) > MOST_MOVES:
            faults.append(DirectoryFault("/from", f"{len(accounts)} accounts; give away at most {MOST_MOVES} at once"))
        if faults:
            raise DirectoryRefused(faults)
        concerned = sorted({*wanted.to, *(account.owner for account in accounts if account.owner)})
        before = {account.id: account for account in await work.digests.accounts_of(concerned)}
        before |= {account.id: account for account in accounts}
        have = {
            person: book_of((each for each in before.values() if each.owner == person), {}, {}).points
            for person in wanted.to
        }
        moves = spread(accounts, wanted.to, have)
        given = {move.account_id: move.to for move in moves}
        after = [replace(account, owner=given.get(account.id, account.owner)) for account in before.values()]
        alerts = await work.reassignments.open_alerts(list(before))
        tasks = await self._open_tasks(work, list(before))
        books = {
            person: (
                book_of((each for each in before.values() if each.owner == person), alerts, tasks),
                book_of((each for each in after if each.owner == person), alerts, tasks),
            )
            for person in concerned
        }
        return Preview(moves, books, wanted.effective_on or now.date())

    async def _open_tasks(self, work: Work, account_ids: Collection[str]) -> Mapping[str, int]:
        """How many tasks of each account are its owner's: those of other roles stay with whoever has the role."""
        found: Counter[str] = Counter()
        for run in await work.runs.open_of(account_ids):
            playbook = self._playbooks.readable(run.playbook, run.version, run.document)
            if playbook is not None:
                found[run.account_id] += sum(
                    task.state is TaskState.OPEN and playbook.step(task.step).role in OWNERS for task in run.tasks
                )
        return found

    async def _accounts(self, work: Work, wanted: Wanted, directory: Directory) -> Sequence[Account]:
        if wanted.owner is not None:
            return await work.digests.accounts_of([wanted.owner])
        if wanted.team is not None:
            return await work.digests.accounts_of(directory.teams[wanted.team].members)
        if wanted.accounts is not None:
            known = await work.accounts.known(wanted.accounts)
            missing = sorted(wanted.accounts - set(known))
            if missing:
                raise DirectoryRefused([DirectoryFault("/from/accounts", f"unknown: {', '.join(missing[:20])}")])
            return [known[account_id] for account_id in sorted(known)]
        return await work.reassignments.matching(wanted.match or Match(), MOST_MOVES + 1)


def _faults(wanted: Wanted, directory: Directory, now: datetime) -> Sequence[DirectoryFault]:
    faults = [
        DirectoryFault(f"/to/{number}", f"nobody is known as {person!r}; PUT /v1/people/{person} first")
        for number, person in enumerate(wanted.to)
        if person not in directory.people
    ]
    if wanted.team is not None and wanted.team not in directory.teams:
        faults.append(DirectoryFault("/from/team", f"there is no team {wanted.team!r}"))
    if wanted.match is not None and wanted.match.is_everything:
        faults.append(DirectoryFault("/from/match", "say which accounts: this would give all of them away"))
    if wanted.effective_on is not None and wanted.effective_on < now.date():
        faults.append(
            DirectoryFault("/effective_on", "the day has passed: who had an account before stays as it is on record")
        )
    return faults


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
