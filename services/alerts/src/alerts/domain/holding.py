"""Holding: for how long a condition must have been true before anybody hears of it, and for how long it then counts.

The one stage between conditions and alerts. A pure function of the moments and the present instant: what it says does
not depend on when it is asked before, so a timer that is late, early or fires twice changes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.domain.moments import Ending, Moment, Passing

WORSE = Passing(Ending.SUPERSEDED, "It got worse.")


@dataclass(frozen=True, slots=True)
class Holding:
    """The times of a rule.

    `hold_for`: how long the condition must hold without a break before an alert opens. `keep_firing_for`: how long an
    open alert stays open after the condition was last true; what comes back within that time is the same alert.
    `cooldown`: how long after its end no other alert of the same grade opens.
    """

    hold_for: timedelta = timedelta()
    keep_firing_for: timedelta = timedelta()
    cooldown: timedelta = timedelta()

    @property
    def echo(self) -> timedelta:
        """How long the end of an alert can matter to others of its rule.

        What a cooldown holds back has come to its end when the cooldown is over. Whoever does not know of the alert
        takes that for an alert, which is kept for a while and has a cooldown of its own.
        """
        return 2 * self.cooldown + self.keep_firing_for if self.cooldown else timedelta()


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch at one grade: an alert. `began` is the moment that began it, `shown` the one whose words it bears.

    A worsening ends a stage as superseded and begins another; an easing does not end it.
    """

    grade: str
    opened_at: datetime
    began: Moment
    shown: Moment
    seen_at: datetime
    ended_at: datetime | None = None
    passed: Passing | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """What is open or was, oldest first, and the next instant at which that changes by itself."""

    stages: tuple[Stage, ...] = ()
    again_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Span:
    """Moments in which a grade, or a worse one, held without a break; `end` is the moment that ended it."""

    moments: tuple[Moment, ...]
    end: Moment | None

    @property
    def start(self) -> datetime:
        return self.moments[0].at


@dataclass(frozen=True, slots=True)
class _Window:
    """From when to when a grade fires. `ends` is open, or may lie in the future (`keep_firing_for`)."""

    level: int
    opens: datetime
    first: _Span
    last: _Span
    ends: datetime | None


def hold(moments: Sequence[Moment], grades: Sequence[str], holding: Holding, now: datetime) -> Held:
    """The alerts of a condition as they stand at `now`. `moments` are in their order, `grades` the mildest first."""
    past = [moment for moment in moments if moment.at <= now]
    later = [moment.at for moment in moments if moment.at > now]
    windows = [
        window for level in range(len(grades)) for window in _firing(_spans(past, grades, level), level, holding)
    ]
    later += [window.opens for window in windows if window.opens > now]
    later += [window.ends for window in windows if window.ends is not None and window.ends > now]
    open_by_now = sorted(
        (window for window in windows if window.opens <= now), key=lambda window: (window.opens, -window.level)
    )
    stages = [stage for group in _overlapping(open_by_now) for stage in _stages(group, grades, past, now)]
    return Held(tuple(stages), min(later, default=None))


def _spans(moments: Sequence[Moment], grades: Sequence[str], level: int) -> Iterator[_Span]:
    reaching = frozenset(grades[level:])
    held: list[Moment] = []
    for moment in moments:
        if moment.grade in reaching:
            held.append(moment)
        elif held:
            yield _Span(tuple(held), moment)
            held = []
    if held:
        yield _Span(tuple(held), None)


def _firing(spans: Iterator[_Span], level: int, holding: Holding) -> Sequence[_Window]:
    windows: list[_Window] = []
    keep = holding.keep_firing_for
    for span in spans:
        ends = None if span.end is None else span.end.at + keep
        last = windows[-1] if windows else None
        if last is not None and last.ends is not None and keep and span.start <= last.ends:
            windows[-1] = replace(last, last=span, ends=ends)
            continue
        opens = span.start + holding.hold_for
        if last is not None and last.ends is not None and holding.cooldown:
            opens = max(opens, last.ends + holding.cooldown)
        if span.end is not None and opens > span.start and span.end.at <= opens:
            continue  # it passed before it had held for long enough
        windows.append(_Window(level, opens, span, span, ends))
    return windows


def _overlapping(windows: Sequence[_Window]) -> Iterator[Sequence[_Window]]:
    """Windows that are one alert and its worsenings."""
    group: list[_Window] = []
    for window in windows:
        if group and all(other.ends is not None and other.ends <= window.opens for other in group):
            yield group
            group = []
        group.append(window)
    if group:
        yield group


def _stages(
    group: Sequence[_Window], grades: Sequence[str], moments: Sequence[Moment], now: datetime
) -> Iterator[Stage]:
    rising: list[_Window] = []
    for window in group:
        if not rising or window.level > rising[-1].level:
            rising.append(window)
    over = None if any(one.ends is None for one in group) else max(one.ends for one in group if one.ends is not None)
    last = max(group, key=lambda one: (one.last.end is None, one.last.end.at if one.last.end else one.opens))
    for number, window in enumerate(rising):
        worse = rising[number + 1] if number + 1 < len(rising) else None
        stage = _opened(window, grades, moments, worse)
        if worse is not None:
            began = worse.first.moments[0]
            passed = began.passed if began.passed.how is Ending.SUPERSEDED else WORSE
            yield replace(stage, ended_at=worse.opens, passed=passed)
        elif over is not None and over <= now and last.last.end is not None:
            yield replace(stage, ended_at=over, passed=last.last.end.passed)
        else:
            yield stage


def _opened(window: _Window, grades: Sequence[str], moments: Sequence[Moment], worse: _Window | None) -> Stage:
    grade, span = grades[window.level], window.first
    shown = span.moments[0]
    if window.opens > span.start:
        shown = [moment for moment in span.moments if moment.at <= window.opens][-1]
    until = worse.opens if worse else window.ends
    again = [
        moment.at
        for moment in moments
        if moment.grade == grade and window.opens < moment.at and (until is None or moment.at <= until)
    ]
    return Stage(grade, window.opens, span.moments[0], shown, max([window.opens, *again]))
