from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standalone.demo.cast import CAST, RIYADH, Account
from standalone.demo.history import History, Use
from standalone.demo.product import FEATURES
from standalone.demo.stories import (
    HISTORY_DAYS,
    Declining,
    Growing,
    Healthy,
    MonthEnd,
    NotStarted,
    OnboardingStuck,
    OneTime,
    Recovering,
    SeatsNearlyUsedUp,
    Silent,
)

FIRST_DAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)

Past = dict[str, list[Use]]


@pytest.fixture(scope="module")
def past() -> Past:
    history = History(FIRST_DAY)
    return {account.id: list(history.between(account, history.begins, NOW)) for account in CAST}


def days(account: Account, uses: list[Use]) -> Counter[int]:
    zone = ZoneInfo(account.zone)
    return Counter((datetime.fromtimestamp(use.at, zone).date() - FIRST_DAY).days for use in uses)


def events(counts: Counter[int], first: int, last: int) -> int:
    return sum(count for day, count in counts.items() if first <= day <= last)


def people(account: Account, uses: list[Use], first: int, last: int) -> int:
    zone = ZoneInfo(account.zone)
    return len(
        {use.user_id for use in uses if first <= (datetime.fromtimestamp(use.at, zone).date() - FIRST_DAY).days <= last}
    )


def with_story(*stories: type) -> list[Account]:
    return [account for account in CAST if isinstance(account.story, stories)]


def test_sixty_accounts_have_about_a_hundred_thousand_events_in_half_a_year(past: Past) -> None:
    uses = [use for of_account in past.values() for use in of_account]

    assert len(past) == 60
    assert 90_000 <= len(uses) <= 115_000
    assert min(use.at for use in uses) >= History(FIRST_DAY).begins.timestamp()
    assert NOW.timestamp() - 3600 < max(use.at for use in uses) <= NOW.timestamp()


def test_every_event_has_an_id_of_its_own_that_ingest_takes(past: Past) -> None:
    ids = Counter(use.id for of_account in past.values() for use in of_account)

    assert ids.most_common(1)[0][1] == 1
    assert max(map(len, ids)) < 100


def test_the_same_seed_gives_the_same_history(past: Past) -> None:
    again = History(FIRST_DAY)

    for account in CAST[::7]:
        assert list(again.between(account, again.begins, NOW)) == past[account.id]


def test_another_seed_gives_other_days_for_the_same_customers(past: Past) -> None:
    other = History(FIRST_DAY, seed=1)

    uses = list(other.between(CAST[0], other.begins, NOW))
    assert uses != past[CAST[0].id]
    assert abs(len(uses) - len(past[CAST[0].id])) < 0.2 * len(uses)


@settings(max_examples=25, deadline=None)
@given(
    account=st.sampled_from(CAST),
    cuts=st.lists(st.integers(0, 40 * 24 * 3600), min_size=1, max_size=5),
)
def test_a_history_asked_for_in_pieces_is_the_same_as_the_whole(account: Account, cuts: list[int]) -> None:
    history = History(FIRST_DAY)
    begin = NOW - timedelta(days=30)
    end = begin + timedelta(days=40)
    edges = [begin, *sorted(begin + timedelta(seconds=cut) for cut in cuts), end]

    pieces = [use for after, until in pairwise(edges) for use in history.between(account, after, until)]

    assert pieces == list(history.between(account, begin, end))


def test_people_work_in_their_own_zones_working_hours_and_hardly_on_weekends(past: Past) -> None:
    for account in with_story(Healthy, Growing, SeatsNearlyUsedUp):
        zone = ZoneInfo(account.zone)
        at = [datetime.fromtimestamp(use.at, zone) for use in past[account.id]]
        weekend = {4, 5} if account.zone == RIYADH else {5, 6}

        assert all(7 <= moment.hour <= 19 for moment in at)
        assert sum(moment.weekday() in weekend for moment in at) < 0.05 * len(at)


def test_a_holiday_is_quiet(past: Past) -> None:
    (castellan,) = (account for account in CAST if account.id == "castellan-bank")
    counts = days(castellan, past[castellan.id])
    christmas = (date(2025, 12, 25) - FIRST_DAY).days

    assert counts[christmas] < 0.3 * counts[christmas - 7]


def test_growing_customers_have_more_people_and_features_than_half_a_year_ago(past: Past) -> None:
    for account in with_story(Growing):
        uses = past[account.id]
        assert people(account, uses, -28, -1) > 1.3 * people(account, uses, -HISTORY_DAYS, -HISTORY_DAYS + 27)


def test_declining_customers_use_less_and_less(past: Past) -> None:
    for account in with_story(Declining):
        assert isinstance(account.story, Declining)
        counts = days(account, past[account.id])
        before = events(counts, account.story.begins - 28, account.story.begins - 1)
        done = min(1.0, -account.story.begins / (account.story.ends - account.story.begins))
        assert events(counts, -28, -1) < (1 - 0.5 * done) * before


def test_silent_customers_worked_until_they_stopped(past: Past) -> None:
    for account in with_story(Silent):
        assert isinstance(account.story, Silent)
        counts = days(account, past[account.id])
        assert account.story.last - 2 <= max(counts) <= account.story.last
        assert events(counts, account.story.last - 28, account.story.last) > 60


def test_accountants_are_busy_around_the_end_of_a_month(past: Past) -> None:
    for account in with_story(MonthEnd):
        counts = days(account, past[account.id])
        busy = quiet = 0
        for day in range(-HISTORY_DAYS, 0):
            on = FIRST_DAY + timedelta(days=day)
            if on.weekday() < 5 and on.day in {1, 2, 3, 4, 5, 28, 29, 30, 31}:
                busy = max(busy, counts[day])
            elif on.weekday() < 5 and 10 <= on.day <= 20:
                quiet = max(quiet, counts[day])
        assert busy > quiet


def test_stuck_customers_have_hardly_anybody_at_work(past: Past) -> None:
    for account in with_story(OnboardingStuck):
        assert isinstance(account.story, OnboardingStuck)
        counts = days(account, past[account.id])
        assert min(counts) >= account.story.begins
        assert people(account, past[account.id], -28, 0) <= 3 < 0.25 * account.seats


def test_customers_with_full_seats_use_nearly_all_of_them(past: Past) -> None:
    for account in with_story(SeatsNearlyUsedUp):
        assert people(account, past[account.id], -28, 0) >= 0.85 * account.seats


def test_projects_begin_and_end_and_some_never_start(past: Past) -> None:
    for account in with_story(OneTime):
        assert isinstance(account.story, OneTime)
        counts = days(account, past[account.id])
        assert account.story.begins <= min(counts)
        assert max(counts) <= account.story.ends
    for account in with_story(NotStarted):
        assert past[account.id] == []


def test_a_decline_that_was_turned_has_its_low_in_the_middle(past: Past) -> None:
    for account in with_story(Recovering):
        counts = days(account, past[account.id])
        low = events(counts, -90, -71)
        assert events(counts, -175, -156) > 1.5 * low
        assert events(counts, -20, -1) > 1.5 * low


def test_a_silent_customer_who_came_back_works_from_the_next_day_on() -> None:
    (account,) = (account for account in CAST if account.id == "petrel-shipping")
    history = History(FIRST_DAY, woken={account.id: FIRST_DAY})

    assert history.on(account, FIRST_DAY) == []
    assert len(history.on(account, FIRST_DAY + timedelta(days=1))) > 3


def test_events_name_features_of_the_product(past: Past) -> None:
    said_by = {event: feature.name for feature in FEATURES for event in feature.events}

    for uses in past.values():
        assert all(said_by[use.event] == use.feature for use in uses)


def test_accounts_are_told_apart_and_spread_over_the_world() -> None:
    assert len({account.id for account in CAST}) == len({account.name for account in CAST}) == 60
    assert {account.zone.partition("/")[0] for account in CAST} == {
        "Europe",
        "America",
        "Asia",
        "Australia",
        "Pacific",
        "Africa",
    }
    assert len({account.owner for account in CAST}) == 5
    assert all(account.owner.endswith("@example.com") for account in CAST)
