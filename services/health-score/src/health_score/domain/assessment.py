"""Bringing an account's health up to date: missing and dirty closes, the current value, and what there is to say."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from health_score.domain import explanation
from health_score.domain.account import Account, Health
from health_score.domain.activity import Activity
from health_score.domain.bands import Band, Standing
from health_score.domain.closing import a_day_on, close_days, read_at
from health_score.domain.evidence import Evidence
from health_score.domain.history import DAY, Close, coverage_units
from health_score.domain.living import LifeChange, live
from health_score.domain.metrics.reading import AsOf, Unit, Value
from health_score.domain.metrics.windows import Windows
from health_score.domain.scoring import OVERRIDE, Scored, Status, placed
from health_score.domain.selection import Bases, Basis, Deployment, Selected
from health_score.domain.silence import silence
from health_score.domain.stages import Move
from health_score.domain.telling.phrase import Phrase
from mainstay.kernel.clock import start_of_day


@dataclass(frozen=True, slots=True)
class ScoreMoved:
    """The published score, or its band, is another since `occurred_at`, whatever days that is due to.

    `changes` has contributions before and after, by measure.
    """

    occurred_at: datetime
    previous_score: int | None
    changes: Mapping[str, tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True)
class MeasuresMoved:
    """Values of measures are others than those told last: by metric, with its unit; None where it has none."""

    occurred_at: datetime
    values: Mapping[str, tuple[float | None, Unit | None]]


@dataclass(frozen=True, slots=True)
class BandEntered:
    """The account entered its current band at `occurred_at`; `because` says why."""

    occurred_at: datetime
    previous_band: Band | None
    previous_score: int | None
    because: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class FellSilent:
    """The account's habit was exceeded at `occurred_at`."""

    occurred_at: datetime
    last_active: date
    habit_days: int


@dataclass(frozen=True, slots=True)
class CameBack:
    """A silent account is active again, or was never silent, as late events show."""

    occurred_at: datetime
    last_active: date


@dataclass(frozen=True, slots=True)
class WentStale:
    """The latest evidence of a measure, of the day `seen_on`, is older than its `fresh_for_days` allow."""

    occurred_at: datetime
    measure: str
    metric: str
    seen_on: date
    fresh_for_days: int


Change = ScoreMoved | MeasuresMoved | BandEntered | FellSilent | CameBack | WentStale | LifeChange


@dataclass(frozen=True, slots=True)
class Assessment:
    """The closes made (again), the current value with its measures as of a day, and what changed.

    `selected` is the scorecard of the current value. `moves` are those that stage rules made just now.
    `record_changed` says that anything that follows from the record is another than the one kept, `tells_record` that
    what is told to others is: the tier, the stage, or a promise.
    """

    closes: list[Close]
    scored: Scored
    selected: Selected
    as_of: date
    changes: tuple[Change, ...]
    moves: tuple[Move, ...] = ()
    record_changed: bool = False
    tells_record: bool = False


def assess(
    account: Account,
    evidence: Evidence,
    deployment: Deployment,
    at: datetime,
    standing: Standing | None,
    *,
    listens: bool = True,
) -> Assessment:
    """Bring an account up to date at the instant `at`, and answer what changed.

    The activity begins at `account.days_needed_from(today)` or earlier; `standing` is that of the close before
    `account.first_open_day()`. The current value is that of the running day where it has activity or other seats, or
    anything was said, decided or put in force in it, else that of the last close. After late events (a dirty account)
    a band counts as entered again when its closes now say another day. Without `listens` nothing is said of silence.
    """
    today = account.today(at)
    restated = account.dirty_from is not None
    first = account.first_open_day()
    activity = evidence.activity
    bases = Bases(account, evidence, deployment)
    windows = Windows(activity, min(first or today, today), today, deployment.needs.reach)
    closes: list[Close] = []
    if first is not None and account.first_day is not None and first < today:
        closes, standing = close_days(
            windows,
            bases,
            born=account.first_day,
            first=first,
            last=today - DAY,
            seats=account.seats,
            standing=standing,
        )
        account.closed_through, account.standing = today - DAY, standing
    account.clean()

    running = standing is None or describes_today(account, activity, bases, today)
    as_of = today if running else today - DAY
    reading, basis = read_at(windows, bases, as_of, account.seats.on(as_of), now=at if as_of == today else None)

    # Where it is that of yesterday, nothing was said or decided since: only the day is another.
    lived = live(bases, reading if as_of == today else a_day_on(reading, at), basis, at)
    record_changed = lived.derived != account.derived
    told = (account.tier, account.derived.stage, account.derived.promises)
    account.derived = lived.derived
    tells_record = (account.tier, account.derived.stage, account.derived.promises) != told
    if lived.moves:
        as_of = today
        reading, basis = read_at(windows, lived.bases, today, account.seats.on(today), now=at)
    scored = basis.selected.scorer.scored(reading, basis.attributes, basis.decided)
    changes = (
        *lived.changes,
        *_rescored(account, scored, reading, basis, _Moment(at, today, as_of, restated), standing, closes),
        *(_listen(account, activity, at, today) if listens else ()),
    )
    return Assessment(closes, scored, basis.selected, as_of, changes, lived.moves, record_changed, tells_record)


def describes_today(account: Account, activity: Activity, bases: Bases, today: date) -> bool:
    """Whether the running day has anything of its own to be scored: use, other seats, or something said or decided."""
    return (
        activity.on(today) is not None or any(day == today for day, _ in account.seats.steps) or bases.turns_on(today)
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    at: datetime
    today: date
    as_of: date
    restated: bool


def _rescored(
    account: Account,
    scored: Scored,
    reading: AsOf,
    basis: Basis,
    moment: _Moment,
    standing: Standing | None,
    closes: list[Close],
) -> list[Change]:
    before, total, scorer = account.health, scored.total, basis.selected.scorer
    band, computed_band = placed(scorer.card.bands, scored.outcome, standing, moment.today)
    if moment.as_of == moment.today or standing is None:
        now = standing.after(moment.today, band) if standing else Standing(band, moment.today)
    else:
        now = standing
    entered = now.band is not before.band or (
        moment.restated and now.band is not Band.UNKNOWN and now.entered_on != before.band_entered_on
    )
    by_closes = now.entered_on < moment.today and (
        moment.restated or (bool(closes) and now.entered_on >= closes[0].day)
    )
    since = before.band_since
    if entered or since is None:
        since = min(moment.at, start_of_day(now.entered_on + DAY, account.zone)) if by_closes else moment.at
    account.health = Health(
        score=total.score,
        band=now.band,
        coverage=coverage_units(total.coverage),
        band_entered_on=now.entered_on if entered or before.band_entered_on is None else before.band_entered_on,
        band_since=since,
        contributions=scored.contributions,
        computed=(scored.outcome.computed.score, computed_band) if scored.outcome.is_overridden else None,
        stale=[part.measure for part in scored.measures if part.status is Status.STALE],
        told=before.told,
    )
    changes: list[Change] = []
    if total.score != before.score or now.band is not before.band:
        changes.append(ScoreMoved(moment.at, before.score, _moved(before.contributions, account.health.contributions)))
    if changes or closes:
        ends_month = not moment.restated and any((close.day + DAY).day == 1 for close in closes)
        changes += _tell_measures(account, scored, moment.at, all_of_them=ends_month)
    if entered:
        known_before = before.band if before.band_entered_on else None
        changes.append(
            BandEntered(
                since,
                previous_band=now.previous if moment.restated else known_before,
                previous_score=_score_before(now, closes, moment, before.score),
                because=tuple(
                    explanation.explained(
                        scored,
                        reading,
                        scorer.metrics,
                        band=now.band,
                        before={} if moment.restated else before.contributions,
                    )
                ),
            )
        )
    return [*changes, *_gone_stale(account, scored, basis, before)]


def _tell_measures(account: Account, scored: Scored, at: datetime, *, all_of_them: bool) -> list[Change]:
    """The values that others were not told yet: with a new score or close, for a busy day would say too much."""
    known = account.health.told
    values = {part.metric: (_nearest(part.value), part.unit) for part in scored.measures if part.measure != OVERRIDE}
    values |= {metric: (None, None) for metric in known if metric not in values}
    news = {
        metric: (value, unit)
        for metric, (value, unit) in values.items()
        if all_of_them or known.get(metric) != value  # what nobody was told of has no value to them
    }
    if not news:
        return []
    account.health = replace(account.health, told={metric: value for metric, (value, _) in values.items()})
    return [MeasuresMoved(at, news)]


def _nearest(value: Value) -> float | None:
    return None if value is None else value.numerator / value.denominator  # float() of a Fraction takes twice the time


def _gone_stale(account: Account, scored: Scored, basis: Basis, before: Health) -> list[Change]:
    """The measures that were not stale before. Each went stale at the beginning of the first day beyond its time."""
    found: list[Change] = []
    for part, (_, line) in zip(scored.measures, basis.selected.scorer.card.lines, strict=False):
        is_new = part.status is Status.STALE and part.measure not in before.stale
        if is_new and part.seen_on is not None and line.fresh_for_days is not None:
            since = start_of_day(part.seen_on + timedelta(days=line.fresh_for_days + 1), account.zone)
            found.append(WentStale(since, part.measure, part.metric, part.seen_on, line.fresh_for_days))
    return found


def _score_before(now: Standing, closes: list[Close], moment: _Moment, published: int | None) -> int | None:
    """The score at the close before the band was entered; the one last published where that is not at hand."""
    if not moment.restated or not closes:
        return published
    place = (now.entered_on - closes[0].day).days - 1
    if 0 <= place < len(closes):
        return closes[place].score
    return published if now.previous is not None else None


def _moved(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, tuple[int | None, int | None]]:
    names = [*after, *(name for name in before if name not in after)]
    pairs = {name: (before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _listen(account: Account, activity: Activity, at: datetime, today: date) -> list[Change]:
    """What silence there is to speak of. Habits are read only of accounts that have been quiet for a while."""
    last_active = activity.last_active(today)
    if last_active is None:
        return []
    active_days = [*activity.days, *filter(None, [activity.active_before])]
    found = silence(active_days, today)
    said = account.silence
    if found and (said is None or said.last_active != found.last_active):
        account.silence = found
        return [FellSilent(start_of_day(found.since, account.zone), found.last_active, found.habit_days)]
    if said and not found:
        account.silence = None
        return [CameBack(at if last_active == today else start_of_day(last_active, account.zone), last_active)]
    return []
