"""When a delivery is tried again, and when it is given up."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.domain.alerts import Notice
from alerts.domain.deliveries import JITTER, RETRY_AFTER, Failed, delivery_id, next_attempt, notification_id
from tests.unit.alerts.facts import START

AWAY = Failed("away")


@given(delivery=st.text(min_size=1), attempts=st.integers(1, len(RETRY_AFTER)))
def test_pauses_follow_the_schedule_within_the_jitter(delivery: str, attempts: int) -> None:
    again = next_attempt(delivery, attempts, AWAY, START)

    assert again is not None
    pause = RETRY_AFTER[attempts - 1]
    assert pause * (1 - JITTER) <= again - START <= pause * (1 + JITTER)


def test_what_failed_together_does_not_come_back_together() -> None:
    instants = {next_attempt(f"delivery {number}", 2, AWAY, START) for number in range(100)}

    assert len(instants) == 100


def test_the_eighth_failure_is_the_last() -> None:
    assert next_attempt("d", len(RETRY_AFTER), AWAY, START) is not None
    assert next_attempt("d", len(RETRY_AFTER) + 1, AWAY, START) is None


def test_what_is_not_worth_repeating_is_not_repeated() -> None:
    assert next_attempt("d", 1, Failed("no such mailbox", retryable=False), START) is None


@pytest.mark.parametrize(
    ("asked", "least"),
    [
        (timedelta(seconds=1), timedelta(seconds=4)),  # shorter than our own pause: ours
        (timedelta(minutes=10), timedelta(minutes=10)),
        (timedelta(days=30), timedelta(hours=24)),  # a destination cannot ask for a month
    ],
)
def test_a_destination_may_ask_for_patience(asked: timedelta, least: timedelta) -> None:
    again = next_attempt("d", 1, Failed("busy", retry_after=asked), START)

    assert again is not None
    assert least <= again - START <= max(least, timedelta(seconds=6))


def test_ids_are_stable_and_tell_apart() -> None:
    opened, resolved = notification_id("a1", Notice.OPENED), notification_id("a1", Notice.RESOLVED)

    assert opened == notification_id("a1", Notice.OPENED)
    ids = [opened, resolved, delivery_id(opened, "c1"), delivery_id(opened, "c2"), delivery_id(resolved, "c1")]
    assert all(one != other for one, other in pairwise(sorted(ids)))
