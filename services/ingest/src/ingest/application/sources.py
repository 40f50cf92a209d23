"""What is decided about sources, kept in memory for the hot routes, and changed by operators."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ingest.application.plans import CompiledEvent, Compiler
from ingest.application.ports import NotKept
from ingest.domain.limits import Limits
from ingest.domain.policy import Action, Plan, Policy, Rate
from ingest.domain.sources import EVERY_SOURCE, PlannedEvent, Source, SourceSettings
from mainstay.db.refreshing import keep_fresh

REFRESH_EVERY: Final = timedelta(seconds=2)


class Sources(Protocol):
    """Sources and tracking plans, as they are stored."""

    async def revision(self) -> int:
        """A number that moves with each change of a source or a plan."""

    async def everything(self) -> tuple[int, Sequence[Source], Sequence[PlannedEvent]]:
        """All sources and plans, and the revision at which they stood."""

    async def labels(self) -> Mapping[str, bool]:
        """Every source that is described, named by a key in force or seen; and whether it is described."""

    async def sources(self, ids: Sequence[str]) -> Mapping[str, Source]:
        """Those of the sources that are described."""

    async def replace(
        self, source_id: str, settings: SourceSettings, *, expected: int | None, at: datetime, by: str
    ) -> Source:
        """Describe a source anew; `expected` is the version that is to be replaced. Raises `VersionDiffers`."""


class Plans(Protocol):
    """Tracking plans, as they are stored."""

    async def planned(self, source_id: str, event: str) -> PlannedEvent | None:
        """One event of a plan."""

    async def plan_page(
        self, source_id: str | None, *, after: tuple[str, str] | None, limit: int
    ) -> Sequence[PlannedEvent]:
        """Planned events by (source, event), after one of them."""

    async def plan(
        self,
        source_id: str,
        event: str,
        action: Action,
        schema: Mapping[str, Any],
        *,
        expected: int | None,
        at: datetime,
        by: str,
    ) -> PlannedEvent:
        """Put an event into a plan, or replace it there. Raises `VersionDiffers`."""

    async def unplan(self, source_id: str, event: str) -> bool:
        """Take an event out of a plan; False where it was not in it."""

    async def count_planned(self, source_id: str) -> int:
        """How many events the plan of a source has."""


class SourceBook:
    """The policy of every source, in memory, read again every two seconds; what receiving calls `Policies`."""

    def __init__(self, sources: Sources, limits: Limits, rate: Rate | None = None) -> None:
        """`limits` and `rate` hold for sources that say nothing of their own."""
        self._sources, self._limits, self._rate = sources, limits, rate
        self._compile = Compiler()
        self._revision: int | None = None
        self._policies: dict[str, Policy] = {}
        self._plan_of_all: Mapping[str, CompiledEvent] = {}

    def of(self, source_id: str) -> Policy:
        """A source's policy.

        Raises `NotKept` until the policies were read for the first time: what is to be dropped must not pass before.
        """
        policy = self._policies.get(source_id)
        if policy is None:
            if self._revision is None:
                raise NotKept("the sources' policies were not read yet")
            policy = self._policies[source_id] = self._made(source_id, SourceSettings(), {})  # as many as keys
        return policy

    async def refresh(self) -> None:
        """Read the policies, if any changed."""
        if self._revision is not None and await self._sources.revision() == self._revision:
            return
        revision, sources, planned = await self._sources.everything()
        plans: dict[str, dict[str, CompiledEvent]] = {}
        for (source_id, event), compiled in self._compile(planned).items():
            plans.setdefault(source_id, {})[event] = compiled
        self._plan_of_all = plans.pop(EVERY_SOURCE, {})
        described = {source.id: source.settings for source in sources}
        self._policies = {
            source_id: self._made(source_id, described.get(source_id, SourceSettings()), plans.get(source_id, {}))
            for source_id in described.keys() | plans.keys()
        }
        self._revision = revision

    async def run(self, stopping: asyncio.Event) -> None:
        """Keep the policies fresh until told to stop."""
        await keep_fresh(self.refresh, "the sources", stopping, every=REFRESH_EVERY)

    def _made(self, source_id: str, settings: SourceSettings, plan: Mapping[str, CompiledEvent]) -> Policy:
        events = {**self._plan_of_all, **plan}
        return Policy(
            source_id=source_id,
            limits=settings.limits.within(self._limits),
            rate=settings.rate or self._rate,
            names=settings.names,
            dropped=frozenset(settings.dropped),
            hashed=frozenset(settings.hashed),
            plan=Plan(events, settings.unplanned) if events or settings.unplanned is not Action.ALLOW else None,
        )
