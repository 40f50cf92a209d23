"""Who sends too much: the rate of each key, and the room that one account may take."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from time import monotonic

from ingest.application.ports import TooFast
from ingest.domain.policy import Policy, Rate

FORGET_BEYOND = 10_000
"""Keys whose buckets are remembered; the one first seen is forgotten, and begins again with a full one."""


class _Bucket:
    __slots__ = ("at", "tokens")

    def __init__(self, tokens: float, at: float) -> None:
        self.tokens, self.at = tokens, at

    def fill(self, rate: Rate, at: float) -> float:
        """The tokens there are at that moment; below zero while what was admitted is not paid off."""
        self.tokens = min(float(rate.burst), self.tokens + (at - self.at) * rate.events_per_second)
        self.at = at
        return self.tokens


class TokenBuckets:
    """The rates of keys, each process for itself: with n processes a key may send n times as much.

    A request is admitted while its key's bucket holds a token, and then takes one for each of its events, into debt
    where there are not as many. So a batch larger than the burst passes too, and is paid off before the next.
    `now` answers seconds that never go back.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._buckets: dict[str, _Bucket] = {}

    def check(self, key_id: str, policy: Policy) -> None:
        """Whether a request of the key would be admitted now. Raises `TooFast`."""
        if policy.rate is not None:
            self._admitted(key_id, policy.rate)

    def take(self, key_id: str, policy: Policy, events: int) -> None:
        """Admit a request with so many events. Raises `TooFast`."""
        if policy.rate is not None:
            self._admitted(key_id, policy.rate).tokens -= events

    def _admitted(self, key_id: str, rate: Rate) -> _Bucket:
        now = self._now()
        bucket = self._buckets.get(key_id)
        if bucket is None:
            if len(self._buckets) >= FORGET_BEYOND:
                self._buckets.pop(next(iter(self._buckets)))
            bucket = self._buckets[key_id] = _Bucket(float(rate.burst), now)
        tokens = bucket.fill(rate, now)
        if tokens < 1:
            raise TooFast(max(1, ceil((1 - tokens) / rate.events_per_second)))
        return bucket


class AccountTooBusy(Exception):
    """One account has as much in flight as it may; its requests are to be repeated after `retry_after` seconds."""

    def __init__(self, account_id: str, retry_after: int) -> None:
        super().__init__(f"the account {account_id!r:.100} has too much in flight")
        self.account_id, self.retry_after = account_id, retry_after


class Held:
    """What one request holds: its bytes, for the accounts of its events."""

    __slots__ = ("account_ids", "shares", "size")

    def __init__(self, account_ids: Sequence[str], size: int) -> None:
        self.account_ids, self.size = account_ids, size
        self.shares: Mapping[str, int] | None = None
        """Bytes by account, once they were counted."""

    def count(self) -> Mapping[str, int]:
        """Bytes by account, in proportion to their events."""
        total = len(self.account_ids)
        counts = Counter(self.account_ids)
        self.shares = {account: max(1, self.size * count // total) for account, count in counts.items()}
        return self.shares


class AccountsInFlight:
    """How many bytes of bodies wait for the log on behalf of each account, and how many may.

    An account's events have one partition. When that is slow, what waits for it must not take the memory of all others.
    As long as everybody together has less in flight than one account may have, nobody's share is counted: counting
    costs 0.3 µs an event.
    """

    RETRY_AFTER = 2
    """Seconds."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.total = 0
        """Bytes of all requests in flight."""
        self.held: dict[str, int] = {}
        """Bytes by account, of the requests that were counted; an account with none is not in it."""
        self._uncounted: set[Held] = set()

    def hold(self, account_ids: Sequence[str], size: int) -> Held:
        """Hold `size` bytes for the events' accounts; what to `release`. Raises `AccountTooBusy`, and holds nothing.

        An account with nothing in flight is always let in, however large its request.
        """
        held = Held(account_ids, size)
        if self.total + size <= self.most or not account_ids:
            self._uncounted.add(held)
        else:
            for other in self._uncounted:
                self._add(other.count())
            self._uncounted.clear()
            shares = held.count()
            for account, share in shares.items():
                already = self.held.get(account)
                if already is not None and already + share > self.most:
                    raise AccountTooBusy(account, self.RETRY_AFTER)
            self._add(shares)
        self.total += size
        return held

    def release(self, held: Held) -> None:
        """What was held is no more."""
        self.total -= held.size
        if held.shares is None:
            self._uncounted.discard(held)
            return
        for account, share in held.shares.items():
            left = self.held[account] - share
            if left > 0:
                self.held[account] = left
            else:
                del self.held[account]

    def _add(self, shares: Mapping[str, int]) -> None:
        for account, share in shares.items():
            self.held[account] = self.held.get(account, 0) + share
