"""Backtests and previews as work that goes on step by step: each step is one transaction, and none is lost.

A study goes through the accounts in the order of their ids, some at a time. Its timer is its lease: whoever has the
row in hand works on it, and when that process dies the next one goes on from the last step.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeVar

import structlog

from health_score.application.ports import Timers, Work
from health_score.domain.account import Account
from health_score.domain.backtest.past import Past
from health_score.domain.metrics.catalogue import Needs
from mainstay.db.errors import is_transient
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

STUDY = "study"
"""The timer of a study; its key is the study."""

BREATH = timedelta(milliseconds=20)
"""Between two steps, so that a process that is told to stop stops after a step."""

_log = structlog.get_logger(__name__)


class StudyUnknown(LookupError):
    """There is no study of that id."""


class Kind(StrEnum):
    """What is studied."""

    BACKTEST = "backtest"
    PREVIEW = "preview"
    RULES = "rules-preview"


class State(StrEnum):
    """Where a study is."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(slots=True)
class Study:
    """A backtest or preview and how far it is.

    `spec` and `result` are JSON; `after` is the last account done in the pass `pass_`, counted from 0.
    """

    id: str
    kind: Kind
    spec: bytes
    created_at: datetime
    created_by: str
    accounts: int
    state: State = State.RUNNING
    pass_: int = 0
    after: str = ""
    accounts_done: int = 0
    parts: int = 0
    digest: bytes = b""
    result: bytes | None = None
    failure: str | None = None
    finished_at: datetime | None = None

    def finish(self, state: State, at: datetime) -> None:
        """Take in that nothing is done on it any more."""
        self.state, self.finished_at = state, at


class Part(NamedTuple):
    """What one step brought, as JSON."""

    number: int
    body: bytes


class ChangePlace(NamedTuple):
    """The place of a change among the parts of a study: the part and where in it."""

    part: int
    place: int


C = TypeVar("C")


class Standings(NamedTuple):
    """An account with its present health, and the day that describes; None: nothing was computed yet."""

    account: Account
    as_of: date | None


class Studies(Protocol):
    """The rows of studies."""

    async def add(self, id_: str, kind: Kind, spec: bytes, digest: bytes, *, by: str, at: datetime) -> Study:
        """Write down a study of all accounts there are."""

    async def get(self, id_: str, kind: Kind) -> Study | None:
        """A study, or None."""

    async def lock(self, id_: str) -> Study | None:
        """A study that is to be changed, or None."""

    async def save(self, study: Study) -> None:
        """Write down how far a study is."""

    async def add_part(self, study: Study, body: bytes) -> None:
        """Keep what a step brought, as the study's next part."""

    async def parts(self, study: Study, pass_: int, first: int = 0, limit: int = 1_000_000) -> Sequence[Part]:
        """The parts of a pass from a number on, in order."""

    async def forget_parts(self, study: Study) -> None:
        """Let go of what the steps brought, and of the accounts that the study was asked about by name."""


class Pasts(Protocol):
    """What is recorded about accounts."""

    async def after(self, account_id: str, limit: int, first: date, last: date, needs: Needs) -> Sequence[Past]:
        """The next accounts by id. Late events are looked for on the days from `first` to `last`."""

    async def standings_after(self, account_id: str, limit: int) -> Sequence[Standings]:
        """The next accounts by id, with their present health."""


class StudyTimers(Timers, Protocol):
    """Durable timers, also those that are disarmed."""

    async def arm(self, kind: str, key: str, at: datetime, payload: Mapping[str, Any] | None = None) -> None:
        """Arm a timer unless it is armed."""

    async def cancel(self, kind: str, key: str) -> None:
        """Disarm a timer. Waits for whoever has it in hand."""


class StudyWork(Work, Protocol):
    """One transaction, as studies need it."""

    @property
    def studies(self) -> Studies:
        """The studies."""

    @property
    def pasts(self) -> Pasts:
        """The pasts."""

    @property
    def due(self) -> StudyTimers:
        """The timers."""


class OpenStudyWork(Protocol):
    """Opens a transaction."""

    def __call__(self) -> AbstractAsyncContextManager[StudyWork]:
        """The transaction."""


class Step(Protocol):
    """One step of a kind of study. A step of no account ends a pass."""

    accounts: int
    """How many accounts a step takes."""

    async def __call__(self, work: StudyWork, study: Study) -> None:
        """Do the next accounts, and say in the study how far it is; finish it after the last."""


class RunStudies:
    """Begins, carries on, cancels and answers studies."""

    def __init__(self, open_work: OpenStudyWork, steps: Mapping[Kind, Step], clock: Clock) -> None:
        self._work = open_work
        self._steps = steps
        self._clock = clock

    async def begin(self, kind: Kind, spec: bytes, digest: bytes, *, by: str) -> Study:
        """Begin a study. A portfolio of one step's size is done at once; a larger one goes on behind."""
        at = self._clock.now()
        async with self._work() as work:
            study = await work.studies.add(new_id(at), kind, spec, digest, by=by, at=at)
            if kind is not Kind.BACKTEST and study.accounts <= self._steps[kind].accounts:
                while study.state is State.RUNNING:
                    await self._steps[kind](work, study)
                await _keep(work, study)
            else:
                await work.due.arm(STUDY, study.id, at)
            return study

    async def get(self, id_: str, kind: Kind) -> Study:
        """A study. Raises `StudyUnknown`."""
        async with self._work() as work:
            study = await work.studies.get(id_, kind)
        if study is None:
            raise StudyUnknown(f"there is no {kind.value} {id_}")
        return study

    async def parts(self, study: Study, first: int, limit: int) -> Sequence[Part]:
        """What the steps of the first pass brought, from a part on."""
        async with self._work() as work:
            return await work.studies.parts(study, 0, first, limit)

    async def places_after(
        self, study: Study, after: ChangePlace, limit: int, changes_in: Callable[[bytes], Sequence[C]]
    ) -> Sequence[tuple[ChangePlace, C]]:
        """Up to `limit` of the changes that the parts hold, behind a place, each with its place."""
        found: list[tuple[ChangePlace, C]] = []
        first = after.part
        while len(found) < limit:
            parts = await self.parts(study, first, 20)
            if not parts:
                break
            for part in parts:
                found += [
                    (ChangePlace(part.number, place), change)
                    for place, change in enumerate(changes_in(part.body))
                    if (part.number, place) > after
                ]
            first = parts[-1].number + 1
        return found[:limit]

    async def cancel(self, id_: str, kind: Kind) -> None:
        """Do no more of a study; one that is over stays as it is. Raises `StudyUnknown`."""
        async with self._work() as work:
            await work.due.cancel(STUDY, id_)  # the timer before the study, as its runner does
            study = await work.studies.lock(id_)
            if study is None or study.kind is not kind:
                raise StudyUnknown(f"there is no {kind.value} {id_}")
            if study.state is State.RUNNING:
                study.finish(State.CANCELLED, self._clock.now())
                await _keep(work, study)

    async def step(self, work: StudyWork, ids: Sequence[str]) -> Mapping[str, datetime]:
        """Do a step of each; answers when those that go on are due."""
        again: dict[str, datetime] = {}
        for id_ in ids:
            study = await work.studies.lock(id_)
            if study is None or study.state is not State.RUNNING:
                continue
            try:
                await self._steps[study.kind](work, study)
            except Exception as error:
                if is_transient(error):
                    raise
                _log.exception("a study failed", study=id_, kind=study.kind.value)
                study.failure = f"{type(error).__name__}: {error}"[:500]
                study.finish(State.FAILED, self._clock.now())
            await _keep(work, study)
            if study.state is State.RUNNING:
                again[id_] = self._clock.now() + BREATH
        return again


async def keep_step(work: StudyWork, study: Study, part: bytes, standings: Sequence[Standings]) -> None:
    """Keep what a step brought for the accounts that it did."""
    await work.studies.add_part(study, part)
    study.parts += 1
    study.after = standings[-1].account.id
    study.accounts_done += len(standings)


def complete(study: Study, result: bytes, at: datetime) -> None:
    """Take in the result; all accounts are done."""
    study.result, study.accounts_done, study.after = result, study.accounts, ""
    study.finish(State.DONE, at)


async def _keep(work: StudyWork, study: Study) -> None:
    """Write down how far a study is. A backtest that is over names no account any more."""
    await work.studies.save(study)
    if study.kind is Kind.BACKTEST and study.state is not State.RUNNING:
        await work.studies.forget_parts(study)
