"""The routes of sources: what an operator decided about each, and how it is doing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Path, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from ingest.application.health import WINDOWS, Counts, Health, LookAtSource, Seeing, State, state_of
from ingest.application.sources import Sources
from ingest.application.watching import Watched
from ingest.domain.policy import Action, Names, Rate
from ingest.domain.sources import (
    EVERY_SOURCE,
    OwnLimits,
    PlannedEventUnknown,
    Source,
    SourceSettings,
    SourceUnknown,
    VersionDiffers,
)
from mainstay.kernel.clock import Clock
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

PROBLEMS: Mapping[type[Exception], Problem] = {
    SourceUnknown: Problem(404, "source-unknown", "There is no such source"),
    PlannedEventUnknown: Problem(404, "planned-event-unknown", "The tracking plan has no such event"),
    VersionDiffers: Problem(412, "version-differs", "It changed since it was read"),
}
_NOT_A_SOURCE = Problem(422, "source-reserved", "This is no name of a source")

NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*$"
SourceId = Annotated[
    str, Path(min_length=1, max_length=200, pattern=NO_CONTROL, description="The source that API keys name")
]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_CONTROL)]


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) != len(names):
        raise ValueError("each name stands here once")
    return names


_Names = Annotated[tuple[_Text, ...], Field(max_length=200), AfterValidator(_once)]


@dataclass(frozen=True, slots=True)
class SourceHandlers:
    """What the routes call."""

    sources: Sources
    seeing: Seeing
    look: LookAtSource
    clock: Clock


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LimitsBody(_Body):
    """A source's own limits. They lower those of the service and never raise them; null leaves them."""

    event_bytes: Annotated[int, Field(strict=True, ge=1_024, le=512 * 1024)] | None = None
    body_bytes: Annotated[int, Field(strict=True, ge=1_024, le=32 * 1024 * 1024)] | None = None
    events: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = None


class RateBody(_Body):
    """How many events each of its keys may send in a second, on average, and at once."""

    events_per_second: Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
    burst: Annotated[int, Field(strict=True, ge=1, le=10_000_000)]


class NamesBody(_Body):
    """The properties that say whose an event is, where its protocol has no place for it; the first present counts."""

    account: _Names = Names().account
    user: _Names = ()
    event: _Names = ()


class SourceBody(_Body):
    """What is said of a source; it replaces what was said before."""

    product: _Text | None = None
    environment: _Text | None = Field(default=None, description="Such as production")
    limits: LimitsBody = LimitsBody()
    rate: RateBody | None = Field(default=None, description="Null: as many as the service takes")
    names: NamesBody = NamesBody()
    dropped: _Names = Field(default=(), description="Properties and traits that never reach the log")
    hashed: _Names = Field(default=(), description="Properties and traits that reach the log as a keyed hash")
    unplanned: Action = Field(
        default=Action.ALLOW, description="What becomes of events that its tracking plan does not know"
    )

    def settings(self) -> SourceSettings:
        """The same, in the words of the field."""
        return SourceSettings(
            product=self.product,
            environment=self.environment,
            limits=OwnLimits(**self.limits.model_dump()),
            rate=Rate(self.rate.events_per_second, self.rate.burst) if self.rate else None,
            names=Names(**self.names.model_dump()),
            dropped=self.dropped,
            hashed=self.hashed,
            unplanned=self.unplanned,
        )

    @classmethod
    def of(cls, settings: SourceSettings) -> "SourceBody":
        """What was said, to be shown."""
        return cls(
            product=settings.product,
            environment=settings.environment,
            limits=LimitsBody.model_validate(settings.limits, from_attributes=True),
            rate=RateBody.model_validate(settings.rate, from_attributes=True) if settings.rate else None,
            names=NamesBody.model_validate(settings.names, from_attributes=True),
            dropped=settings.dropped,
            hashed=settings.hashed,
            unplanned=settings.unplanned,
        )


class SourceView(SourceBody):
    """A source. One that nobody described (version 0) follows the service's settings."""

    id: str
    version: int
    updated_at: datetime | None
    updated_by: str | None = Field(description="The API key's id")
    state: State
    last_seen: datetime | None

    @classmethod
    def shown(cls, source_id: str, source: Source | None, watched: Watched | None) -> "SourceView":
        """A source as it stands."""
        said = SourceBody.of(source.settings if source else SourceSettings())
        return cls(
            **said.model_dump(),
            id=source_id,
            version=source.version if source else 0,
            updated_at=source.updated_at if source else None,
            updated_by=source.updated_by if source else None,
            state=state_of(watched),
            last_seen=watched.last_seen if watched else None,
        )


class RateView(BaseModel):
    """What came in a while up to now."""

    seconds: int
    accepted: int
    waiting: int = Field(description="Set aside until their account is known")
    warned: int = Field(description="Accepted, though they do not follow the tracking plan")
    refused: dict[str, int] = Field(description="By code")

    @classmethod
    def of(cls, seconds: int, counts: Counts) -> "RateView":
        """The counts of a window."""
        refused = {
            outcome.partition(":")[2]: count for outcome, count in counts.items() if outcome.startswith("refused:")
        }
        return cls(
            seconds=seconds,
            accepted=counts.get("accepted", 0),
            waiting=counts.get("waiting", 0),
            warned=counts.get("warned", 0),
            refused=dict(sorted(refused.items())),
        )


class SkewView(BaseModel):
    """Received − sent, in seconds, over 24 hours of requests that say when they were sent; to about a tenth."""

    median_seconds: float | None
    p95_seconds: float | None


class UsualView(BaseModel):
    """What usually comes in this hour of the week: median and median absolute deviation."""

    events: float
    spread: float
    weeks: int


class HealthView(BaseModel):
    """How a source is doing; at most some seconds old."""

    source_id: str
    state: State
    first_seen: datetime | None
    last_seen: datetime | None
    silent_since: datetime | None
    rates: list[RateView] = Field(description="The last minute, hour and day, with the minute that runs")
    skew: SkewView
    usual: UsualView | None = Field(description="Null before it is known for three weeks")
    quiet_limit_seconds: int | None = Field(
        description="Quiet for longer than this, in hours in which it usually sends, it counts as silent"
    )

    @classmethod
    def of(cls, source_id: str, health: Health) -> "HealthView":
        """How it is doing."""
        watched, usual = health.watched, health.usual
        limit = health.quiet.limit if health.quiet else None
        return cls(
            source_id=source_id,
            state=health.state,
            first_seen=watched.first_seen if watched else None,
            last_seen=watched.last_seen if watched else None,
            silent_since=watched.silent_since if watched and watched.is_silent else None,
            rates=[
                RateView.of(int(window.total_seconds()), counts)
                for window, counts in zip(WINDOWS, health.counts, strict=True)
            ],
            skew=SkewView(median_seconds=_rounded(health.skew_median), p95_seconds=_rounded(health.skew_p95)),
            usual=UsualView(events=usual.events, spread=usual.spread, weeks=usual.weeks) if usual else None,
            quiet_limit_seconds=int(limit.total_seconds()) if limit else None,
        )


def source_routes(handlers: SourceHandlers) -> Routes:
    """Sources, and their health."""
    routes = Routes(tag="sources")

    @routes.get("/sources", scope="ingest:read", answers=Page[SourceView])
    async def list_sources(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[SourceView]:
        """Every source that is described, named by a key, or was seen; by id."""
        after = decode_cursor("sources", cursor, tuple[str])[0] if cursor is not None else ""
        ids = sorted(label for label in await handlers.sources.labels() if label > after)
        page = ids[:limit]
        described, seen = await handlers.sources.sources(page), await handlers.seeing.seen(page)
        return Page(
            data=[SourceView.shown(each, described.get(each), seen.get(each)) for each in page],
            next_cursor=encode_cursor("sources", [page[-1]]) if len(ids) > limit else None,
        )

    @routes.get("/sources/{source_id}", scope="ingest:read", answers=SourceView)
    async def get_source(source_id: SourceId, response: Response) -> SourceView:
        """One source; its version is the ETag."""
        await _known(source_id)
        source = (await handlers.sources.sources([source_id])).get(source_id)
        seen = (await handlers.seeing.seen([source_id])).get(source_id)
        if source is not None:
            response.headers["ETag"] = etag(source.version)
        return SourceView.shown(source_id, source, seen)

    @routes.put("/sources/{source_id}", scope="ingest:write", answers=SourceView)
    async def put_source(
        source_id: SourceId, body: SourceBody, caller: Caller, response: Response, if_match: IfMatch = None
    ) -> SourceView:
        """Describe a source; what was said of it before is replaced. In force within two seconds."""
        if source_id == EVERY_SOURCE:
            raise ProblemError(_NOT_A_SOURCE, "* stands for all sources, in tracking plans only")
        source = await handlers.sources.replace(
            source_id, body.settings(), expected=expected(if_match), at=handlers.clock.now(), by=caller.id
        )
        response.headers["ETag"] = etag(source.version)
        return SourceView.shown(source_id, source, (await handlers.seeing.seen([source_id])).get(source_id))

    @routes.get("/sources/{source_id}/health", scope="ingest:read", answers=HealthView)
    async def get_source_health(source_id: SourceId) -> HealthView:
        """How much comes in and what becomes of it, the sender's clock, and whether this is usual for the source."""
        await _known(source_id)
        return HealthView.of(source_id, await handlers.look(source_id))

    async def _known(source_id: str) -> None:
        if source_id not in await handlers.sources.labels():
            raise SourceUnknown(source_id)

    return routes


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
