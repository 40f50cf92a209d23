"""How fast a destination may be called, and how carefully one is tried that only fails."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.deliveries import RETRY_AFTER, Delivered, Failed
from alerts.domain.destinations import ChannelKind
from alerts.domain.pacing import LINES_OF_A_DIGEST, OPENS_AFTER, QUOTAS, Pace, Plan, Quota
from tests.unit.alerts.facts import START

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ALLOWED = [
    (ChannelKind.SLACK, SECOND, 2),  # "about one a second": two within one and the instant after it
    (ChannelKind.TEAMS, SECOND, 4),
    (ChannelKind.WECOM, MINUTE, 20),
    (ChannelKind.DINGTALK, MINUTE, 19),  # below: the twenty-first blocks the robot for ten minutes
    (ChannelKind.FEISHU, MINUTE, 100),
    (ChannelKind.FEISHU, SECOND, 5),
]


@pytest.mark.parametrize(("kind", "span", "most"), ALLOWED)
@given(pauses=st.lists(st.integers(0, 4_000), min_size=1, max_size=300))
def test_no_span_holds_more_calls_than_the_vendor_allows(
    kind: ChannelKind, span: timedelta, most: int, pauses: list[int]
) -> None:
    quota, full_at, now, calls = QUOTAS[kind], None, START, []
    for pause in pauses:
        now += timedelta(milliseconds=pause)
        room = quota.room(full_at, now)
        assert 0 <= room <= quota.burst
        if room:  # as greedy as can be
            full_at = quota.after(full_at, now, room)
            calls += [now] * room

    for begin in calls:
        assert sum(begin <= at <= begin + span for at in calls) <= most


@given(
    quota=st.sampled_from([None, *QUOTAS.values()]),
    owed=st.integers(0, 8_000),
    waiting=st.integers(0, 200),
    trials=st.integers(0, 3),
    under_way=st.integers(0, 5),
    at_once=st.integers(1, 4),
    failures=st.integers(0, 12),
)
def test_a_plan_never_exceeds_the_quota_or_the_room(
    quota: Quota | None, owed: int, waiting: int, trials: int, under_way: int, at_once: int, failures: int
) -> None:
    full_at = START + timedelta(milliseconds=owed)
    probe = START if failures >= OPENS_AFTER else None
    plan = Pace(full_at, None, failures, probe).plan(
        quota, START, waiting=waiting, trials=trials, under_way=under_way, at_once=at_once
    )

    calls = plan.trials + plan.singles + (plan.digested > 0)
    assert calls <= max(at_once - under_way, 0)
    assert plan.singles + plan.digested <= waiting
    assert plan.trials <= trials
    assert plan.digested <= LINES_OF_A_DIGEST
    if quota is None:
        assert plan.digested == 0
    else:
        assert calls <= quota.room(full_at, START)
    if failures >= OPENS_AFTER:
        assert plan.digested == 0
        assert calls <= max(1, plan.trials)


def test_what_is_more_than_fits_soon_goes_as_a_digest_after_the_first() -> None:
    quota = QUOTAS[ChannelKind.WECOM]
    pace, now = Pace(), START
    plans = []
    waiting = 25
    for _ in range(3):
        plan = pace.plan(quota, now, waiting=waiting, trials=0, under_way=0, at_once=1)
        plans.append(plan)
        pace = pace.called(quota, now, 1)
        waiting -= plan.singles + plan.digested

    assert plans == [Plan(singles=1), Plan(digested=24), Plan()]


def test_a_destination_that_only_fails_is_probed_by_the_schedule() -> None:
    pace, now, pauses = Pace(), START, []
    for _ in range(OPENS_AFTER):
        assert pace.probe_at is None
        pace = pace.heard(Failed("away"), "c", now)
    for _ in range(10):
        assert pace.probe_at is not None
        pauses.append(pace.probe_at - now)
        straggler = pace.heard(Failed("away"), "c", now)
        assert straggler == pace  # it was begun before
        now = pace.probe_at
        pace = pace.heard(Failed("away"), "c", now)

    for pause, step in zip(pauses, [*RETRY_AFTER, *[RETRY_AFTER[-1]] * 3], strict=True):
        assert 0.8 * step <= pause <= 1.2 * step
    assert all(one <= other * 1.6 for one, other in pairwise(pauses))
    assert pace.heard(Delivered(), "c", now) == Pace()


def test_a_refusal_of_a_message_says_nothing_of_its_destination() -> None:
    pace = Pace(failures=3)

    assert pace.heard(Failed("bad card", retryable=False), "c", START) == pace


def test_the_longest_pause_counts_and_ends_after_a_day() -> None:
    pace = Pace().heard(Failed("busy", retry_after=timedelta(days=9)), "c", START)
    assert pace.blocked_until == START + timedelta(days=1)
    assert pace.heard(Failed("busy", retry_after=SECOND), "c", START).blocked_until == pace.blocked_until
    assert pace.plan(None, START, waiting=5, trials=1, under_way=0, at_once=4) == Plan()


def test_a_clock_set_back_by_an_hour_stops_nothing_and_another_machine_s_clock_gains_nothing() -> None:
    quota = QUOTAS[ChannelKind.DINGTALK]
    full_at = quota.after(None, START, 2)

    assert quota.room(full_at, START - timedelta(hours=1)) == quota.burst
    assert quota.room(full_at, START - timedelta(milliseconds=300)) == 0


@given(data=st.data(), at_once=st.integers(1, 4))
def test_processes_that_hold_ahead_never_call_more_at_once_than_one_without(data: st.DataObject, at_once: int) -> None:
    held, places, running = [0, 0, 0], [0, 0, 0], [0, 0, 0]
    for _ in range(30):
        one = data.draw(st.integers(0, 2))
        match data.draw(st.sampled_from(["claims", "calls", "ends"])):
            case "claims":
                others = sum(held) - held[one]
                ahead, pace = data.draw(st.integers(1, 16)), Pace(failures=data.draw(st.integers(0, 1)))
                plan = pace.plan(
                    None, START, waiting=99, trials=0, under_way=others, at_once=at_once, held=held[one], ahead=ahead
                )
                if plan.singles:
                    held[one] += plan.singles
                    places[one] = at_once - others
                assert held[one] <= at_once * ahead or not plan.singles
            case "calls":
                running[one] = min(places[one], held[one])
            case "ends" if running[one]:
                running[one] -= 1
                held[one] -= 1
        assert sum(running) <= at_once


def test_nobody_holds_ahead_for_who_failed_last_or_has_a_quota() -> None:
    hand = {"waiting": 50, "trials": 0, "under_way": 0, "at_once": 4, "held": 2, "ahead": 16}

    assert Pace().plan(None, START, **hand) == Plan(singles=50)
    assert Pace(failures=1).plan(None, START, **hand) == Plan(singles=2)
    assert Pace(failures=5, probe_at=START).plan(None, START, **hand) == Plan()
    assert Pace().plan(QUOTAS[ChannelKind.SLACK], START, **{**hand, "at_once": 1, "held": 1}) == Plan()
