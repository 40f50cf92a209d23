"""Sources: a product in an environment, whose events come in with keys of one label; and what is said of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ingest.domain.limits import Limits
from ingest.domain.policy import Action, Names, Rate

EVERY_SOURCE = "*"
"""In the place of a source's id: a tracking plan of this source holds for all of them."""


class SourceUnknown(Exception):
    """No such source: nobody described it, no key names it, nothing was seen of it."""

    def __init__(self, source_id: str) -> None:
        super().__init__(f"there is no source {source_id!r:.120}")


class PlannedEventUnknown(Exception):
    """The tracking plan of a source has no such event."""

    def __init__(self, source_id: str, event: str) -> None:
        super().__init__(f"the tracking plan of {source_id!r:.120} has no event {event!r:.120}")


class VersionDiffers(Exception):
    """What was to be replaced has changed since it was read."""

    def __init__(self, current: int | None) -> None:
        super().__init__("it does not exist yet" if current is None else f"its version is {current}")
        self.current = current


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """A source's own limits, where it has some. They lower the service's own and never raise them."""

    event_bytes: int | None = None
    body_bytes: int | None = None
    events: int | None = None

    def within(self, limits: Limits) -> Limits:
        """The limits that hold."""
        return Limits(
            event_bytes=min(self.event_bytes or limits.event_bytes, limits.event_bytes),
            body_bytes=min(self.body_bytes or limits.body_bytes, limits.body_bytes),
            events=min(self.events or limits.events, limits.events),
        )


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What an operator says of a source. `unplanned`: what becomes of events that its tracking plan does not know."""

    product: str | None = None
    environment: str | None = None
    limits: OwnLimits = OwnLimits()
    rate: Rate | None = None
    names: Names = field(default_factory=Names)
    dropped: tuple[str, ...] = ()
    hashed: tuple[str, ...] = ()
    unplanned: Action = Action.ALLOW


@dataclass(frozen=True, slots=True)
class Source:
    """A source that was described; `version` counts its changes from 1."""

    id: str
    settings: SourceSettings
    version: int
    updated_at: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event of a tracking plan: the JSON Schema of its properties, and what becomes of those that break it."""

    source_id: str
    event: str
    action: Action
    schema: Mapping[str, Any]
    version: int
    updated_at: datetime
    updated_by: str
