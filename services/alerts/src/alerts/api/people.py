"""Routes of people and teams: saved as versions, read, deleted; and who is responsible for an account."""

from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

from fastapi import Query, Response

from alerts.api.handlers import READ, WRITE, Handlers, Id, Instant
from alerts.api.people_schemas import (
    ChangeView,
    DirectoryVersionView,
    PersonBody,
    PersonDocument,
    PersonView,
    ResponsibleView,
    TeamBody,
    TeamDocument,
    TeamView,
)
from alerts.application.directory import DirectoryRefused, ManageDirectory
from alerts.application.directory_ports import Kind, Version
from alerts.domain.people import CSM, Person, Team
from mainstay.kernel.differences import differences
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

INVALID = Problem(422, "directory-invalid", "The document cannot be used")
MOST_VERSIONS = 1_000_000_000

Why = Annotated[str | None, Query(min_length=1, max_length=2_000, description="Why, for people")]


def people(handlers: Handlers) -> Routes:
    """The routes of people, and of who is responsible."""
    group = Routes(tag="people")
    directory = handlers.directory

    @group.get("/people", scope=READ, answers=Page[PersonView])
    async def list_people(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[PersonView]:
        """Everybody, by id."""
        found, next_cursor = await _page(directory, Kind.PERSON, limit, cursor)
        return Page(data=[PersonView.of(each) for each in found], next_cursor=next_cursor)

    @group.get("/people/{person_id}", scope=READ, answers=PersonView)
    async def get_person(person_id: Id, response: Response) -> PersonView:
        """One person; the ETag is the version."""
        found = await directory.one(Kind.PERSON, person_id)
        response.headers["ETag"] = etag(found.version)
        return PersonView.of(found)

    @group.put(
        "/people/{person_id}",
        scope=WRITE,
        answers=PersonView,
        responses={201: {"model": PersonView, "description": "Saved as a new version"}},
    )
    async def save_person(
        person_id: Id, body: PersonBody, caller: Caller, response: Response, if_match: IfMatch = None
    ) -> PersonView:
        """Save somebody under the id by which accounts name them; the same as the latest version is no new one.

        Circles of managers, and of deputies who are away on the same day, are refused.
        """
        try:
            saved = await directory.save_person(
                body.person.named(person_id), replaces=expected(if_match), by=caller.name, reason=body.reason
            )
        except DirectoryRefused as error:
            _refuse(error, "/person")
        response.headers["ETag"] = etag(saved.version.version)
        response.status_code = 201 if saved.is_new else 200
        return PersonView.of(saved.version)

    @group.delete("/people/{person_id}", scope=WRITE)
    async def delete_person(person_id: Id, caller: Caller, reason: Why = None) -> Response:
        """Delete somebody to whom nobody refers any more; the versions stay on record."""
        await directory.delete(Kind.PERSON, person_id, by=caller.name, reason=reason)
        return Response(status_code=204)

    @group.get("/people/{person_id}/versions", scope=READ, answers=Page[DirectoryVersionView])
    async def person_versions(
        person_id: Id, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[DirectoryVersionView]:
        """Newest first: who saved each, why, and what it changed."""
        return await _versions(directory, Kind.PERSON, person_id, limit, cursor)

    @group.get("/accounts/{account_id}/responsible", scope=READ, answers=ResponsibleView)
    async def responsible(
        account_id: Id,
        role: Annotated[str, Query(min_length=1, max_length=200, description="A role of the account's team")] = CSM,
        at: Annotated[Instant | None, Query(description="Default: now")] = None,
    ) -> ResponsibleView:
        """Who has a role at an account at an instant, with leave and deputies resolved, and who was asked before."""
        found, instant = await directory.responsible(account_id, role, at)
        return ResponsibleView.seen(account_id, role, instant, found)

    return group


def teams(handlers: Handlers) -> Routes:
    """The routes of teams."""
    group = Routes(tag="people")
    directory = handlers.directory

    @group.get("/teams", scope=READ, answers=Page[TeamView])
    async def list_teams(limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[TeamView]:
        """Teams, by id."""
        found, next_cursor = await _page(directory, Kind.TEAM, limit, cursor)
        return Page(data=[TeamView.of(each) for each in found], next_cursor=next_cursor)

    @group.get("/teams/{team_id}", scope=READ, answers=TeamView)
    async def get_team(team_id: Id, response: Response) -> TeamView:
        """One team; the ETag is the version."""
        found = await directory.one(Kind.TEAM, team_id)
        response.headers["ETag"] = etag(found.version)
        return TeamView.of(found)

    @group.put(
        "/teams/{team_id}",
        scope=WRITE,
        answers=TeamView,
        responses={201: {"model": TeamView, "description": "Saved as a new version"}},
    )
    async def save_team(
        team_id: Id, body: TeamBody, caller: Caller, response: Response, if_match: IfMatch = None
    ) -> TeamView:
        """Save a team; the same as the latest version is no new one."""
        try:
            saved = await directory.save_team(
                body.team.named(team_id), replaces=expected(if_match), by=caller.name, reason=body.reason
            )
        except DirectoryRefused as error:
            _refuse(error, "/team")
        response.headers["ETag"] = etag(saved.version.version)
        response.status_code = 201 if saved.is_new else 200
        return TeamView.of(saved.version)

    @group.delete("/teams/{team_id}", scope=WRITE)
    async def delete_team(team_id: Id, caller: Caller, reason: Why = None) -> Response:
        """Delete a team to which no routing refers; the versions stay on record."""
        await directory.delete(Kind.TEAM, team_id, by=caller.name, reason=reason)
        return Response(status_code=204)

    @group.get("/teams/{team_id}/versions", scope=READ, answers=Page[DirectoryVersionView])
    async def team_versions(
        team_id: Id, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[DirectoryVersionView]:
        """Newest first: who saved each, why, and what it changed."""
        return await _versions(directory, Kind.TEAM, team_id, limit, cursor)

    return group


async def _page(
    directory: ManageDirectory, kind: Kind, limit: int, cursor: str | None
) -> tuple[Sequence[Version[Any]], str | None]:
    after = decode_cursor(kind, cursor, tuple[str])[0] if cursor is not None else ""
    found = await directory.page(kind, after, limit + 1)
    return found[:limit], encode_cursor(kind, (found[limit - 1].id,)) if len(found) > limit else None


async def _versions(
    directory: ManageDirectory, kind: Kind, document_id: str, limit: int, cursor: str | None
) -> Page[DirectoryVersionView]:
    name = f"{kind}-versions"
    before = None
    if cursor is not None:
        before = max(0, min(decode_cursor(name, cursor, tuple[int])[0], MOST_VERSIONS))
    found = list(await directory.versions(kind, document_id, before, limit + 1))
    views = [
        DirectoryVersionView(
            id=newer.id,
            version=newer.version,
            saved_at=newer.saved_at,
            saved_by=newer.saved_by,
            reason=newer.reason,
            deleted=newer.what is None,
            changes=None if older is None else _changes(older, newer),
        )
        for newer, older in zip(found[:limit], [*found[1:], None], strict=False)
    ]
    more = len(found) > limit
    return Page(data=views, next_cursor=encode_cursor(name, (views[-1].version,)) if more else None)


def _changes(older: Version[Any], newer: Version[Any]) -> list[ChangeView]:
    return [
        ChangeView(path=each.path, before=each.before, after=each.after)
        for each in differences(_document(older), _document(newer))
    ]


def _document(version: Version[Any]) -> Any:
    match version.what:
        case Person() as person:
            return PersonDocument.of(person).model_dump(mode="json")
        case Team() as team:
            return TeamDocument.of(team).model_dump(mode="json")
        case _:
            return None


def _refuse(error: DirectoryRefused, under: str) -> NoReturn:
    errors = [{"pointer": f"{under}{fault.pointer}", "detail": fault.detail} for fault in error.faults]
    raise ProblemError(INVALID, str(error), errors=errors) from error
