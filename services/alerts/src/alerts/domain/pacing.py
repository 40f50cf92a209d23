"""Pace: how fast a destination may be called, and how carefully one is tried that only fails.

The state is one row a channel, shared by all processes and kept over restarts. A quota is a GCRA (ITU-T I.371, the
"virtual scheduling algorithm"): `full_at` is the theoretical arrival time of the next call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.domain.deliveries import LONGEST_RETRY_AFTER, RETRY_AFTER, Delivered, Failed, jittered
from alerts.domain.destinations import ChannelKind

OPENS_AFTER = 5
"""Failures one after the other after which a destination is only probed."""

PATIENCE = timedelta(seconds=10)
"""What fits within this time is sent message by message; what is more goes into a digest."""

LINES_OF_A_DIGEST = 30
"""So many lines of about 100 bytes fit into the smallest message (WeCom, 4,096 bytes)."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A call `every` so often on average, of which `burst` may come at once."""

    every: timedelta
    burst: int

    def room(self, full_at: datetime | None, now: datetime) -> int:
        """How many calls may be made now."""
        return (self.burst * self.every - self._owed(full_at, now)) // self.every

    def room_soon(self, full_at: datetime | None, now: datetime) -> int:
        """How many calls may be made until `PATIENCE` is over."""
        return (self.burst * self.every + PATIENCE - self._owed(full_at, now)) // self.every

    def after(self, full_at: datetime | None, now: datetime, calls: int) -> datetime:
        """The theoretical arrival time after so many calls now."""
        return now + self._owed(full_at, now) + calls * self.every

    def _owed(self, full_at: datetime | None, now: datetime) -> timedelta:
        owed, most = max((full_at or now) - now, timedelta(0)), self.burst * self.every
        # More is never owed. A little more is another machine's clock; much more is a clock that was set back, and
        # that must not stop a channel for an hour.
        return min(owed, most) if owed <= most + PATIENCE else timedelta(0)


QUOTAS: Mapping[ChannelKind, Quota] = {
    ChannelKind.SLACK: Quota(timedelta(seconds=1), burst=1),
    ChannelKind.TEAMS: Quota(timedelta(seconds=0.3), burst=1),
    ChannelKind.WECOM: Quota(timedelta(seconds=4), burst=2),
    ChannelKind.DINGTALK: Quota(timedelta(seconds=4), burst=2),
    ChannelKind.FEISHU: Quota(timedelta(seconds=0.75), burst=3),
}
"""Below what the vendors allow (Slack 1/s, Teams 4/s, WeCom and DingTalk 20/min, Feishu 100/min and 5/s): 17 calls to a
robot of WeCom or DingTalk in any minute, and 19 where each takes 10 s to arrive, which is how long a call may last."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a channel may be sent now: so many `trials` and `singles`, each a call, and a digest of so many `digested`.

    A trial is a test that somebody asked for: it goes before what waits, also to a destination that is only probed.
    """

    trials: int = 0
    singles: int = 0
    digested: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a destination is being called. `failures` came one after the other; `blocked_until`: it asked for a pause.

    After `OPENS_AFTER` failures it is sent one message at a time, the next one at `probe_at`.
    """

    full_at: datetime | None = None
    blocked_until: datetime | None = None
    failures: int = 0
    probe_at: datetime | None = None

    def plan(
        self,
        quota: Quota | None,
        now: datetime,
        *,
        waiting: int,
        trials: int,
        under_way: int,
        at_once: int,
        held: int = 0,
        ahead: int = 1,
    ) -> Plan:
        """What may be sent now of what is `waiting`, with `under_way` calls of at most `at_once` begun by others.

        Whoever asks holds `held` calls, and may hold `ahead` for each that may go at once where there is no quota and
        the last call went well. Without a quota nothing is digested. With one, what is more than fits soon goes as one
        digest, the rest singly.
        """
        is_well = quota is None and self.failures == 0
        free = max(at_once - under_way, 0) * (ahead if is_well else 1) - held
        if free <= 0 or (self.blocked_until is not None and self.blocked_until > now):
            return Plan()
        fits = free if quota is None else quota.room(self.full_at, now)
        tried = min(trials, free, fits)
        free, fits = free - tried, fits - tried
        if self.probe_at is not None:
            is_time = self.probe_at <= now and under_way + held + tried == 0
            return Plan(tried, singles=min(int(is_time), waiting, fits))
        room = min(free, fits)
        if quota is None or room == 0 or waiting <= quota.room_soon(self.full_at, now) - tried:
            return Plan(tried, singles=min(room, waiting))
        singles = min(room, fits - 1)
        is_last = room > singles and fits - singles == 1
        return Plan(tried, singles, digested=min(waiting - singles, LINES_OF_A_DIGEST) if is_last else 0)

    def called(self, quota: Quota | None, now: datetime, calls: int) -> "Pace":
        """After so many calls were begun."""
        return self if quota is None else replace(self, full_at=quota.after(self.full_at, now, calls))

    def heard(self, outcome: Delivered | Failed, channel_id: str, now: datetime) -> "Pace":
        """After a call came to its end.

        An answer about the message alone, one that says not to try it again, tells nothing of the destination.
        """
        match outcome:
            case Delivered():
                return replace(self, failures=0, probe_at=None)
            case Failed(retryable=retryable, retry_after=pause):
                blocked = self.blocked_until
                if pause is not None:
                    blocked = max(now + min(pause, LONGEST_RETRY_AFTER), blocked or now)
                if not retryable:
                    return replace(self, blocked_until=blocked)
                if self.probe_at is not None and self.probe_at > now:
                    return replace(self, blocked_until=blocked)  # begun before it opened: it is no probe that failed
                failures, probe = self.failures + 1, None
                if failures >= OPENS_AFTER:
                    step = min(failures - OPENS_AFTER, len(RETRY_AFTER) - 1)
                    probe = now + jittered(RETRY_AFTER[step], channel_id, failures)
                return Pace(self.full_at, blocked, failures, probe)

    def forgiven(self) -> "Pace":
        """Somebody says that the destination is well again. The quota stays as it is."""
        return Pace(self.full_at)
