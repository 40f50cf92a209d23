"""Routes of routing, silences and escalations."""

from collections.abc import Sequence
from typing import Annotated, NoReturn

from fastapi import Query, Response

from alerts.api.handlers import READ, WRITE, Handlers, Id, after, following
from alerts.api.people import INVALID, Why
from alerts.api.people_schemas import ChangeView, DirectoryVersionView
from alerts.api.routing_schemas import (
    RoutingAnswer,
    RoutingBody,
    RoutingDocument,
    RoutingQuestion,
    RoutingView,
    SilenceBody,
    SilenceView,
)
from alerts.api.told_schemas import EscalationView
from alerts.application.directory import AccountUnknown, DirectoryRefused
from alerts.application.directory_ports import ROUTING, Kind
from alerts.application.people_reading import OVERDUE_AFTER
from alerts.domain.routing import About, RoutingFault
from alerts.domain.silences import LONGEST
from mainstay.kernel.differences import differences
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

QUESTION = Problem(422, "routing-question-invalid", "The question cannot be answered")
SILENCE = Problem(422, "silence-invalid", "The silence cannot be used")
MOST_VERSIONS = 1_000_000_000


def routing(handlers: Handlers) -> Routes:
    """The routing as one versioned document, and what it would do."""
    group = Routes(tag="routing")
    directory = handlers.directory

    @group.get("/routing", scope=READ, answers=RoutingView)
    async def get_routing(response: Response) -> RoutingView:
        """The routing in force; the ETag is the version."""
        view = RoutingView.of(await directory.routing())
        response.headers["ETag"] = etag(view.version)
        return view

    @group.put(
        "/routing",
        scope=WRITE,
        answers=RoutingView,
        responses={201: {"model": RoutingView, "description": "Saved as a new version"}},
    )
    async def save_routing(
        body: RoutingBody,
        caller: Caller,
        response: Response,
        if_match: IfMatch = None,
        dry_run: Annotated[bool, Query(description="Only check it, and answer what would be saved")] = False,  # noqa: FBT002 - a query
    ) -> RoutingView:
        """Save the routing, in force from now on; what waits already goes where it was to go."""
        try:
            saved = await directory.save_routing(
                body.routing.routing, replaces=expected(if_match), by=caller.name, reason=body.reason, dry_run=dry_run
            )
        except DirectoryRefused as error:
            _refuse([fault for fault in error.faults if isinstance(fault, RoutingFault)], "/routing")
        response.headers["ETag"] = etag(saved.version.version)
        response.status_code = 201 if saved.is_new else 200
        return RoutingView.of(saved.version)

    @group.delete("/routing", scope=WRITE)
    async def delete_routing(caller: Caller, reason: Why = None) -> Response:
        """Go back to what Mainstay does by itself: the account's owner hears, and channels by their filters."""
        await directory.delete(Kind.ROUTING, ROUTING, by=caller.name, reason=reason)
        return Response(status_code=204)

    @group.get("/routing/versions", scope=READ, answers=Page[DirectoryVersionView])
    async def routing_versions(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[DirectoryVersionView]:
        """Newest first: who saved each, why, and what it changed."""
        before = None
        if cursor is not None:
            before = max(0, min(decode_cursor("routing-versions", cursor, tuple[int])[0], MOST_VERSIONS))
        found = list(await directory.versions(Kind.ROUTING, ROUTING, before, limit + 1))
        documents = [
            None if each.what is None else RoutingDocument.of(each.what).model_dump(mode="json", by_alias=True)
            for each in found
        ]
        views = [
            DirectoryVersionView(
                id=each.id,
                version=each.version,
                saved_at=each.saved_at,
                saved_by=each.saved_by,
                reason=each.reason,
                deleted=each.what is None,
                changes=None
                if number + 1 >= len(found)
                else [
                    ChangeView(path=one.path, before=one.before, after=one.after)
                    for one in differences(documents[number + 1], documents[number])
                ],
            )
            for number, each in enumerate(found[:limit])
        ]
        more = len(found) > limit
        return Page(data=views, next_cursor=encode_cursor("routing-versions", (views[-1].version,)) if more else None)

    _preview(group, handlers)
    return group


def silences(handlers: Handlers) -> Routes:
    """Silences, and escalations that are late."""
    group = Routes(tag="routing")

    @group.post("/silences", scope=WRITE, answers=SilenceView, status=201)
    async def create_silence(body: SilenceBody, caller: Caller, response: Response) -> SilenceView:
        """Tell nobody of some alerts for some time. What is still open at its end is told then."""
        now = handlers.clock.now()
        wrong: str | None = None
        if body.ends_at <= now:
            wrong = "it has ended already"
        elif body.ends_at - (body.starts_at or now) > LONGEST:
            wrong = f"a silence lasts at most {LONGEST.days} days"
        if wrong is not None:
            raise ProblemError(SILENCE, wrong, errors=[{"pointer": "/ends_at", "detail": wrong}])
        made = await handlers.silences.create(
            body.match.match, starts_at=body.starts_at, ends_at=body.ends_at, reason=body.reason, by=caller.name
        )
        response.headers["Location"] = f"/v1/silences/{made.id}"
        return SilenceView.of(made)

    @group.get("/silences", scope=READ, answers=Page[SilenceView])
    async def list_silences(
        ended: Annotated[bool | None, Query(description="Those that are over; false: those that are not")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[SilenceView]:
        """Silences, the newest first."""
        rows = await handlers.silences.page(ended=ended, after=after("silences", cursor), limit=limit + 1)
        data = [SilenceView.of(each) for each in rows[:limit]]
        return Page(
            data=data,
            next_cursor=following("silences", rows, limit, data[-1].created_at, data[-1].id) if data else None,
        )

    @group.get("/silences/{silence_id}", scope=READ, answers=SilenceView)
    async def get_silence(silence_id: Id) -> SilenceView:
        """One silence."""
        return SilenceView.of(await handlers.silences.one(silence_id))

    @group.delete("/silences/{silence_id}", scope=WRITE)
    async def end_silence(silence_id: Id, caller: Caller) -> Response:
        """End a silence now. It stays on record, and what waited for it and is still open is told."""
        await handlers.silences.end(silence_id, by=caller.name)
        return Response(status_code=204)

    @group.get("/escalations/overdue", scope=READ, answers=Page[EscalationView])
    async def overdue(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[EscalationView]:
        """Escalations whose next step is more than five minutes late: there should be none, ever."""
        before = handlers.clock.now() - OVERDUE_AFTER
        rows = await handlers.people_reading.overdue(before, limit=limit + 1, after=after("overdue", cursor))
        data = [EscalationView.of(each) for each in rows[:limit]]
        last = data[-1].due_at if data else None
        return Page(
            data=data,
            next_cursor=following("overdue", rows, limit, last, data[-1].alert_id) if last is not None else None,
        )

    return group


def _preview(group: Routes, handlers: Handlers) -> None:
    @group.post("/routing/preview", scope=READ, answers=RoutingAnswer)
    async def preview(body: RoutingQuestion) -> RoutingAnswer:
        """Where an alert would go now, by which branch and why; also for a routing that is not saved."""
        rule = (await handlers.rulebook()).named(body.rule)
        category = body.category or (rule.category if rule else None)
        if category is None:
            detail = f"no rule is called {body.rule!r}: then say the category"
            raise ProblemError(QUESTION, detail, errors=[{"pointer": "/rule", "detail": detail}])
        async with handlers.open_work() as work:
            known = await work.accounts.known([body.account_id])
            if body.account_id not in known:
                raise AccountUnknown(body.account_id)
            standing = await handlers.router.standing(work, handlers.clock.now())
            if body.routing is not None:
                standing.routing = body.routing.routing
                faults = await handlers.directory.faults_of_routing(work, standing.routing)
                if faults:
                    _refuse(faults, "/routing")
            about = About(body.rule, category, body.severity, known[body.account_id])
            where = await handlers.router.where(standing, about)
        inhibition = standing.routing.inhibits(about)
        return RoutingAnswer.of(where, inhibition.name if inhibition else None)


def _refuse(faults: Sequence[RoutingFault], under: str) -> NoReturn:
    errors = [{"pointer": f"{under}{fault.pointer}", "detail": fault.detail} for fault in faults]
    raise ProblemError(INVALID, "; ".join(fault.detail for fault in faults), errors=errors)
