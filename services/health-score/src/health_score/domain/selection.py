"""Which scorecard an account has, and why: the cards in force at an instant, tried in order."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from health_score.domain.account import Account
from health_score.domain.circumstances import Circumstances
from health_score.domain.conditions import ATTRIBUTES, Attributes, Condition, all_hold
from health_score.domain.decisions import NOTHING_DECIDED, Decided
from health_score.domain.derived import Service
from health_score.domain.evidence import Evidence
from health_score.domain.facts.known import Known
from health_score.domain.metrics.catalogue import Needs
from health_score.domain.rulebook import NO_RULES, Rulebook
from health_score.domain.rules import By
from health_score.domain.scorecard import CardKey
from health_score.domain.scoring import Scorer
from mainstay.kernel.clock import day_of, start_of_day


@dataclass(frozen=True, slots=True)
class Activation:
    """From `at` on, a version of a scorecard is there for the accounts for which all of `when` holds.

    It takes the place of what was said of this scorecard before; `version` None: it is there for nobody any more.
    The highest priority is tried first; among equals, what was activated last.
    """

    at: datetime
    by: str
    card_id: str
    version: int | None
    when: tuple[Condition, ...] = ()
    priority: int = 0
    number: int = 0

    @property
    def key(self) -> CardKey:
        """The version that is there, or was until it was taken out of force."""
        return CardKey(self.card_id, self.version or 0)


class Selected(NamedTuple):
    """The scorecard an account has, and why."""

    scorer: Scorer
    activation: Activation
    reason: str


@dataclass(frozen=True, slots=True)
class InForce:
    """The scorecards of an instant, in the order in which they are tried."""

    activations: tuple[Activation, ...]
    scorers: Mapping[CardKey, Scorer]
    _selected: dict[Attributes, Selected] = field(default_factory=dict, compare=False)

    REMEMBERED = 10_000

    def select(self, attributes: Attributes) -> Selected:
        """The first card whose conditions all hold; the last one where none fits. Remembered by the attributes."""
        selected = self._selected.get(attributes)
        if selected is None:
            if len(self._selected) >= self.REMEMBERED:
                self._selected.clear()
            selected = self._selected[attributes] = self._select(attributes)
        return selected

    def _select(self, attributes: Attributes) -> Selected:
        for activation in self.activations:
            if all_hold(activation.when, attributes):
                told = "; ".join(condition.told(attributes) for condition in activation.when)
                return self._chosen(activation, told or "it is for every account")
        return self._chosen(self.activations[-1], "no scorecard's conditions hold; this is the last in order")

    def _chosen(self, activation: Activation, reason: str) -> Selected:
        return Selected(self.scorers[activation.key], activation, reason)


@dataclass(frozen=True)
class Deployment:
    """Every activation of a scorecard, oldest first, with the cards (there is one at least), and the rules."""

    activations: tuple[Activation, ...]
    scorers: Mapping[CardKey, Scorer]
    rules: Rulebook = NO_RULES
    _known: dict[int, InForce] = field(default_factory=dict, compare=False)

    @classmethod
    def of_one(cls, scorer: Scorer, at: datetime, rules: Rulebook = NO_RULES) -> "Deployment":
        """One scorecard for every account."""
        return cls((Activation(at, "", scorer.card.id, scorer.card.version),), {scorer.key: scorer}, rules)

    @cached_property
    def needs(self) -> Needs:
        """What is to be loaded for whichever of the cards an account has, and for the rules."""
        needs = self.rules.needs
        for scorer in self.scorers.values():
            needs = needs.joined(scorer.needs)
        return needs

    @cached_property
    def moments(self) -> Sequence[datetime]:
        """The instants from which on any account's scorecard, attributes or promises may be others."""
        first_changed_nothing = self.activations[1:]
        return (*(activation.at for activation in first_changed_nothing), *self.rules.turns())

    def until(self, instant: datetime) -> InForce:
        """The cards in force right before an instant; before the first activation, those of the first."""
        made = max(1, bisect_left(self.activations, instant, key=lambda activation: activation.at))
        if made not in self._known:
            self._known[made] = InForce(in_order(self.activations[:made]), self.scorers)
        return self._known[made]


def in_order(activations: Iterable[Activation]) -> tuple[Activation, ...]:
    """What is active after these activations, oldest first: of each scorecard the last, in the order of trying."""
    latest: dict[str, Activation] = {}
    for activation in activations:
        latest[activation.card_id] = activation
    active = [activation for activation in latest.values() if activation.version is not None]
    return tuple(sorted(active, key=lambda each: (each.priority, each.at, each.number), reverse=True))


class Basis(NamedTuple):
    """What a day is scored on, besides the figures: the scorecard, the attributes, the decisions, and the service."""

    selected: Selected
    attributes: Attributes
    decided: Decided
    service: Service | None = None
    tier_by: By | None = None


@dataclass(frozen=True)
class Bases:
    """The bases of an account's scores, at any instant."""

    account: Account
    evidence: Evidence
    deployment: Deployment

    @cached_property
    def circumstances(self) -> Circumstances:
        """What the account is at any instant besides its figures."""
        return Circumstances(self.account, self.evidence, self.deployment.rules)

    def until(self, instant: datetime, known: Known) -> Basis:
        """The basis right before an instant; `known` holds what facts said by then."""
        then = self.circumstances.until(instant, known)
        decisions = self.evidence.decisions
        decided = decisions.until(instant) if decisions.steps else NOTHING_DECIDED
        selected = self.deployment.until(instant).select(then.attributes)
        return Basis(selected, then.attributes, decided, then.service, then.tier_by)

    def turning_days(self, first: date) -> Collection[date]:
        """The days from `first` on at whose end the basis may be another than at the end of the day before."""
        zone = self.account.zone
        begins = start_of_day(first, zone)
        moments = [
            *self.deployment.moments,
            *self._own_moments(),
            *(statement.at for statement in self.evidence.facts.statements[self._facts_before(begins) :]),
        ]
        return {day_of(moment, zone) for moment in moments if moment >= begins}

    def turns_on(self, day: date) -> bool:
        """Whether anything that counts was said, decided or put in force on a day."""
        zone = self.account.zone
        begins, ends = start_of_day(day, zone), start_of_day(day + timedelta(days=1), zone)
        return (
            self._facts_before(begins) < self._facts_before(ends)
            or any(begins <= moment < ends for moment in self.deployment.moments)
            or any(begins <= moment < ends for moment in self._own_moments())
        )

    def _own_moments(self) -> Iterable[datetime]:
        return (
            *self.evidence.decisions.moments(),
            *(move.at for move in self.evidence.journal.moves),
            *(stated.at for name, stated in self.account.stated.items() if name in ATTRIBUTES),
        )

    def _facts_before(self, instant: datetime) -> int:
        return bisect_left(self.evidence.facts.statements, instant, key=lambda statement: statement.at)
