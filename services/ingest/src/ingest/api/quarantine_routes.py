"""Looking at what was put aside, reading it again, and deleting it."""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from ingest.application.quarantine import Count, EventUnknown, Filter, Kept, Opens, State
from ingest.application.replaying import Outcome, ReplayMany, ReplayOne
from mainstay.messaging.port import LogUnavailable
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Routes

PROBLEMS: Mapping[type[Exception], Problem] = {
    EventUnknown: Problem(404, "event-unknown", "There is no such event in quarantine"),
    LogUnavailable: Problem(503, "log-unavailable", "The event log is not available", retry_after=2),
}
FILTER_MISSING = Problem(422, "filter-missing", "A filter is needed")
RANGE_BACKWARDS = Problem(422, "range-backwards", "The range ends before it starts")

_MOST_ID = 2**63 - 1


def _storable_instant(stated: datetime) -> datetime:
    """Of the years that both Python and PostgreSQL know in every zone."""
    if not 1970 <= stated.year <= 9998:
        raise ValueError("instants lie in the years 1970 to 9998")
    return stated.astimezone(UTC)


Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Instant = Annotated[AwareDatetime, AfterValidator(_storable_instant)]
EventId = Annotated[int, Path(ge=1, le=_MOST_ID)]
Place = Annotated[int, msgspec.Meta(ge=1, le=_MOST_ID)]
Source = Annotated[Text | None, Query(description="Only of this source")]
Reason = Annotated[Text | None, Query(description="Only with this code, such as plan-violated")]
OfState = Annotated[State | None, Query(description="Only in this state")]
Protocol = Annotated[Text | None, Query(description="Only of this protocol")]
User = Annotated[Text | None, Query(description="Only of this user, where the user is known")]
From = Annotated[Instant | None, Query(alias="from", description="Received at or after this instant")]
To = Annotated[Instant | None, Query(description="Received before this instant")]


@dataclass(frozen=True, slots=True)
class QuarantineHandlers:
    """What the routes call."""

    work: Opens
    replay_one: ReplayOne
    replay_many: ReplayMany


class QuarantinedView(BaseModel):
    """An event that was put aside."""

    id: str
    source: str
    protocol: str
    key_id: str
    state: State
    reason: str = Field(description="A stable code")
    detail: str
    pointer: str = Field(description="JSON pointer into the event")
    event_id: str | None
    event_id_was_made: bool = Field(description="The sender gave none")
    user_id: str | None
    received_at: datetime
    last_at: datetime = Field(description="When the same was last put aside")
    times: int = Field(description="How often it was")
    trace_id: str
    document: str = Field(description="The event as it arrived")
    document_encoding: Literal["utf-8", "base64"]

    @classmethod
    def of(cls, kept: Kept) -> "QuarantinedView":
        """The event as it is shown."""
        document, encoding = _shown(kept.document)
        return cls(
            id=str(kept.id),
            source=kept.source,
            protocol=kept.protocol,
            key_id=kept.key_id,
            state=kept.state,
            reason=kept.reason,
            detail=kept.detail,
            pointer=kept.pointer,
            event_id=kept.event_id,
            event_id_was_made=kept.made_id,
            user_id=kept.user_id,
            received_at=kept.received_at,
            last_at=kept.last_at,
            times=kept.times,
            trace_id=kept.traceparent[3:35],
            document=document,
            document_encoding=encoding,
        )


class ReplayView(BaseModel):
    """What became of an event that was read again; `event` is null where it left quarantine."""

    outcome: Outcome
    event: QuarantinedView | None


class FilterBody(BaseModel):
    """Which events are meant; at least one field is said."""

    model_config = ConfigDict(extra="forbid")

    source: Text | None = None
    reason: Text | None = None
    state: State | None = None
    protocol: Text | None = None
    user: Text | None = None
    received_from: Instant | None = Field(default=None, alias="from")
    received_to: Instant | None = Field(default=None, alias="to")


class MarkedView(BaseModel):
    """How many events were marked; they are read again in the background."""

    marked: int


class DeletedView(BaseModel):
    """How many events were deleted."""

    deleted: int


class CountView(BaseModel):
    """How many events of a source are aside for a reason."""

    source: str
    reason: str
    state: State
    events: int
    bytes: int

    @classmethod
    def of(cls, count: Count) -> "CountView":
        """The figures as they are told."""
        return cls(source=count.source, reason=count.reason, state=count.state, events=count.events, bytes=count.bytes)


class SummaryView(BaseModel):
    """All that is aside, in figures."""

    data: list[CountView]


def quarantine_routes(handlers: QuarantineHandlers) -> Routes:
    """List, show, replay, delete."""
    routes = Routes(tag="quarantine")

    @routes.get("/quarantine", scope="ingest:read", answers=Page[QuarantinedView])
    async def list_quarantine(
        source: Source = None,
        reason: Reason = None,
        state: OfState = None,
        protocol: Protocol = None,
        user: User = None,
        received_from: From = None,
        to: To = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[QuarantinedView]:
        """Events that were refused, or that wait until their user's account is known; newest first.

        A page holds fewer than `limit` where they are large; `next_cursor` says whether more follow.
        """
        wanted = _filter(source, reason, state, protocol, user, received_from, to)
        before = decode_cursor("quarantine", cursor, tuple[Place])[0] if cursor is not None else None
        async with handlers.work() as work:
            page, more_follow = await work.shelf.page(wanted, before=before, limit=limit)
        return Page(
            data=[QuarantinedView.of(kept) for kept in page],
            next_cursor=encode_cursor("quarantine", [page[-1].id]) if more_follow else None,
        )

    @routes.get("/quarantine/summary", scope="ingest:read", answers=SummaryView)
    async def summarise_quarantine() -> SummaryView:
        """How many events are aside, by source, reason and state."""
        async with handlers.work() as work:
            return SummaryView(data=[CountView.of(count) for count in await work.shelf.counts()])

    @routes.get("/quarantine/{event:int}", scope="ingest:read", answers=QuarantinedView)
    async def get_quarantined(event: EventId) -> QuarantinedView:
        """One event."""
        async with handlers.work() as work:
            kept = await work.shelf.get(event)
        if kept is None:
            raise EventUnknown(f"there is no event {event} in quarantine")
        return QuarantinedView.of(kept)

    @routes.post("/quarantine/replay", scope="ingest:write", answers=MarkedView, status=202)
    async def replay_quarantine(body: FilterBody) -> MarkedView:
        """Read events again in the background, by the rules of now; those still refused stay, with the new reason."""
        wanted = _filter(
            body.source, body.reason, body.state, body.protocol, body.user, body.received_from, body.received_to
        )
        return MarkedView(marked=await handlers.replay_many(_some(wanted)))

    @routes.post("/quarantine/{event:int}/replay", scope="ingest:write", answers=ReplayView)
    async def replay_quarantined(event: EventId) -> ReplayView:
        """Read one event again now, by the rules of now. It leaves quarantine once the log has acknowledged it."""
        outcome, kept = await handlers.replay_one(event)
        return ReplayView(outcome=outcome, event=QuarantinedView.of(kept) if kept is not None else None)

    @routes.delete("/quarantine", scope="ingest:write", answers=DeletedView, status=200)
    async def delete_quarantine(
        source: Source = None,
        reason: Reason = None,
        state: OfState = None,
        protocol: Protocol = None,
        user: User = None,
        received_from: From = None,
        to: To = None,
    ) -> DeletedView:
        """Delete the events that the filter means; nothing without a filter."""
        wanted = _some(_filter(source, reason, state, protocol, user, received_from, to))
        async with handlers.work() as work:
            return DeletedView(deleted=await work.shelf.delete(wanted))

    @routes.delete("/quarantine/{event:int}", scope="ingest:write")
    async def delete_quarantined(event: EventId) -> None:
        """Delete one event."""
        async with handlers.work() as work:
            if not await work.shelf.delete_events([event]):
                raise EventUnknown(f"there is no event {event} in quarantine")

    return routes


def _filter(
    source: str | None,
    reason: str | None,
    state: State | None,
    protocol: str | None,
    user: str | None,
    received_from: datetime | None,
    received_to: datetime | None,
) -> Filter:
    if received_from is not None and received_to is not None and received_to < received_from:
        raise ProblemError(RANGE_BACKWARDS, f"to ({received_to}) lies before from ({received_from})")
    return Filter(source, reason, state, protocol, user, received_from, received_to)


def _some(wanted: Filter) -> Filter:
    if wanted == Filter():
        raise ProblemError(FILTER_MISSING, "say which are meant: source, reason, state, protocol, user, from, to")
    return wanted


def _shown(document: bytes) -> tuple[str, Literal["utf-8", "base64"]]:
    try:
        return document.decode(), "utf-8"
    except UnicodeDecodeError:
        return b64encode(document).decode(), "base64"
