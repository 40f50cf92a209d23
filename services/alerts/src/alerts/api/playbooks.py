"""Routes of playbooks: their versions, starting runs, and what becomes of runs and tasks."""

from collections.abc import Sequence
from typing import Annotated, NoReturn

from fastapi import Query, Response

from alerts.api.handlers import READ, WRITE, Handlers, Id, Text, after, following
from alerts.api.playbook_schemas import (
    EndBody,
    PlaybookBody,
    PlaybookVersionView,
    PlaybookView,
    RunView,
    StartBody,
    TaskBody,
)
from alerts.api.rules import MOST_VERSIONS, DifferenceView, SwitchBody
from alerts.application.documents import VersionWithChanges
from alerts.application.playbooks import PlaybookNamedOtherwise
from alerts.application.playing import AlreadyRunning
from alerts.application.work_reading import RunQuery
from alerts.domain.runs import RunState
from alerts.playbook_reader import PlaybookRefused
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

INVALID = Problem(422, "playbook-invalid", "The playbook cannot be used")
RUNNING = Problem(409, "playbook-running", "The playbook runs for the account already")


def playbooks(handlers: Handlers) -> Routes:
    """The routes of playbooks as documents."""
    group = Routes(tag="playbooks")
    documents = handlers.playbooks

    @group.get("/playbooks", scope=READ, answers=Page[PlaybookView])
    async def list_playbooks() -> Page[PlaybookView]:
        """The playbooks, those that are switched off too."""
        found = await documents.in_force()
        return Page(data=[PlaybookView.of(each) for _, each in sorted(found.all.items())])

    @group.put(
        "/playbooks/{playbook_id}",
        scope=WRITE,
        answers=PlaybookVersionView,
        responses={201: {"model": PlaybookVersionView, "description": "Saved as a new version"}},
    )
    async def save_playbook(
        playbook_id: Id,
        body: PlaybookBody,
        caller: Caller,
        response: Response,
        if_match: IfMatch = None,
        dry_run: Annotated[bool, Query(description="Only check it, and answer what would be saved")] = False,  # noqa: FBT002 - a query
    ) -> PlaybookVersionView:
        """Save a playbook as its next version, in force from now on; what runs goes on as it began.

        Everything that is wrong with it is told at once. What happened before it was saved starts nothing.
        """
        try:
            saved = await documents.save(
                playbook_id,
                body.playbook,
                replaces=expected(if_match),
                by=caller.name,
                reason=body.reason,
                dry_run=dry_run,
            )
        except PlaybookRefused as error:
            _refuse(error)
        except PlaybookNamedOtherwise as error:
            raise ProblemError(
                INVALID, str(error), errors=[{"pointer": "/playbook/id", "detail": str(error)}]
            ) from None
        response.headers["ETag"] = etag(saved.version.version)
        response.status_code = 201 if saved.is_new and not dry_run else 200
        return PlaybookVersionView.of(saved.version)

    @group.get("/playbooks/{playbook_id}", scope=READ, answers=PlaybookVersionView)
    async def get_playbook(
        playbook_id: Id,
        response: Response,
        version: Annotated[int | None, Query(ge=1, le=MOST_VERSIONS, description="Default: the newest")] = None,
    ) -> PlaybookVersionView:
        """A version of a playbook as it is written; the ETag is the version."""
        found = await documents.one(playbook_id, version)
        response.headers["ETag"] = etag(found.version)
        return PlaybookVersionView.of(found)

    @group.get("/playbooks/{playbook_id}/versions", scope=READ, answers=Page[PlaybookVersionView])
    async def playbook_versions(
        playbook_id: Id, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[PlaybookVersionView]:
        """Newest first: who saved each, why, and what it changed."""
        before = None
        if cursor is not None:
            before = max(0, min(decode_cursor("playbook-versions", cursor, tuple[int])[0], MOST_VERSIONS))
        found = await documents.versions(playbook_id, before, limit + 1)
        views = [_with_changes(each) for each in found[:limit]]
        more = len(found) > limit
        return Page(data=views, next_cursor=encode_cursor("playbook-versions", (views[-1].version,)) if more else None)

    @group.post("/playbooks/{playbook_id}/enable", scope=WRITE, answers=PlaybookVersionView)
    async def enable_playbook(playbook_id: Id, caller: Caller, body: SwitchBody | None = None) -> PlaybookVersionView:
        """Switch a playbook on. Doing it twice is doing it once."""
        saved = await documents.switch(playbook_id, on=True, by=caller.name, reason=body.reason if body else None)
        return PlaybookVersionView.of(saved.version)

    @group.post("/playbooks/{playbook_id}/disable", scope=WRITE, answers=PlaybookVersionView)
    async def disable_playbook(playbook_id: Id, caller: Caller, body: SwitchBody | None = None) -> PlaybookVersionView:
        """Switch a playbook off: nothing starts it any more but a person; what runs goes on."""
        saved = await documents.switch(playbook_id, on=False, by=caller.name, reason=body.reason if body else None)
        return PlaybookVersionView.of(saved.version)

    return group


def runs(handlers: Handlers) -> Routes:
    """The routes of runs and tasks."""
    group = Routes(tag="playbooks")
    playing, reading = handlers.playing, handlers.work_reading

    async def shown(run_id: str) -> RunView:
        return RunView.of(await reading.run(run_id, handlers.clock.now()))

    @group.post("/playbooks/{playbook_id}/runs", scope=WRITE, answers=RunView, status=201)
    async def start_run(playbook_id: Id, body: StartBody, caller: Caller) -> RunView:
        """Start a playbook for an account by hand. One that runs for it already answers 409 and says which run."""
        try:
            run = await playing.start(body.account_id, playbook_id, by=caller.name)
        except AlreadyRunning as error:
            raise ProblemError(RUNNING, str(error)) from None
        return await shown(run.id)

    @group.get("/playbook-runs", scope=READ, answers=Page[RunView])
    async def list_runs(
        account_id: Text = None,
        playbook: Text = None,
        state: Annotated[list[RunState] | None, Query(description="Any of these")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[RunView]:
        """Runs with their tasks, the one that began last first."""
        query = RunQuery(account_id, playbook, frozenset(state or ()))
        found = await reading.runs(query, handlers.clock.now(), limit=limit + 1, after=after("runs", cursor))
        views = [RunView.of(each) for each in found[:limit]]
        return Page(
            data=views,
            next_cursor=following("runs", found, limit, views[-1].started_at, views[-1].id) if views else None,
        )

    @group.get("/playbook-runs/{run_id}", scope=READ, answers=RunView)
    async def get_run(run_id: Id) -> RunView:
        """One run: its tasks, who has each now, and how it ended."""
        return await shown(run_id)

    @group.post("/playbook-runs/{run_id}/end", scope=WRITE, answers=RunView)
    async def end_run(run_id: Id, body: EndBody, caller: Caller) -> RunView:
        """Say how a run ended: won, lost (with a reason) or abandoned. What it muted and is still open is told now."""
        await playing.end(run_id, RunState(body.outcome), by=caller.name, reason=body.reason, comment=body.comment)
        return await shown(run_id)

    @group.post("/tasks/{task_id}/done", scope=WRITE, answers=RunView)
    async def finish_task(task_id: Id, caller: Caller, body: TaskBody | None = None) -> RunView:
        """A task is done. Doing it twice is doing it once."""
        run = await playing.settle(task_id, skip=False, by=caller.name, note=body.note if body else None)
        return await shown(run.id)

    @group.post("/tasks/{task_id}/skip", scope=WRITE, answers=RunView)
    async def skip_task(task_id: Id, caller: Caller, body: TaskBody | None = None) -> RunView:
        """A task is not done, and need not be; what waits for it goes on."""
        run = await playing.settle(task_id, skip=True, by=caller.name, note=body.note if body else None)
        return await shown(run.id)

    @group.post("/tasks/{task_id}/reopen", scope=WRITE, answers=RunView)
    async def reopen_task(task_id: Id, body: TaskBody | None = None) -> RunView:
        """A task that was done or skipped is to be done after all."""
        run = await playing.reopen(task_id, note=body.note if body else None)
        return await shown(run.id)

    return group


def _with_changes(each: VersionWithChanges) -> PlaybookVersionView:
    changes = None
    if each.changes is not None:
        changes = [DifferenceView(path=path, before=before, after=after) for path, before, after in each.changes]
    return PlaybookVersionView.of(each.version).model_copy(update={"changes": changes})


def _refuse(error: PlaybookRefused) -> NoReturn:
    errors: Sequence[dict[str, str]] = [
        {"pointer": f"/playbook{fault.pointer}", "detail": fault.detail} for fault in error.faults
    ]
    many = f"{len(errors)} things are" if len(errors) > 1 else "one thing is"
    raise ProblemError(INVALID, f"{many} wrong with the playbook", errors=errors) from error
