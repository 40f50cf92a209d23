"""A source's own pattern: usual volumes, usual quiet, clocks, and names that are nearly another one."""

import gzip
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.application.watching import Watched, judge
from ingest.domain.patterns import HOUR, WEEK, Direction, Hour, Pattern, Usual, hour_of, skew_at, skew_bucket, skew_of
from ingest.domain.resemblance import distance, resembling
from mainstay.contracts.sources import SourceSilent, SourceVolumeDeviated

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
HISTORY = Path(__file__).parents[4] / "shared" / "data" / "usage-2012-2014.ndjson.gz"

Volume = Callable[[datetime], int]


def office(hour: datetime) -> int:
    """A product that is used from nine to five on workdays, a little differently each hour."""
    return 200 + hour.day % 5 * 4 if hour.weekday() < 5 and 9 <= hour.hour < 17 else 0


def steady(hour: datetime) -> int:
    """A product that is used at all times."""
    return 100 + hour.hour


def hours(volume: Volume, weeks: float, start: datetime = MONDAY) -> list[Hour]:
    """What came in the weeks from `start`."""
    all_of_them = (start + n * HOUR for n in range(int(weeks * 168)))
    return [
        Hour(at, volume(at), at + timedelta(minutes=1), at + timedelta(minutes=59)) for at in all_of_them if volume(at)
    ]


def pattern(volume: Volume, weeks: float, now: datetime | None = None) -> tuple[Pattern, datetime]:
    """The pattern at the end of the weeks (or at `now`), and when the source last sent."""
    seen = hours(volume, weeks)
    return Pattern(seen, first_seen=MONDAY, now=now or MONDAY + weeks * WEEK), seen[-1].last_seen


@pytest.mark.parametrize(
    ("volume", "quiet_hours", "is_silence"),
    [
        (steady, 0.9, False),
        (steady, 1.5, True),
        (office, 60, False),  # Monday at six in the morning
        (office, 64.5, False),  # half an hour late
        (office, 66.5, True),
    ],
)
def test_silence_is_measured_by_the_hours_in_which_a_source_usually_sends(
    volume: Volume, quiet_hours: float, *, is_silence: bool
) -> None:
    friday_evening = hours(volume, 5 - 55 / 168)
    last_seen = friday_evening[-1].last_seen
    now = last_seen + timedelta(hours=quiet_hours)
    assert Pattern(friday_evening, first_seen=MONDAY, now=now).quiet(last_seen).is_silence is is_silence


def test_a_source_that_is_known_for_less_than_a_week_is_never_silent() -> None:
    known, last_seen = pattern(steady, 0.9)
    assert known.quiet(last_seen - timedelta(hours=5)).limit is None


def test_the_usual_volume_is_the_median_of_the_same_hour_of_the_weeks_before() -> None:
    nine = MONDAY + 6 * WEEK + timedelta(hours=9)
    assert pattern(lambda at: 10 * (at - MONDAY).days, 6)[0].usual(nine) == Usual(175.0, 105.0, 6)
    assert pattern(steady, 2)[0].usual(MONDAY + 2 * WEEK) is None


@pytest.mark.parametrize(
    ("usual", "events", "before", "direction"),
    [
        (Usual(1000, 20, 8), 1040, Direction.USUAL, Direction.USUAL),
        (Usual(1000, 20, 8), 300, Direction.USUAL, Direction.BELOW),
        (Usual(1000, 20, 8), 2500, Direction.USUAL, Direction.ABOVE),
        (Usual(1000, 20, 8), 700, Direction.USUAL, Direction.USUAL),  # far out, but not by half
        (Usual(1000, 20, 8), 700, Direction.BELOW, Direction.BELOW),  # and so not back either
        (Usual(1000, 20, 8), 950, Direction.BELOW, Direction.USUAL),
        (Usual(1000, 900, 8), 300, Direction.USUAL, Direction.USUAL),  # it scatters as much by itself
        (Usual(10, 0, 8), 0, Direction.USUAL, None),
        (Usual(0, 0, 8), 500, Direction.USUAL, Direction.ABOVE),
    ],
)
def test_a_volume_is_judged_by_its_own_spread(
    usual: Usual, events: int, before: Direction, direction: Direction | None
) -> None:
    assert usual.direction(events, before=before) is direction


def test_weeks_of_a_regular_source_say_nothing() -> None:
    for volume in (office, steady):
        seen = hours(volume, 9)
        for hour in range(8 * 168, 9 * 168):
            now = MONDAY + hour * HOUR + timedelta(minutes=5)
            until = [each for each in seen if each.last_seen <= now]
            watched = Watched("web", MONDAY, until[-1].last_seen)
            assert judge(watched, until, now) == (watched, [])


@pytest.mark.skipif(not HISTORY.exists(), reason="the recorded history is not here")
def test_three_years_of_a_real_product_raise_no_storm() -> None:
    with gzip.open(HISTORY) as lines:
        sent = sorted(datetime.fromisoformat(json.loads(line)["timestamp"]) for line in lines)
    watched = Watched("openstack", sent[0], sent[0])
    seen: dict[datetime, Hour] = {}
    said: Counter[type] = Counter()
    now, place = sent[0], 0
    while now < sent[-1]:
        now += 4 * HOUR
        while place < len(sent) and sent[place] <= now:
            at = sent[place]
            known = seen.get(hour_of(at)) or Hour(hour_of(at), 0, at, at)
            seen[known.at] = replace(known, events=known.events + 1, last_seen=at)
            watched, place = replace(watched, last_seen=at), place + 1
        for old in [at for at in seen if at < now - 9 * WEEK]:
            del seen[old]
        watched, events = judge(watched, list(seen.values()), now)
        said.update(type(event) for event in events)
    months = (sent[-1] - sent[0]).days / 30
    assert said[SourceSilent] < months
    assert said[SourceVolumeDeviated] < 6


@given(st.floats(min_value=-1e7, max_value=1e7))
def test_a_skew_is_kept_to_about_a_tenth(seconds: float) -> None:
    assert skew_of(skew_bucket(seconds)) == pytest.approx(seconds, rel=0.11, abs=0.011)


def test_median_and_95th_percentile_of_skews() -> None:
    assert skew_at([(skew_bucket(1), 94), (skew_bucket(600), 6)], 0.5) == pytest.approx(1, rel=0.1)
    assert skew_at([(skew_bucket(1), 94), (skew_bucket(600), 6)], 0.95) == pytest.approx(600, rel=0.1)
    assert skew_at([], 0.5) is None


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Report Opend", "Report Opened"),
        ("report_opened", "Report Opened"),
        ("ReportOpened", "Report Opened"),
        ("Reprot Opened", "Report Opened"),
        ("Rport Openned", "Report Opened"),
        ("Logn", "Login"),
        ("Report Closed", None),
        ("Logout", None),
        ("Step 2", None),
    ],
)
def test_a_rare_name_close_to_a_frequent_one_is_found(name: str, other: str | None) -> None:
    counts = {"Report Opened": 5_000, "Login": 9_000, "Step 1": 4_000, name: 3}
    assert resembling([name, "Login"], counts) == ({name: other} if other else {})


def test_two_names_of_like_frequency_are_two_names() -> None:
    assert resembling(["Logn"], {"Login": 100, "Logn": 60}) == {}


@given(st.text("abc", max_size=8), st.text("abc", max_size=8))
def test_the_distance_of_names_is_symmetric_and_bounded(one: str, two: str) -> None:
    assert distance(one, two, 20) == distance(two, one, 20) <= max(len(one), len(two))
    assert (distance(one, two, 20) == 0) == (one == two)
    assert distance(one, two, 1) == min(distance(one, two, 20), 2)
