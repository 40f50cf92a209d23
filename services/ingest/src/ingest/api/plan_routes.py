"""The routes of tracking plans: what events should look like, and what they were seen to look like."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.api.source_routes import NO_CONTROL
from ingest.application.health import LearnedEvent, LearnedPlan, LookAtLearnedPlan
from ingest.application.plans import SchemaRefused, compiled
from ingest.application.sources import Plans
from ingest.domain.policy import Action
from ingest.domain.sources import PlannedEvent, PlannedEventUnknown
from mainstay.kernel.clock import Clock
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

MOST_PLANNED = 1_000
"""Events of one source's plan."""

_SCHEMA_REFUSED = Problem(422, "schema-refused", "The schema is not acceptable")
_PLAN_FULL = Problem(422, "plan-full", "The tracking plan is full")

_PlanSource = Annotated[
    str, Path(min_length=1, max_length=200, pattern=NO_CONTROL, description="A source, or `*` for all of them")
]
_Event = Annotated[str, Path(min_length=1, max_length=500, pattern=NO_CONTROL, description="The event's name")]
_OfSource = Annotated[str, Query(min_length=1, max_length=200, pattern=NO_CONTROL)]


@dataclass(frozen=True, slots=True)
class PlanHandlers:
    """What the routes call."""

    plans: Plans
    learned: LookAtLearnedPlan
    clock: Clock


class PlannedBody(BaseModel):
    """What an event should look like, and what becomes of one that does not."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    action: Action = Field(
        default=Action.WARN,
        description="allow: nothing; warn: it is taken and counted; quarantine: it is refused and kept aside",
    )
    properties: dict[str, Any] = Field(
        alias="schema", description="JSON Schema (draft 2020-12) of the event's properties; it stands alone"
    )


class PlannedView(BaseModel):
    """One event of a tracking plan."""

    model_config = ConfigDict(populate_by_name=True)

    source: str
    event: str
    action: Action
    properties: Mapping[str, Any] = Field(alias="schema")
    version: int
    updated_at: datetime
    updated_by: str = Field(description="The API key's id")

    @classmethod
    def of(cls, planned: PlannedEvent) -> "PlannedView":
        """As it stands."""
        return cls(
            source=planned.source_id,
            event=planned.event,
            action=planned.action,
            properties=planned.schema,
            version=planned.version,
            updated_at=planned.updated_at,
            updated_by=planned.updated_by,
        )


class LearnedPropertyView(BaseModel):
    """One property of an event name, among the events that were looked at."""

    name: str
    count: int = Field(description="Events that have it")
    share: float
    types: dict[str, int] = Field(description="JSON type -> events")


class LearnedView(BaseModel):
    """One event name that was seen."""

    event: str
    count: int
    share: float = Field(description="Of all usage events of the source")
    first_seen: datetime
    last_seen: datetime
    resembles: str | None = Field(description="A much more frequent name that this one may be a slip of the pen for")
    looked_at: int = Field(description="Events whose properties were looked at: the first 1,000, then one in 16")
    properties: list[LearnedPropertyView]
    other_properties: int = Field(description="Occurrences of properties beyond the first 200")

    @classmethod
    def of(cls, learned: LearnedEvent, plan: LearnedPlan) -> "LearnedView":
        """What was learned."""
        return cls(
            event=learned.event,
            count=learned.count,
            share=round(learned.count / plan.total, 6) if plan.total else 0.0,
            first_seen=learned.first_seen,
            last_seen=learned.last_seen,
            resembles=plan.resembles.get(learned.event),
            looked_at=learned.looked_at,
            properties=[
                LearnedPropertyView(
                    name=name,
                    count=sum(types.values()),
                    share=round(sum(types.values()) / learned.looked_at, 6) if learned.looked_at else 0.0,
                    types=dict(types),
                )
                for name, types in learned.types.items()
            ],
            other_properties=learned.other_properties,
        )


class LearnedPage(Page[LearnedView]):
    """A page of what was seen."""

    total: int = Field(description="Usage events of the source")
    others: int = Field(description="Those of them under names beyond the first 1,000")


def plan_routes(handlers: PlanHandlers) -> Routes:
    """Tracking plans, decided and learned."""
    routes = Routes(tag="tracking plan")
    plans = handlers.plans

    @routes.get("/tracking-plan", scope="ingest:read", answers=Page[PlannedView])
    async def list_planned(
        source: Annotated[_OfSource | None, Query(description="Only this source's; * for the plan of all")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[PlannedView]:
        """The events of tracking plans, by source and name."""
        after = decode_cursor("tracking-plan", cursor, tuple[str, str]) if cursor is not None else None
        found = await plans.plan_page(source, after=after, limit=limit + 1)
        page = found[:limit]
        return Page(
            data=[PlannedView.of(each) for each in page],
            next_cursor=encode_cursor("tracking-plan", [page[-1].source_id, page[-1].event])
            if len(found) > limit
            else None,
        )

    @routes.get("/tracking-plan/observed", scope="ingest:read", answers=LearnedPage)
    async def list_observed(source: _OfSource, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> LearnedPage:
        """The event names of a source as they were seen, with their properties; some seconds old."""
        after = decode_cursor("observed", cursor, tuple[str])[0] if cursor is not None else None
        learned = await handlers.learned(source, after=after, limit=limit + 1)
        page = learned.events[:limit]
        return LearnedPage(
            data=[LearnedView.of(each, learned) for each in page],
            next_cursor=encode_cursor("observed", [page[-1].event]) if len(learned.events) > limit else None,
            total=learned.total,
            others=learned.others,
        )

    @routes.get("/tracking-plan/{source}/{event:path}", scope="ingest:read", answers=PlannedView)
    async def get_planned(source: _PlanSource, event: _Event, response: Response) -> PlannedView:
        """One event of a tracking plan; its version is the ETag."""
        planned = await plans.planned(source, event)
        if planned is None:
            raise PlannedEventUnknown(source, event)
        response.headers["ETag"] = etag(planned.version)
        return PlannedView.of(planned)

    @routes.put("/tracking-plan/{source}/{event:path}", scope="ingest:write", answers=PlannedView)
    async def put_planned(
        source: _PlanSource,
        event: _Event,
        body: PlannedBody,
        caller: Caller,
        response: Response,
        if_match: IfMatch = None,
    ) -> PlannedView:
        """Plan an event: the JSON Schema of its properties. In force within two seconds.

        What a source plans itself goes before what is planned for all sources (`*`).
        """
        version = expected(if_match)
        try:
            compiled(body.properties)
        except SchemaRefused as refused:
            errors = [{"pointer": "/schema" + fault.pointer, "detail": fault.detail} for fault in refused.faults]
            raise ProblemError(_SCHEMA_REFUSED, f"{refused}", errors=errors) from None
        if await plans.planned(source, event) is None and await plans.count_planned(source) >= MOST_PLANNED:
            raise ProblemError(_PLAN_FULL, f"the plan of a source has at most {MOST_PLANNED} events")
        planned = await plans.plan(
            source, event, body.action, body.properties, expected=version, at=handlers.clock.now(), by=caller.id
        )
        response.headers["ETag"] = etag(planned.version)
        return PlannedView.of(planned)

    @routes.delete("/tracking-plan/{source}/{event:path}", scope="ingest:write")
    async def delete_planned(source: _PlanSource, event: _Event) -> None:
        """Take an event out of a tracking plan. In force within two seconds."""
        if not await plans.unplan(source, event):
            raise PlannedEventUnknown(source, event)

    return routes
