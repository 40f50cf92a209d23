"""Replays: deliveries that were given up, sent again: all of those that a person described."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReplayUnknown(Exception):
    """There is no replay with that id."""

    def __init__(self, replay_id: str) -> None:
        super().__init__(f"no replay has the id {replay_id}")
        self.replay_id = replay_id


class DeliveryUnknown(Exception):
    """There is no delivery with that id."""

    def __init__(self, delivery_id: str) -> None:
        super().__init__(f"no delivery has the id {delivery_id}")
        self.delivery_id = delivery_id


class NotGivenUp(Exception):
    """The delivery is none that was given up, so there is nothing to send again."""

    def __init__(self, delivery_id: str, state: str) -> None:
        super().__init__(f"the delivery {delivery_id} is {state}; only a failed one can be replayed")
        self.delivery_id = delivery_id


class ReplayState(StrEnum):
    """Where a replay stands."""

    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which given-up deliveries; None: any. They were made at or after `since` and before `until`."""

    channel_id: str | None = None
    account_id: str | None = None
    alert_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """One replay. `total` were given up when it began; of those `replayed` wait to be sent again, `passed_over` do not.

    It goes through them oldest first; `seen` is the (instant, id) of the last one looked at.
    """

    id: str
    created_at: datetime
    created_by: str
    wanted: Wanted
    total: int
    state: ReplayState = ReplayState.RUNNING
    replayed: int = 0
    passed_over: int = 0
    seen: tuple[datetime, str] | None = None
    finished_at: datetime | None = None
