"""What closes bring besides scores: every metric's value, for comparison with peers, and deviations that began."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from health_score.application.announcing import SOURCE
from health_score.application.evidence import load_evidence
from health_score.application.ports import ClosedMetrics, Work
from health_score.domain.account import Account
from health_score.domain.activity import Activity
from health_score.domain.closing import read_at
from health_score.domain.history import DAY
from health_score.domain.metrics.catalogue import METRICS, measure, needs_of
from health_score.domain.metrics.custom import as_metrics
from health_score.domain.metrics.deviation import WEEKS, Deviated, Deviating, Watch, departures
from health_score.domain.metrics.reading import AsOf
from health_score.domain.metrics.windows import Windows
from health_score.domain.selection import Bases, Deployment
from mainstay.contracts.envelope import Event
from mainstay.contracts.health_score import MetricDeviated
from mainstay.kernel.clock import start_of_day
from mainstay.kernel.ids import new_id

CATCH_UP = timedelta(days=7)
"""Deviations are looked for in the closes of so many days, after downtime too; in older ones they are no news."""

_BASELINE = timedelta(days=7 * WEEKS + 1)


async def take_measure(
    work: Work, accounts: Iterable[Account], restated: frozenset[str], at: datetime, deployment: Deployment
) -> None:
    """Write the metrics of accounts as of yesterday's close, and say which figures deviate since a new close.

    `restated` names accounts whose last close was made again: what was said of it is looked at once more.
    """
    by_number = {account.number: account for account in accounts}
    if not by_number:
        return
    metrics = {**METRICS, **as_metrics(await work.customs.in_force(), METRICS)}
    needs = needs_of(metrics.values())
    days = {number: account.today(at) - DAY for number, account in by_number.items()}
    back = max(needs.reach, _BASELINE + CATCH_UP)
    evidence = await load_evidence(work, {no: (account, days[no] - back) for no, account in by_number.items()}, needs)
    before = await work.current_metrics.deviating(by_number)
    closed: dict[int, ClosedMetrics] = {}
    for number, account in by_number.items():
        day = days[number]
        told_through, deviating = before.get(number, (None, {}))
        activity = evidence[number].activity
        watched, said = _watch(activity, day, told_through, deviating, again=account.id in restated)
        bases = Bases(account, evidence[number], deployment)
        reading, _ = read_at(Windows(activity, day, day, needs.reach), bases, day, account.seats.on(day))
        closed[number] = ClosedMetrics(day, measure(reading, metrics), watched)
        work.publish(_announce(account, said, at))
    await work.current_metrics.save(closed)


def _watch(
    activity: Activity,
    day: date,
    told_through: date | None,
    deviating: Mapping[str, Deviating],
    *,
    again: bool,
) -> tuple[Mapping[str, Deviating], Sequence[Deviated]]:
    """What deviates after the close of `day`, and what began to in the closes that are new (or were made again)."""
    if again and told_through == day:
        # What was said of this day alone may be untrue now, or true only now.
        said_before = {(name, known.direction) for name, known in deviating.items() if known.since == day}
        deviating = {name: known for name, known in deviating.items() if known.since != day}
        first = day
    else:
        said_before = set()
        first = max(day - CATCH_UP + DAY, told_through + DAY if told_through else day - CATCH_UP + DAY)
    watch = Watch(deviating)
    said: list[Deviated] = []
    if first <= day:
        windows = Windows(activity, first, day, _BASELINE)
        reading = AsOf(windows, 0, 0)
        while first <= day:
            reading.at = reading.complete = windows.index(first)
            said += watch.close(first, departures(reading))
            first += DAY
    return watch.deviating, [each for each in said if (each.metric, each.direction) not in said_before]


def _announce(account: Account, said: Sequence[Deviated], at: datetime) -> Iterable[Event[MetricDeviated]]:
    for each in said:
        departed = each.departure
        ended_at = start_of_day(each.day + DAY, account.zone)
        yield Event(
            new_id(at),
            SOURCE,
            ended_at,
            MetricDeviated(
                account_id=account.id,
                occurred_at=ended_at,
                metric=each.metric,
                day=each.day,
                value=departed.value,
                expected=float(departed.expected),
                spread=float(departed.spread),
                deviation=float(departed.spreads),
            ),
        )
