"""The stories against the default scorecard: the portfolio looks like a real one on whatever day somebody tries it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from health_score.domain.account import Account as ScoredAccount
from health_score.domain.account import Stated
from health_score.domain.activity import Activity, DayOfUse
from health_score.domain.assessment import assess
from health_score.domain.evidence import Evidence
from health_score.domain.history import Seats
from health_score.domain.scoring import Scorer
from health_score.domain.selection import Deployment
from health_score.scorecards.reading import read_scorecard
from standalone.demo.cast import CAST, Account
from standalone.demo.history import History

FIRST_RUNS = [datetime(2026, 11, 20, 7, tzinfo=UTC) + timedelta(days=9 * place, hours=5 * place) for place in range(7)]
"""Seven different weekdays and hours, New Year's holidays among them."""


@dataclass(frozen=True)
class Outcome:
    """Where an account stands; days are counted from the first run."""

    account: Account
    score: int | None
    band: str
    entered: int | None
    silent_since: int | None


def portfolio(now: datetime) -> list[Outcome]:
    """What health-score says once it knows everything: usage of half a year, and seats since today."""
    deployment = Deployment.of_one(Scorer(read_scorecard().card), now)
    history = History(now.date())
    return [_outcome(account, history, deployment, now) for account in CAST]


def _outcome(account: Account, history: History, deployment: Deployment, now: datetime) -> Outcome:
    zone = ZoneInfo(account.zone)
    days: defaultdict[date, DayOfUse] = defaultdict(DayOfUse)
    users: dict[str, int] = {}
    features: dict[str, int] = {}
    for use in history.between(account, history.begins, now):
        day = datetime.fromtimestamp(use.at, zone).date()
        days[day].count(users.setdefault(use.user_id, len(users)), features.setdefault(use.feature, len(features)))
    scored = ScoredAccount(account.id, 1, stated={"zone": Stated(account.zone, now, "fact")})
    today = scored.today(now)
    scored.seats = Seats(((today, account.seats),))
    for day in sorted(days):
        scored.was_active_on(day, today=today, by=["usage"])
    assess(scored, Evidence(Activity(today - timedelta(days=400), dict(days))), deployment, now, None)

    def counted(day: date | None) -> int | None:
        return None if day is None else (day - now.date()).days

    return Outcome(
        account,
        scored.health.score,
        scored.health.band.value,
        counted(scored.health.band_entered_on),
        counted(scored.silence.since) if scored.silence else None,
    )


@pytest.fixture(scope="module", params=FIRST_RUNS, ids=lambda now: f"{now:%a-%m-%d}")
def outcomes(request: pytest.FixtureRequest) -> list[Outcome]:
    now: datetime = request.param
    return portfolio(now)


def fresh(day: int | None) -> bool:
    """Within the week in which a transition is told."""
    return day is not None and day >= -6


def test_most_accounts_are_green_and_some_need_somebody(outcomes: list[Outcome]) -> None:
    bands = Counter(outcome.band for outcome in outcomes)

    assert 33 <= bands["green"] <= 42
    assert 7 <= bands["yellow"] <= 15
    assert 7 <= bands["red"] <= 12
    assert bands["unknown"] == 2


def test_some_accounts_have_just_turned_red_or_yellow_and_most_have_not(outcomes: list[Outcome]) -> None:
    red = [outcome for outcome in outcomes if outcome.band == "red" and fresh(outcome.entered)]
    yellow = [outcome for outcome in outcomes if outcome.band == "yellow" and fresh(outcome.entered)]

    assert 2 <= len(red) <= 9
    assert len(yellow) >= 1
    assert len(red) + len(yellow) <= 12


def test_some_accounts_have_just_gone_silent_and_others_long_ago(outcomes: list[Outcome]) -> None:
    since = [outcome.silent_since for outcome in outcomes if outcome.silent_since is not None]

    assert sum(map(fresh, since)) >= 3
    assert sum(not fresh(day) for day in since) >= 2


@pytest.mark.parametrize(
    ("stories", "bands"),
    [
        ({"healthy", "growing", "seasonal", "seats nearly used up", "recovering", "onboarding"}, {"green"}),
        ({"onboarding stuck"}, {"red", "yellow"}),
        ({"seats unused"}, {"yellow", "green"}),
        ({"not started"}, {"unknown"}),
    ],
    ids=lambda each: "-".join(sorted(each)),
)
def test_a_story_ends_in_the_band_that_a_csm_would_expect(
    outcomes: list[Outcome], stories: set[str], bands: set[str]
) -> None:
    assert {outcome.band for outcome in outcomes if outcome.account.story.title in stories} <= bands
