"""Keys that send too fast, and accounts that take too much room."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.application.limiting import AccountsInFlight, AccountTooBusy, Held, TokenBuckets
from ingest.application.ports import TooFast
from ingest.domain.limits import Limits
from ingest.domain.policy import Policy, Rate

SLOW = Policy("product", Limits(), Rate(events_per_second=10, burst=20))


class Stopwatch:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_batch_larger_than_the_burst_passes_and_is_paid_off_before_the_next() -> None:
    watch = Stopwatch()
    buckets = TokenBuckets(watch)
    buckets.take("k", SLOW, 50)
    with pytest.raises(TooFast) as fast:
        buckets.check("k", SLOW)
    assert fast.value.retry_after == 4

    watch.seconds += 3
    with pytest.raises(TooFast):
        buckets.take("k", SLOW, 1)
    watch.seconds += 0.125
    buckets.take("k", SLOW, 1)
    buckets.take("another", SLOW, 20)


def test_a_key_without_a_rate_is_never_too_fast() -> None:
    buckets = TokenBuckets(Stopwatch())
    for _ in range(3):
        buckets.take("k", Policy("product", Limits()), 1_000_000)


def test_an_account_may_hold_so_much_and_others_are_let_in_all_the_same() -> None:
    in_flight = AccountsInFlight(1_000)
    first = in_flight.hold(["hot"], 900)
    with pytest.raises(AccountTooBusy) as busy:
        in_flight.hold(["other", "hot"], 400)
    assert busy.value.account_id == "hot"
    other = in_flight.hold(["other"] * 3, 5_000)

    in_flight.release(first)
    in_flight.release(other)
    assert (in_flight.total, in_flight.held) == (0, {})


def test_what_was_let_in_uncounted_counts_once_it_matters() -> None:
    in_flight = AccountsInFlight(1_000)
    first = in_flight.hold(["hot"], 600)
    assert in_flight.held == {}

    second = in_flight.hold(["a", "a", "a", "b"], 800)
    assert in_flight.held == {"hot": 600, "a": 600, "b": 200}
    with pytest.raises(AccountTooBusy):
        in_flight.hold(["hot"], 500)

    in_flight.release(first)
    third = in_flight.hold(["hot"], 500)
    in_flight.release(second)
    in_flight.release(third)
    in_flight.release(in_flight.hold([], 100))
    assert (in_flight.total, in_flight.held) == (0, {})


def share(held: Held, account: str) -> int:
    events = held.account_ids.count(account)
    return max(1, held.size * events // len(held.account_ids)) if events else 0


@given(
    st.lists(st.tuples(st.lists(st.sampled_from("abc"), max_size=4), st.integers(1, 900), st.booleans()), max_size=40)
)
def test_no_account_has_more_than_it_may_but_by_one_large_request(steps: list[tuple[list[str], int, bool]]) -> None:
    in_flight = AccountsInFlight(1_000)
    held: list[Held] = []
    refusals: list[int] = []
    for account_ids, size, ends_one in steps:
        if ends_one and held:
            in_flight.release(held.pop(0))
        try:
            held.append(in_flight.hold(account_ids, size))
        except AccountTooBusy as busy:
            too_much = [*held, Held(account_ids, size)]
            refusals.append(sum(share(one, busy.account_id) for one in too_much))
        for account in "abc":
            shares = [part for one in held if (part := share(one, account))]
            assert sum(shares) <= 1_000 or len(shares) == 1
    assert in_flight.total == sum(one.size for one in held)
    assert all(size > 1_000 for size in refusals)
