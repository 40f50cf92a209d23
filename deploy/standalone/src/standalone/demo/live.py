"""The demo's present: what the accounts do while somebody watches.

Three kinds of events, each with an id that the same moment would get again: the rest of the accounts' own day, a light
pulse from customers at their desks, and now and then a turn in a story.
"""

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from standalone.demo.cast import CAST, Account
from standalone.demo.history import History, Use, is_workday, person_id
from standalone.demo.product import FEATURES
from standalone.demo.stories import Growing, Healthy, SeatsNearlyUsedUp

AHEAD = timedelta(hours=1)
"""The own days of the accounts are looked up this far ahead at a time."""

PULSE_STORIES = (Healthy, Growing, SeatsNearlyUsedUp)
"""The pulse comes from customers who do well: a few more events do not change what their story says."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A silent account comes back `after` the demo went live."""

    account_id: str
    after: timedelta


TURNS = (
    Turn("ember-and-oak", timedelta(minutes=2)),
    Turn("petrel-shipping", timedelta(minutes=6)),
    Turn("cantera-arquitectos", timedelta(minutes=20)),
)


class Present:
    """Draws what happens from `since` on. `woken` is told of accounts that come back, and knows those that did."""

    def __init__(
        self,
        history: History,
        since: datetime,
        *,
        seed: int,
        events_per_second: float,
        woken: dict[str, date],
        cast: Sequence[Account] = CAST,
    ) -> None:
        self._history = history
        self._cast = cast
        self._by_id = {account.id: account for account in cast}
        self._live_since = since
        self._until = since
        self._planned_until = since
        self._plan: list[Use] = []
        self._seed = seed
        self._events_per_second = events_per_second
        self._woken = woken

    def go_on(self, now: datetime) -> list[Use]:
        """What happened since the last call, in the order of time."""
        uses = [*self._own_days(now), *self._pulse(now), *self._turns(now)]
        self._until = max(self._until, now)
        return sorted(uses, key=lambda use: use.at)

    def _own_days(self, now: datetime) -> Iterator[Use]:
        while self._planned_until < now:
            begin, self._planned_until = self._planned_until, self._planned_until + AHEAD
            for account in self._cast:
                self._plan += self._history.between(account, begin, self._planned_until)
            self._plan.sort(key=lambda use: -use.at)
        while self._plan and self._plan[-1].at <= now.timestamp():
            yield self._plan.pop()

    def _pulse(self, now: datetime) -> Iterator[Use]:
        """One use for each tick of a clock that beats `events_per_second` times a second since 1970."""
        first = math.floor(self._until.timestamp() * self._events_per_second) + 1
        last = math.floor(now.timestamp() * self._events_per_second)
        if first > last:
            return
        working = [account for account in self._cast if isinstance(account.story, PULSE_STORIES)]
        weights = [account.people * working_share(account.zone, now) for account in working]
        for tick in range(first, last + 1):
            dice = random.Random(f"{self._seed}/pulse/{tick}")  # noqa: S311 - the same tick is the same event
            account = dice.choices(working, weights)[0]
            person = int(dice.triangular(0, account.people, 0))
            feature = dice.choices(FEATURES, [feature.weight for feature in FEATURES])[0]
            at = int(tick / self._events_per_second)
            yield Use(
                id=f"pulse-{tick}",
                account_id=account.id,
                user_id=person_id(account, min(person, account.people - 1)),
                event=dice.choice(feature.events),
                feature=feature.name,
                at=at,
            )

    def _turns(self, now: datetime) -> Iterator[Use]:
        for turn in TURNS:
            if turn.account_id in self._woken or turn.account_id not in self._by_id:
                continue
            if now < self._live_since + turn.after:
                continue
            account = self._by_id[turn.account_id]
            self._woken[account.id] = now.astimezone(ZoneInfo(account.zone)).date()
            for person in range(math.ceil(account.people / 2)):
                feature = FEATURES[person % 4]
                yield Use(
                    id=f"{account.id}-back-{person}",
                    account_id=account.id,
                    user_id=person_id(account, person),
                    event=feature.events[0],
                    feature=feature.name,
                    at=int(now.timestamp()),
                )


def working_share(zone: str, now: datetime) -> float:
    """How many of a team are at their desks: 1.0 in working hours, a little on their edges, next to none at night."""
    local = now.astimezone(ZoneInfo(zone))
    if not is_workday(zone, local.date()):
        return 0.01
    hour = local.hour + local.minute / 60
    if 9 <= hour < 17.5:
        return 1.0
    return 0.25 if 7.5 <= hour < 19 else 0.01
