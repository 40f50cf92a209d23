"""Routes: calendars of renewals, and the secret links by which calendar programs read them without a key."""

import asyncio
from datetime import datetime
from typing import Annotated, Final, Self

from fastapi import Path, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from mainstay.language.negotiation import Language
from mainstay.web.idempotency import keep_instead
from mainstay.web.language import ReaderLanguage, speaks
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, RequireScope, Routes
from renewals.api.handlers import Handlers
from renewals.api.icalendar_writing import written
from renewals.api.schemas import AccountId
from renewals.api.schemas import Request as Body
from renewals.application.agendas import CalendarLink

ICALENDAR: Final = "text/calendar"
PATH: Final = "/v1/renewals/calendar.ics"
READS_A_MINUTE: Final = 12
"""Of one link, in one process; calendar programs ask every hour or so."""
TOO_OFTEN = Problem(429, "too-fast", "The calendar is read too often", retry_after=60)

LinkId = Annotated[str, Path(pattern="^[0-9a-f]{16}$")]


class NewLink(Body):
    """Whose calendar a link is to show."""

    owner: AccountId = Field(description="Who owns renewals, alone or with another, as the board says")


class LinkView(BaseModel):
    """A link that stands."""

    id: str
    owner: str
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, link: CalendarLink) -> Self:
        """As the API shows it."""
        return cls(id=link.id, owner=link.owner, created_at=link.created_at, created_by=link.created_by)


class LinkMade(LinkView):
    """A new link. `path`, behind the address of this API, is what a calendar program subscribes to."""

    path: str | None = Field(description="Shown once: null when the request is repeated under its Idempotency-Key")


class TokenInPlaceOfKey(RequireScope):
    """The link's secret is the key: calendar programs have no other. The handler looks at it before anything else."""

    def authorize(self, request: Request) -> None:
        """Let the request pass to the handler, which reads nothing but the link's calendar."""


class Pace:
    """How often each link was read in this minute, by this process."""

    def __init__(self) -> None:
        self._minute = 0
        self._reads: dict[str, int] = {}

    def take(self, link_id: str, now: datetime) -> None:
        """Count a read. Raises `ProblemError`."""
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute, self._reads = minute, {}
        self._reads[link_id] = self._reads.get(link_id, 0) + 1
        if self._reads[link_id] > READS_A_MINUTE:
            raise ProblemError(TOO_OFTEN, f"a calendar is read {READS_A_MINUTE} times a minute at most")


def calendar_routes(handlers: Handlers) -> Routes:
    """Make and revoke links, and read calendars."""
    routes = Routes(tag="calendars")
    pace = Pace()

    @routes.post("/calendar-links", scope="renewals:write", answers=LinkMade, status=201)
    async def make_link(body: NewLink, request: Request, caller: Caller) -> LinkMade:
        """A link by which anybody who has it reads the owner's calendar, until it is revoked."""
        link, token = await handlers.calendars.new_link(body.owner, by=caller.id)
        view = LinkView.of(link).model_dump()
        keep_instead(request, LinkMade(**view, path=None).model_dump_json().encode())
        return LinkMade(**view, path=f"{PATH}?token={token}")

    @routes.get("/calendar-links", scope="renewals:read", answers=Page[LinkView])
    async def list_links(
        owner: Annotated[AccountId | None, Query(description="Only this owner's")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[LinkView]:
        """The links that stand; their secrets are not shown again."""
        after = decode_cursor("calendar-links", cursor, tuple[str])[0] if cursor is not None else None
        async with handlers.work() as work:
            found = await work.calendars.page(owner=owner, after=after, limit=limit + 1)
        page = found[:limit]
        more = len(found) > limit
        return Page(
            data=[LinkView.of(link) for link in page],
            next_cursor=encode_cursor("calendar-links", [page[-1].id]) if more else None,
        )

    @routes.delete("/calendar-links/{link_id}", scope="renewals:write")
    async def revoke_link(link_id: LinkId) -> None:
        """From now on the link is unknown."""
        await handlers.calendars.revoke(link_id)

    @routes.get(
        "/renewals/calendar.ics",
        scope=TokenInPlaceOfKey("renewals:read"),
        has_tag=True,
        response_class=Response,
        responses={
            200: {"description": "The calendar", "content": {ICALENDAR: {"schema": {"type": "string"}}}},
            404: {"description": "There is no such link, or it was revoked"},
            429: {"description": "Read too often; see Retry-After"},
        },
    )
    async def read_calendar(
        token: Annotated[
            Annotated[str, StringConstraints(min_length=1, max_length=200)], Query(description="The link's secret")
        ],
        reader: ReaderLanguage,
        language: Annotated[Language | None, Query(description="In place of Accept-Language")] = None,
    ) -> Response:
        """The owner's renewals, notice deadlines and milestones as all-day entries, for a calendar program.

        An entry keeps its UID for ever, and its SEQUENCE rises when it moves, goes or comes back. What is off, or
        somebody else's now, stays as cancelled for 35 days; days of the past do so as long.
        """
        link = await handlers.calendars.opened_by(token)
        pace.take(link.id, handlers.clock.now())
        spoken = language or reader
        entries = await handlers.calendars.entries(link.owner)
        body = await asyncio.to_thread(written, link.owner, entries, spoken)
        response = Response(body, media_type=f"{ICALENDAR}; charset=utf-8")
        speaks(response, spoken)
        response.headers["Referrer-Policy"] = "no-referrer"  # the address is the right to read it
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    return routes
