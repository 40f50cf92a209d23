"""Routes: the operator's documents of rules (stages, tiers, service policies), and previews of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from health_score.api.asking import READ, WRITE
from health_score.api.backtests import Progress, StudyId
from health_score.api.documents import (
    BODY,
    MOST_VERSIONS,
    DifferenceView,
    JsonSchemaResponse,
    VersionView,
    document,
    refuse,
)
from health_score.application.rule_documents import RuleDocuments, RulesMovedOn, RulesUnknown, SavedRules
from health_score.application.rules_preview import (
    RulesChange,
    RulesMoves,
    RulesPreviews,
    RulesResult,
    RulesSpec,
)
from health_score.application.studies import ChangePlace, State, Study
from health_score.rulebook.reading import SCHEMAS, Kind, RulesInvalid, check_rules
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

routes = Routes(tag="rules")

INVALID = Problem(422, "rules-invalid", "The rules cannot be used")

PROBLEMS: Mapping[type[Exception], Problem] = {
    RulesMovedOn: Problem(412, "rules-moved-on", "The rules have another version by now"),
    RulesUnknown: Problem(404, "rules-unknown", "There is no such version of the rules"),
}


@dataclass(frozen=True, slots=True)
class RulesView:
    """A version of rules, in force since it was saved until the next one was; version 0 comes with Mainstay."""

    kind: Kind
    version: int
    saved_at: datetime | None
    saved_by: str | None
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RulesPreviewView:
    """A preview of a draft. `moves` is null as long as it goes on."""

    id: str
    kind: Kind
    state: State
    progress: Progress
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    failure: str | None
    moves: tuple[RulesMoves, ...] | None


class RulesPreviewBody(BaseModel):
    """A preview."""

    model_config = ConfigDict(extra="forbid")

    document: Annotated[dict[str, Any], Field(description="The rules, as they would be saved")]


def _documents(request: Request) -> RuleDocuments:
    found: RuleDocuments = request.app.state.handlers.rule_documents
    return found


def _previews(request: Request) -> RulesPreviews:
    found: RulesPreviews = request.app.state.handlers.rules_previews
    return found


Documents = Annotated[RuleDocuments, Depends(_documents)]
Previews = Annotated[RulesPreviews, Depends(_previews)]


def _schema_route(kind: Kind) -> None:
    @routes.get(
        f"/schemas/{kind.value}",
        scope=READ,
        summary=f"The JSON Schema of {kind.value}",
        response_class=JsonSchemaResponse,
        operation_id=f"schema_of_{kind.value.replace('-', '_')}",
    )
    async def schema() -> Response:
        """What the document may hold, with what each part means."""
        return JsonSchemaResponse(SCHEMAS[kind])


def _routes_of(kind: Kind) -> None:
    """The routes of one kind of rules."""
    name = kind.value.replace("-", "_")

    @routes.put(
        f"/{kind.value}",
        scope=WRITE,
        answers=RulesView,
        responses={201: {"model": RulesView, "description": "Saved as a new version"}},
        summary=f"Save {kind.value}",
        openapi_extra=BODY,
        operation_id=f"save_{name}",
    )
    async def save(
        request: Request, response: Response, caller: Caller, documents: Documents, if_match: IfMatch = None
    ) -> RulesView:
        """Save rules, as JSON or YAML, as the next version; the same as the latest one is no new version.

        They are in force from now on, and every account is looked at anew, in the background. Everything that is wrong
        is told at once, each with a JSON pointer.
        """
        body = await document(request)
        try:
            saved = await documents.save(kind, body, replaces=expected(if_match), by=caller.name)
        except RulesInvalid as error:
            refuse(INVALID, "rules", error.faults, error)
        response.headers["ETag"] = etag(saved.version)
        response.status_code = 201 if saved.is_new else 200
        return _view(kind, saved)

    @routes.get(
        f"/{kind.value}", scope=READ, answers=RulesView, summary=f"The {kind.value}", operation_id=f"get_{name}"
    )
    async def rules(
        response: Response,
        documents: Documents,
        version: Annotated[int | None, Query(ge=0, le=MOST_VERSIONS, description="Default: the one in force")] = None,
    ) -> RulesView:
        """A version of the rules; the ETag is the version."""
        found = await documents.one(kind, version)
        response.headers["ETag"] = etag(found.version)
        return _view(kind, found)

    @routes.get(
        f"/{kind.value}/versions",
        scope=READ,
        answers=Page[VersionView],
        summary=f"The versions of {kind.value}",
        operation_id=f"versions_of_{name}",
    )
    async def versions(documents: Documents, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[VersionView]:
        """Newest first, each with what it changed: the place, what stood there before, and after."""
        before = None
        if cursor is not None:
            before = max(0, min(decode_cursor(kind.value, cursor, tuple[int])[0], MOST_VERSIONS))
        found = await documents.versions(kind, before, limit + 1)
        views = [
            VersionView(
                each.saved.version,
                each.saved.saved_at,
                each.saved.saved_by,
                None if each.changes is None else tuple(DifferenceView(*change) for change in each.changes),
            )
            for each in found[:limit]
        ]
        return Page(
            data=views, next_cursor=encode_cursor(kind.value, (views[-1].version,)) if len(found) > limit else None
        )

    @routes.post(
        f"/{kind.value}/preview",
        scope=WRITE,
        answers=RulesPreviewView,
        summary=f"Try {kind.value} on the portfolio",
        operation_id=f"preview_{name}",
        responses={
            202: {"model": RulesPreviewView, "description": "It goes on behind; read it at the address in Location"}
        },
    )
    async def preview(
        body: RulesPreviewBody, caller: Caller, request: Request, response: Response, previews: Previews
    ) -> RulesPreviewView:
        """Look at every account by a draft, and say who would move. Small portfolios are answered at once (200)."""
        try:
            check_rules(kind, body.document, catalogue=request.app.state.handlers.cards.catalogue)
        except RulesInvalid as error:
            refuse(INVALID, "rules", error.faults, error, at="/document")
        found = await previews.begin(kind, body.document, by=caller.name)
        response.headers["Location"] = f"/v1/rules-previews/{found[0].id}"
        if found[0].state is State.RUNNING:
            response.status_code = 202
        return _preview(*found)


for _kind in Kind:
    _schema_route(_kind)
    _routes_of(_kind)


@routes.get("/rules-previews/{study_id}", scope=READ, answers=RulesPreviewView, summary="A preview of rules")
async def rules_preview(study_id: StudyId, previews: Previews) -> RulesPreviewView:
    """How far a preview is, and how many accounts would move."""
    return _preview(*await previews.get(study_id))


@routes.get(
    "/rules-previews/{study_id}/changes", scope=READ, answers=Page[RulesChange], summary="Who would move, and why"
)
async def rules_preview_changes(
    study_id: StudyId, previews: Previews, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[RulesChange]:
    """The accounts that would have another tier, service policy or stage, by id, each with the rule and its reason."""
    after = ChangePlace(0, -1) if cursor is None else ChangePlace(*decode_cursor("rules", cursor, tuple[int, int]))
    found = await previews.changes(study_id, after, limit + 1)
    return Page(
        data=[change for _, change in found[:limit]],
        next_cursor=encode_cursor("rules", found[limit - 1][0]) if len(found) > limit else None,
    )


@routes.delete("/rules-previews/{study_id}", scope=WRITE, summary="Cancel a preview of rules")
async def cancel_rules_preview(study_id: StudyId, previews: Previews) -> None:
    """Do no more of it. One that is over stays as it is."""
    await previews.cancel(study_id)


def _view(kind: Kind, saved: SavedRules) -> RulesView:
    return RulesView(kind, saved.version, saved.saved_at, saved.saved_by, dict(saved.body))


def _preview(study: Study, spec: RulesSpec, result: RulesResult | None) -> RulesPreviewView:
    return RulesPreviewView(
        id=study.id,
        kind=spec.kind,
        state=study.state,
        progress=Progress(study.accounts, min(study.accounts_done, study.accounts), study.pass_ + 1),
        created_at=study.created_at,
        created_by=study.created_by,
        finished_at=study.finished_at,
        failure=study.failure,
        moves=result.moves if result else None,
    )
