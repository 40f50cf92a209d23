"""Bringing an account's health up to date: missing and dirty closes, the current value, and what there is to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from health_score.domain import explanation
from health_score.domain.account import Account, Health
from health_score.domain.activity import Activity
from health_score.domain.bands import Band, Standing
from health_score.domain.history import DAY, Close, close_days, coverage_units
from health_score.domain.metrics import AsOf, Value, Windows, measure
from health_score.domain.scorecard import Scored, Scorer
from health_score.domain.silence import silence
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
class BandEntered:
    """The account entered its current band at `occurred_at`."""

    occurred_at: datetime
    previous_band: Band | None
    previous_score: int | None
    reason: str


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


Change = ScoreMoved | BandEntered | FellSilent | CameBack


@dataclass(frozen=True, slots=True)
class Assessment:
    """The closes made (again), the current value with its measures as of a day, and what changed."""

    closes: list[Close]
    scored: Scored
    as_of: date
    changes: tuple[Change, ...]


def assess(account: Account, activity: Activity, scorer: Scorer, at: datetime, standing: Standing | None) -> Assessment:
    """Bring an account up to date at the instant `at`, and answer what changed.

    `activity` begins at `account.days_needed_from(today)` or earlier; `standing` is that of the close before
    `account.first_open_day()`. The current value is that of the running day where it has activity or other seats, else
    that of the last close. After late events (a dirty account) a band counts as entered again when its closes now say
    another day.
    """
    today = account.today(at)
    restated = account.dirty_from is not None
    first = account.first_open_day()
    windows = Windows(activity, min(first or today, today), today)
    closes: list[Close] = []
    if first is not None and account.first_day is not None and first < today:
        closes, standing = close_days(
            windows,
            scorer,
            born=account.first_day,
            first=first,
            last=today - DAY,
            seats=account.seats,
            standing=standing,
        )
        account.closed_through, account.standing = today - DAY, standing
    account.clean()

    running = activity.on(today) is not None or any(day == today for day, _ in account.seats.steps)
    as_of = today if running or standing is None else today - DAY
    place = windows.index(as_of)
    reading = AsOf(windows, place, place - 1 if as_of == today else place, account.seats.on(as_of))
    values = measure(reading)
    age_days = max(0, (as_of - account.first_day).days + 1) if account.first_day else 0
    scored = scorer.card.score(values, age_days)
    changes = (
        *_rescored(account, scored, values, scorer, _Moment(at, today, as_of, restated), standing, closes),
        *_listen(account, activity, at, today),
    )
    return Assessment(closes, scored, as_of, changes)


@dataclass(frozen=True, slots=True)
class _Moment:
    at: datetime
    today: date
    as_of: date
    restated: bool


def _rescored(
    account: Account,
    scored: Scored,
    values: Mapping[str, Value],
    scorer: Scorer,
    moment: _Moment,
    standing: Standing | None,
    closes: list[Close],
) -> list[Change]:
    before, total = account.health, scored.total
    if moment.as_of == moment.today or standing is None:
        band = scorer.card.bands.place(total.score, total.coverage, standing, moment.today)
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
        contributions={part.measure: part.contribution for part in scored.measures if part.score is not None},
    )
    changes: list[Change] = []
    if total.score != before.score or now.band is not before.band:
        changes.append(ScoreMoved(moment.at, before.score, _moved(before.contributions, account.health.contributions)))
    if entered:
        known_before = before.band if before.band_entered_on else None
        changes.append(
            BandEntered(
                since,
                previous_band=now.previous if moment.restated else known_before,
                previous_score=_score_before(now, closes, moment, before.score),
                reason=explanation.sentence(
                    scored,
                    values,
                    band=now.band,
                    before={} if moment.restated else before.contributions,
                    seats=account.seats.on(moment.as_of),
                ),
            )
        )
    return changes


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
