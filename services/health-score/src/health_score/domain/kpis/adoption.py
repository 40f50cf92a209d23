"""Adoption by period: features in use, seats in use, and accounts that came to their first value or were activated."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from health_score.domain.activity import DayOfUse, Life
from health_score.domain.facts.known import Facts, Known
from health_score.domain.kpis.ledger import Ledger
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.spread import Durations
from health_score.domain.kpis.use import MONTH
from health_score.domain.metrics.activation import ACTIVATED_SHARE, began_on
from health_score.domain.metrics.entitlements import features_in_plan, seats_stated


@dataclass(slots=True)
class Adoption:
    """Sums over accounts: windows of 28 days at the period's end, and what began in the period.

    `users_of` has the eligible users of each feature; eligible are the active users of accounts without a known plan
    (`users_without_plan`) and of those whose plan has the feature (`users_with`).
    """

    accounts: int = 0
    features_used: int = 0
    accounts_with_seats: int = 0
    seats_used: Fraction = Fraction(0)
    seats_bought: int = 0
    activated: int = 0
    first_values: Durations = field(default_factory=Durations)
    users_of: Counter[str] = field(default_factory=Counter)
    users_without_plan: int = 0
    users_with: Counter[str] = field(default_factory=Counter)

    @property
    def features_per_account(self) -> Fraction | None:
        """Distinct features used ÷ accounts in use."""
        return Fraction(self.features_used, self.accounts) if self.accounts else None

    @property
    def seat_utilisation(self) -> Fraction | None:
        """Seats in use ÷ seats bought, of accounts whose seats are known."""
        return self.seats_used / self.seats_bought if self.seats_bought else None

    def eligible(self, feature: str) -> int:
        """The active users who could use a feature."""
        return self.users_without_plan + self.users_with[feature]

    def adoption_of(self, feature: str) -> Fraction | None:
        """Users of a feature ÷ those who could; None where nobody could."""
        eligible = self.eligible(feature)
        return Fraction(self.users_of[feature], eligible) if eligible else None


def count_adoption(past: Past, ledger: Ledger[Adoption]) -> None:
    """Count what is in use at each period's end, and first value and activation on their days."""
    life = past.activity.life or Life()
    facts = Facts.of(past.statements).in_zone(past.zone)
    replay = facts.replay()
    names = {number: name for name, number in life.feature_numbers.items()}
    active = sorted(past.activity.days)
    for end in ledger.ends():
        use = _in_window(past.activity.days, active, end.day)
        bought = past.seats.on(end.day)
        if (use.events or bought) and (cell := ledger.at_end(end)) is not None:
            _count_end(cell, use, bought, replay.until(end.before), names)
    seats = past.seats.on(ledger.today)
    reached = life.reached_on(ACTIVATED_SHARE * seats) if seats else None
    if reached is not None and reached <= ledger.today and (cell := ledger.on(reached)) is not None:
        cell.activated += 1
    first = life.first_day
    began = began_on(facts.until(ledger.books.now), ledger.today)
    if first is not None and began is not None and first <= ledger.today and (cell := ledger.on(first)) is not None:
        cell.first_values.add(first - began)


def _count_end(cell: Adoption, use: DayOfUse, bought: int | None, known: Known, names: Mapping[int, str]) -> None:
    active = use.users.bit_count()
    if bought:
        stated = seats_stated(known)
        cell.accounts_with_seats += 1
        cell.seats_bought += bought
        cell.seats_used += active if stated is None else stated
    if not use.events:
        return
    cell.accounts += 1
    cell.features_used += use.features.bit_count()
    plan = features_in_plan(known)
    if plan:
        cell.users_with.update(dict.fromkeys(plan, active))
    else:
        cell.users_without_plan += active
    for number, people in use.users_of.items():
        if number in names and (not plan or names[number] in plan):
            cell.users_of[names[number]] += people.bit_count()


def _in_window(days: Mapping[date, DayOfUse], active: Sequence[date], last: date) -> DayOfUse:
    """The 28 days that end with `last` as one; `active` are the days with use, rising."""
    first = last - timedelta(days=MONTH - 1)
    found = DayOfUse()
    for day in active[bisect_left(active, first) : bisect_right(active, last)]:
        found.merge(days[day])
    return found
