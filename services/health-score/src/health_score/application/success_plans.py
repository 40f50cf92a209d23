"""The success plan: what the customer wants to reach, in their words, and how far it is by Mainstay's own figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from health_score.application.announcing import SOURCE
from health_score.application.assessing import Assessor, arm_rebuild
from health_score.application.metric_queries import MetricQueries
from health_score.application.ports import OpenWork
from health_score.domain.account import Account, AccountUnknown
from health_score.domain.facts.known import NOW, Facts, Thing
from health_score.domain.metrics.catalogue import Catalogue
from health_score.domain.metrics.success import state_of
from health_score.domain.success_plan import standing
from mainstay.contracts.envelope import Event
from mainstay.contracts.facts import ObjectiveFact
from mainstay.kernel.clock import Clock
from mainstay.kernel.ids import new_id

OBJECTIVE = "objective"
MICROSECOND = timedelta(microseconds=1)

FIELDS = ("words", "state", "metric", "baseline", "target", "achieved", "due_on", "achieved_on", "confirmed_by")
"""What an objective states."""


class PlanMovedOn(ValueError):
    """The plan has another version than the one that was to be replaced."""

    def __init__(self, latest: int) -> None:
        super().__init__(f"the plan's version is {latest}")


@dataclass(frozen=True, slots=True)
class PlanFault:
    """One thing wrong with a plan: the place, and what."""

    path: tuple[str | int, ...]
    detail: str


class PlanInvalid(ValueError):
    """A plan that cannot be kept, with everything that is wrong with it."""

    def __init__(self, faults: Sequence[PlanFault]) -> None:
        super().__init__("; ".join(fault.detail for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class ObjectiveView:
    """An objective. `value` is the metric's now (what was stated as achieved, where there is no metric of Mainstay's).

    `progress` is the way from the baseline to the target, 0–1; `reached`: the target is; null: not known.
    """

    objective_id: str
    words: str | None
    state: str
    metric: str | None
    baseline: float | None
    target: float | None
    achieved: float | None
    due_on: date | None
    achieved_on: date | None
    confirmed_by: str | None
    value: float | None
    progress: float | None
    reached: bool | None
    overdue: bool
    stated_at: datetime
    stated_by: str | None


@dataclass(frozen=True, slots=True)
class PlanView:
    """A success plan as of today. `state`: active, draft, or none; `version` counts what was ever said of objectives.

    Dropped objectives are not shown.
    """

    account_id: str
    version: int
    state: str
    objectives: tuple[ObjectiveView, ...]


Objective = Mapping[str, Any]
"""An objective to be kept: `objective_id` and the fields stated."""


class SuccessPlans:
    """Answers an account's success plan, and keeps another.

    A plan is kept as facts of kind `objective`, like those that other systems state, so metrics, closes, the timeline
    and erasure know it without a word: see docs/adr/0013.
    """

    def __init__(self, open_work: OpenWork, assessor: Assessor, metrics: MetricQueries, clock: Clock) -> None:
        self._work = open_work
        self._assess = assessor
        self._metrics = metrics
        self._clock = clock

    async def of_account(self, account_id: str) -> PlanView:
        """The plan as of today. Raises `AccountUnknown`."""
        now = self._clock.now()
        async with self._work() as work:
            account = await work.accounts.read(account_id)
            if account is None:
                raise AccountUnknown(account_id)
            facts = (await work.facts.of([account.number]))[account.number]
        values: Mapping[str, Any] = {}
        things = _things(facts, account, now)
        if any(thing.said("metric") for thing in things):
            values = (await self._metrics.of_account(account_id, None)).metrics
        return _view(account, facts, things, values, account.today(now))

    async def replace(
        self, account_id: str, objectives: Sequence[Objective], *, replaces: int | None, catalogue: Catalogue, by: str
    ) -> PlanView:
        """Keep these objectives in the place of the plan; those that are not among them are dropped.

        What is the same stays as it was stated. Raises `AccountUnknown`, `PlanInvalid`, and `PlanMovedOn` where the
        plan's version is not `replaces` (None: any).
        """
        now = self._clock.now()
        async with self._work() as work:
            account = (await work.accounts.lock([account_id])).get(account_id)
            if account is None:
                raise AccountUnknown(account_id)
            facts = (await work.facts.of([account.number]))[account.number].in_zone(account.zone)
            version = _version(facts)
            if replaces is not None and replaces != version:
                raise PlanMovedOn(version)
            _check(objectives, catalogue)
            events = [Event(new_id(now), SOURCE, now, data) for data in _stated(account, facts, objectives, now, by)]
            if events:
                await work.facts.add(events, {account.id: account}, now)
                causes = {account.id: [event.id for event in events]}
                if account.dirty_from is None:
                    await self._assess(work, [account], now, causes)
                await work.accounts.save([account])
                await arm_rebuild(work, [account], now)
        return await self.of_account(account_id)


def _check(objectives: Sequence[Objective], catalogue: Catalogue) -> None:
    faults = []
    seen: set[str] = set()
    for place, objective in enumerate(objectives):
        metric, id_ = objective.get("metric"), objective.get("objective_id")
        if metric is not None and not catalogue.knows(metric):
            near = catalogue.like(metric)
            detail = f"no metric is named {metric!r}" + (f"; near it are {', '.join(near)}" if near else "")
            faults.append(PlanFault(("objectives", place, "metric"), detail))
        if metric is not None and objective.get("target") is None:
            faults.append(PlanFault(("objectives", place, "target"), "a metric needs a target"))
        if id_ is not None and id_ in seen:
            faults.append(PlanFault(("objectives", place, "objective_id"), f"{id_} stands there twice"))
        seen.update(filter(None, [id_]))
    if faults:
        raise PlanInvalid(faults)


def _things(facts: Facts, account: Account, now: datetime) -> list[Thing]:
    known = facts.in_zone(account.zone).as_of(account.today(now), now)
    return [thing for thing in known.of(OBJECTIVE) if state_of(thing) != "dropped"]


def _stated(
    account: Account, facts: Facts, objectives: Sequence[Objective], now: datetime, by: str
) -> list[ObjectiveFact]:
    """A fact for each objective that is new, another, or dropped."""
    standing = {thing.id: thing for thing in _things(facts, account, now)}
    # Behind whatever was stated of objectives so far, also by senders whose clocks run ahead.
    said = [each.at for each in facts.statements if each.kind == OBJECTIVE and each.at < now + NOW]
    at = max([now, *(instant + MICROSECOND for instant in said)])
    found: list[ObjectiveFact] = []
    kept = set()
    for objective in objectives:
        id_ = objective.get("objective_id") or new_id(now)
        kept.add(id_)
        wanted: dict[str, Any] = {name: objective.get(name) for name in FIELDS}
        wanted["state"] = wanted["state"] or ("achieved" if wanted["achieved_on"] else "active")
        thing = standing.get(id_)
        if thing is None or any(thing.said(name) != value for name, value in wanted.items()):
            # Each a little later than the one before it: things are told in the order in which they were first stated.
            then = at + len(found) * MICROSECOND
            found.append(ObjectiveFact(account_id=account.id, objective_id=id_, occurred_at=then, by=by, **wanted))
    gone = sorted(standing.keys() - kept)
    return [
        *found,
        *(
            ObjectiveFact(account_id=account.id, objective_id=id_, occurred_at=at, state="dropped", by=by)
            for id_ in gone
        ),
    ]


def _version(facts: Facts) -> int:
    return sum(statement.kind == OBJECTIVE for statement in facts.statements)


def _view(account: Account, facts: Facts, things: Sequence[Thing], values: Mapping[str, Any], today: date) -> PlanView:
    states = {state_of(thing) for thing in things}
    return PlanView(
        account.id,
        _version(facts),
        next((state for state in ("active", "draft") if state in states), "none"),
        tuple(_objective(thing, values, today) for thing in things),
    )


def _objective(thing: Thing, values: Mapping[str, Any], today: date) -> ObjectiveView:
    stands = standing(thing, values)
    due, state = thing.said("due_on"), state_of(thing)
    return ObjectiveView(
        objective_id=thing.id,
        words=thing.said("words"),
        state=state,
        metric=thing.said("metric"),
        baseline=thing.said("baseline"),
        target=thing.said("target"),
        achieved=thing.said("achieved"),
        due_on=due,
        achieved_on=thing.said("achieved_on"),
        confirmed_by=thing.said("confirmed_by"),
        value=stands.value,
        progress=stands.progress,
        reached=stands.reached,
        overdue=state == "active" and due is not None and due < today,
        stated_at=thing.last_at,
        stated_by=thing.said("by"),
    )
