from collections import Counter
from datetime import UTC, date, datetime, timedelta

from standalone.demo.cast import CAST
from standalone.demo.history import History, Use
from standalone.demo.live import TURNS, Present, working_share
from standalone.demo.stories import Growing, Healthy, SeatsNearlyUsedUp

FIRST_DAY = date(2026, 3, 4)
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def present(*, rate: float = 2.0, since: datetime = NOW, woken: dict[str, date] | None = None) -> Present:
    return Present(History(FIRST_DAY), since, seed=1, events_per_second=rate, woken={} if woken is None else woken)


def pulse(uses: list[Use]) -> list[Use]:
    return [use for use in uses if use.id.startswith("pulse-")]


def test_the_pulse_beats_as_often_as_asked_whatever_the_ticks() -> None:
    often, seldom = present(), present()

    pieces = [use for second in range(1, 61) for use in often.go_on(NOW + timedelta(seconds=second / 2))]
    whole = seldom.go_on(NOW + timedelta(seconds=30))

    assert len(pulse(whole)) == 60
    assert {use.id: use for use in pieces} == {use.id: use for use in whole}


def test_a_moment_told_twice_has_the_same_events() -> None:
    first = present().go_on(NOW + timedelta(seconds=20))
    second = present(since=NOW + timedelta(seconds=10)).go_on(NOW + timedelta(seconds=20))

    told = {use.id: use for use in first}
    assert second
    assert all(told[use.id] == use for use in second)


def test_the_pulse_comes_from_customers_who_do_well_and_are_at_work() -> None:
    stories = {account.id: account for account in CAST}
    counts = Counter(use.account_id for use in pulse(present(rate=50).go_on(NOW + timedelta(minutes=1))))

    assert all(isinstance(stories[name].story, (Healthy, Growing, SeatsNearlyUsedUp)) for name in counts)
    asleep = sum(count for name, count in counts.items() if working_share(stories[name].zone, NOW) < 0.1)
    assert asleep < 0.05 * counts.total()


def test_the_rest_of_the_accounts_own_day_is_told_when_its_time_comes() -> None:
    history = History(FIRST_DAY)
    until = NOW + timedelta(hours=3)
    expected = {use.id for account in CAST for use in history.between(account, NOW, until)}
    quiet = present(rate=0)

    told = [use for minute in range(1, 181) for use in quiet.go_on(NOW + timedelta(minutes=minute))]

    own = [use for use in told if "-back-" not in use.id]
    assert Counter(use.id for use in own) == dict.fromkeys(expected, 1)


def test_a_silent_customer_comes_back_once_and_is_remembered() -> None:
    woken: dict[str, date] = {}
    turn = TURNS[0]
    here = present(rate=0, woken=woken)

    before = here.go_on(NOW + turn.after - timedelta(seconds=1))
    back = here.go_on(NOW + turn.after)
    again = present(rate=0, woken=woken).go_on(NOW + turn.after + timedelta(seconds=30))

    assert not [use for use in before if use.account_id == turn.account_id]
    assert len({use.user_id for use in back if use.account_id == turn.account_id}) >= 3
    assert woken == {turn.account_id: FIRST_DAY}
    assert not [use for use in again if use.account_id == turn.account_id]


def test_every_turn_is_about_a_silent_account_of_the_cast() -> None:
    silent = {account.id for account in CAST if account.story.title == "sudden silence"}

    assert {turn.account_id for turn in TURNS} <= silent


def test_a_clock_that_goes_back_repeats_nothing() -> None:
    here = present()
    here.go_on(NOW + timedelta(seconds=30))

    assert here.go_on(NOW + timedelta(seconds=10)) == []
    assert len(pulse(here.go_on(NOW + timedelta(seconds=31)))) == 2


def test_people_are_at_work_by_their_own_clocks() -> None:
    wednesday_morning_in_london = datetime(2026, 3, 4, 10, tzinfo=UTC)

    assert working_share("Europe/London", wednesday_morning_in_london) == 1.0
    assert working_share("America/Los_Angeles", wednesday_morning_in_london) < 0.1
    assert working_share("Europe/London", datetime(2026, 3, 7, 10, tzinfo=UTC)) < 0.1
    assert working_share("Asia/Riyadh", datetime(2026, 3, 6, 10, tzinfo=UTC)) < 0.1
