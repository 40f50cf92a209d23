"""The worklist: what a CSM does next, ordered by priority = urgency x value, each row saying why it is where it is.

The list is flat: a row is one thing to do, with its own day and its own severity. What makes an account as a whole
urgent (its worst alert, band, trend, days to renewal) counts in each of its rows, so the rows of an account that needs
somebody stand together near the top, and a trifle at a great account does not stand above an emergency at another.

**Urgency**, 0 to 100 points, is a sum of five parts:

- `itself`, 0-40. Alert: info 10, warning 25, critical 40, and 10 less once somebody has it. Task, promise, touch:
  overdue 30 and one more a day up to 40, today 25, in n days 20 - 2n, at least 5. Case: at risk 35, plan in place 25,
  saving 20.
- `alerts`, 0-15. The worst open alert of the account: info 3, warning 8, critical 15.
- `band`, 0-20. Red 20, yellow 10, unknown 5, green 0.
- `trend`, 0-10. Half the points by which the score fell in 28 days.
- `renewal`, 0-15. Within 30 days 15, 60 days 12, 90 days 9, 180 days 4; a date that has passed is as near as can be.

**Value**, from 1 on, is (1 + log10(1 + ARR / 1,000) / 2) x the weight of the tier: a hundred times the money is one
more, so a small account that burns stands above a large one that does not. These are weights of this house, chosen so
that each can be explained in a sentence; nothing was fitted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import log10

from alerts.domain.accounts import Account
from alerts.domain.cases import CaseState
from alerts.domain.words import Band, Severity

DAYS_OF_TREND = 28
SOON = 7
"""Days ahead of which a promise or a touch owed stands in the list."""

TIER_WEIGHTS: Mapping[str, float] = {"strategic": 1.5, "enterprise": 1.3, "growth": 1.1, "starter": 1.0}
"""Of a tier by its name; one that is not named has 1."""


OF_SEVERITY: Mapping[Severity, int] = {Severity.INFO: 10, Severity.WARNING: 25, Severity.CRITICAL: 40}
TAKEN = 10
"""So much less counts an alert that somebody has."""
OF_STATE: Mapping[CaseState, int] = {CaseState.AT_RISK: 35, CaseState.PLAN_IN_PLACE: 25, CaseState.SAVING: 20}
OF_WORST: Mapping[Severity, int] = {Severity.INFO: 3, Severity.WARNING: 8, Severity.CRITICAL: 15}
OF_BAND: Mapping[Band, int] = {Band.RED: 20, Band.YELLOW: 10, Band.UNKNOWN: 5, Band.GREEN: 0}
OF_RENEWAL: Sequence[tuple[int, int]] = ((30, 15), (60, 12), (90, 9), (180, 4))
"""(days, points): what a renewal within so many days counts, the nearest first."""
MOST_OF_TREND = 10
"""The points of urgency; what they are for stands above."""


class Kind(StrEnum):
    """What kind of thing there is to do."""

    ALERT = "alert"
    TASK = "task"
    NEXT_STEP = "next-step"
    TOUCH_OWED = "touch-owed"
    CASE = "case"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a priority: points of urgency, or a factor of value, and why it is so much."""

    name: str
    value: float
    why: str


@dataclass(frozen=True, slots=True)
class Situation:
    """What makes an account as a whole urgent. Scores are 0-100, None where there is none."""

    account: Account
    today: date
    band: Band = Band.UNKNOWN
    score: int | None = None
    score_before: int | None = None
    """The score `DAYS_OF_TREND` days ago."""
    worst_alert: Severity | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do. `severity` is an alert's, `state` a case's; `is_taken`: somebody has the alert already."""

    kind: Kind
    id: str
    account_id: str
    title: str
    due_on: date | None = None
    severity: Severity | None = None
    is_taken: bool = False
    state: CaseState | None = None
    assignee: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A thing to do, with its priority and the parts that it is made of."""

    item: Item
    account: Account
    priority: float
    urgency: float
    value: float
    parts: tuple[Part, ...]

    @property
    def place(self) -> tuple[float, str]:
        """By what rows are ordered: priority falling, then a name that never changes."""
        return (-self.priority, f"{self.item.account_id}\n{self.item.kind.value}\n{self.item.id}")


@dataclass(frozen=True, slots=True)
class Weights:
    """What the operator sets: weights of tiers, and what a unit of each currency is worth in the main one."""

    tiers: Mapping[str, float]
    rates: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """What all rows of an account have in common: its parts of urgency, and its value."""

    account: Account
    today: date
    urgent: tuple[Part, ...]
    worth: tuple[Part, ...]
    points: float
    factor: float


def standing(situation: Situation, weights: Weights) -> Standing:
    """What all rows of an account have in common."""
    urgent = (
        _of_alerts(situation.worst_alert),
        _of_band(situation.band),
        _of_trend(situation),
        _of_renewal(situation),
    )
    worth = value(situation.account, weights)
    factor = round(worth[0].value * worth[1].value, 2)
    return Standing(situation.account, situation.today, urgent, worth, sum(part.value for part in urgent), factor)


def row(item: Item, account: Standing) -> Row:
    """The row of a thing to do."""
    itself = _itself(item, account.today)
    points = itself.value + account.points
    parts = (itself, *account.urgent, *account.worth)
    return Row(item, account.account, round(points * account.factor, 1), points, account.factor, parts)


def value(account: Account, weights: Weights) -> tuple[Part, Part]:
    """The parts of value, whose product is the factor."""
    arr = sum((money.amount * Decimal(str(weights.rates.get(money.currency, 1))) for money in account.arr), Decimal())
    by_arr = round(1 + log10(1 + max(float(arr), 0.0) / 1_000) / 2, 3)
    amounts = " + ".join(f"{money.amount:,.2f} {money.currency}" for money in account.arr) or "no ARR known"
    weight = weights.tiers.get((account.tier or "").casefold(), 1.0)
    tier = f"tier {account.tier}" if account.tier else "no tier"
    return Part("arr", by_arr, amounts), Part("tier", weight, tier)


def _itself(item: Item, today: date) -> Part:
    match item.kind:
        case Kind.ALERT:
            severity = item.severity or Severity.INFO
            points = OF_SEVERITY[severity]
            taken = ", and somebody has it" if item.is_taken else ""
            return Part("itself", points - (TAKEN if item.is_taken else 0), f"a {severity.value} alert{taken}")
        case Kind.CASE:
            state = item.state or CaseState.AT_RISK
            return Part("itself", OF_STATE.get(state, 0), f"a risk case: {state.value.replace('-', ' ')}")
        case _:
            return _by_day(item.due_on, today)


def _by_day(due_on: date | None, today: date) -> Part:
    if due_on is None:
        return Part("itself", 5, "without a day")
    left = (due_on - today).days
    if left < 0:
        return Part("itself", 30 + min(-left, 10), f"overdue by {-left} d")
    if left == 0:
        return Part("itself", 25, "due today")
    return Part("itself", max(5, 20 - 2 * left), f"due in {left} d")


def _of_alerts(worst: Severity | None) -> Part:
    if worst is None:
        return Part("alerts", 0, "no open alert")
    return Part("alerts", OF_WORST[worst], f"the worst open alert is {worst.value}")


def _of_band(band: Band) -> Part:
    return Part("band", OF_BAND[band], band.value)


def _of_trend(situation: Situation) -> Part:
    now, before = situation.score, situation.score_before
    if now is None or before is None:
        return Part("trend", 0, "no score to compare")
    fell = before - now
    if fell <= 0:
        return Part("trend", 0, f"the score did not fall in {DAYS_OF_TREND} d")
    return Part("trend", min(MOST_OF_TREND, fell / 2), f"the score fell by {fell} in {DAYS_OF_TREND} d")


def _of_renewal(situation: Situation) -> Part:
    renewal = situation.account.next_renewal_on
    if renewal is None:
        return Part("renewal", 0, "no renewal date known")
    left = (renewal - situation.today).days
    points = next((points for days, points in OF_RENEWAL if left <= days), 0)
    return Part("renewal", points, f"renewal in {left} d" if left >= 0 else f"renewal {-left} d ago")


def in_order(rows: Sequence[Row]) -> Sequence[Row]:
    """The most urgent and valuable first."""
    return sorted(rows, key=lambda each: each.place)
