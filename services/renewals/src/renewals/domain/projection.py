"""When a balance runs out at the pace of the last weeks, and how sure that is.

The model: weekly totals are independent draws around one mean, the days of a week have fixed shares of it. The mean and
its spread are those of the last weeks (at most eight); the total of h weeks ahead then lies around h means with a
variance of s² · h · (1 + h ÷ m), by Student's t with m − 1 degrees of freedom. The second term is that the mean itself
is not known better. Use never falls below zero, so the balance is gone on day d exactly if the total of d days reaches
it, and the quantiles of the day are those of the total. It knows no trend and no season of the year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import sqrt
from statistics import fmean, stdev
from typing import Final

DAYS_A_WEEK: Final = 7
FEWEST_WEEKS: Final = 2
MOST_WEEKS: Final = 8
HORIZON_DAYS: Final = 3 * 365
CONFIDENCE: Final = 0.8
"""How often the day lies in the interval, where the model holds."""
QUANTILES: Final = {1: 3.078, 2: 1.886, 3: 1.638, 4: 1.533, 5: 1.476, 6: 1.440, 7: 1.415}
"""Student's t at 0.9 by degrees of freedom, so that 0.8 lies between both ends (NIST e-Handbook, 1.3.6.7.2)."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The day on which a balance is used up, and the interval in which that day lies with `CONFIDENCE`.

    None: not within `HORIZON_DAYS`. `per_day` is the mean use, `weeks` how many weeks it is that of.
    """

    exhausted_on: date | None
    earliest: date | None
    latest: date | None
    per_day: float
    weeks: int


def project(use: Sequence[float], balance: float, last_day: date) -> Projection | None:
    """The projection from the use of each day up to `last_day` and the balance at its end.

    None where there are fewer than two whole weeks to go by, or nothing is left.
    """
    weeks = min(len(use) // DAYS_A_WEEK, MOST_WEEKS)
    if weeks < FEWEST_WEEKS or balance <= 0:
        return None
    recent = list(use[-weeks * DAYS_A_WEEK :])
    totals = [sum(recent[n : n + DAYS_A_WEEK]) for n in range(0, len(recent), DAYS_A_WEEK)]
    mean, spread = fmean(totals), QUANTILES[weeks - 1] * stdev(totals)
    # The first of the days ahead has the weekday of the first of each week behind.
    by_weekday = [fmean(recent[n::DAYS_A_WEEK]) for n in range(DAYS_A_WEEK)]
    found: dict[str, date] = {}
    total = 0.0
    for ahead in range(1, HORIZON_DAYS + 1):
        total += by_weekday[(ahead - 1) % DAYS_A_WEEK]
        h = ahead / DAYS_A_WEEK
        margin = spread * sqrt(h * (1 + h / weeks))
        for name, reached in (("earliest", total + margin), ("exhausted_on", total), ("latest", total - margin)):
            if name not in found and reached >= balance * (1 - 1e-12):
                found[name] = last_day + timedelta(days=ahead)
        if "latest" in found:
            break
    return Projection(found.get("exhausted_on"), found.get("earliest"), found.get("latest"), mean / DAYS_A_WEEK, weeks)
