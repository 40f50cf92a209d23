"""Routes of rules: what is in force, their versions, switching them on and off, and previews."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, NoReturn, Self

from fastapi import Query, Response
from pydantic import BaseModel, ConfigDict, Field

from alerts.api.handlers import READ, WRITE, Handlers, Id
from alerts.api.schemas import RuleView
from alerts.application.previewing import Preview
from alerts.application.rule_documents import RuleDocuments, RuleNamedOtherwise
from alerts.application.rules import RuleVersion
from alerts.rulebook import RuleRefused, rule_of
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

INVALID = Problem(422, "rule-invalid", "The rule cannot be used")
MOST_VERSIONS = 1_000_000_000

Reason = Annotated[str | None, Field(default=None, min_length=1, max_length=2_000, description="Why, for people")]


class RuleBody(BaseModel):
    """A rule to save, and why."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any] = Field(description="The rule, with the members of a shipped one; `version` is given")
    reason: Reason


class SwitchBody(BaseModel):
    """Why a rule is switched on or off."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class PreviewBody(BaseModel):
    """A rule to try."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any] = Field(description="The rule, as it would be saved")
    days: int = Field(default=90, ge=1, le=90)


class DifferenceView(BaseModel):
    """One place that differs from the version before, as a JSON pointer."""

    path: str
    before: Any
    after: Any


class RuleVersionView(BaseModel):
    """A version of a rule; without `saved_at` it came with Mainstay. `changes` is null for the first."""

    id: str
    version: int
    saved_at: datetime | None
    saved_by: str | None
    reason: str | None
    rule: dict[str, Any]
    changes: list[DifferenceView] | None = None

    @classmethod
    def of(cls, version: RuleVersion) -> Self:
        """The view of a version."""
        return cls(
            id=version.id,
            version=version.version,
            saved_at=version.saved_at,
            saved_by=version.saved_by,
            reason=version.reason,
            rule=dict(version.body),
        )


def rules(handlers: Handlers) -> Routes:
    """The routes of rules."""
    group = Routes(tag="rules")
    _in_force(group, handlers)
    _versions(group, handlers.rule_documents)
    return group


def _in_force(group: Routes, handlers: Handlers) -> None:
    documents = handlers.rule_documents

    @group.get("/alert-rules", scope=READ, answers=Page[RuleView])
    async def list_rules() -> Page[RuleView]:
        """The rules, those that are switched off too."""
        found = sorted((await handlers.rulebook()).rules.values(), key=lambda rule: rule.id)
        return Page(data=[RuleView.of(rule) for rule in found])

    @group.post("/alert-rules/preview", scope=READ, answers=Preview)
    async def preview(body: PreviewBody) -> Preview:
        """How often a rule would have fired over the last days that are on record, for whom, in how many messages.

        Nothing is stored and nobody is told. Messages are counted by the routing, people, grouping, working hours and
        budgets that are in force now; messages of other rules count against budgets.
        """
        async with handlers.open_work() as work:
            measures = await work.rules.metrics()
        try:
            rule = rule_of(body.rule, measures=measures)
        except RuleRefused as error:
            _refuse(error)
        return await handlers.preview(rule, body.days)

    @group.put(
        "/alert-rules/{rule_id}",
        scope=WRITE,
        answers=RuleVersionView,
        responses={201: {"model": RuleVersionView, "description": "Saved as a new version"}},
    )
    async def save_rule(
        rule_id: Id,
        body: RuleBody,
        caller: Caller,
        response: Response,
        if_match: IfMatch = None,
        dry_run: Annotated[bool, Query(description="Only check it, and answer what would be saved")] = False,  # noqa: FBT002 - a query
    ) -> RuleVersionView:
        """Save a rule as its next version, in force from now on; the same as the latest one is no new version.

        Everything that is wrong with it is told at once. What it finds in the past is recorded and told to nobody.
        """
        try:
            saved = await documents.save(
                rule_id, body.rule, replaces=expected(if_match), by=caller.name, reason=body.reason, dry_run=dry_run
            )
        except RuleRefused as error:
            _refuse(error)
        except RuleNamedOtherwise as error:
            raise ProblemError(INVALID, str(error), errors=[{"pointer": "/rule/id", "detail": str(error)}]) from None
        response.headers["ETag"] = etag(saved.version.version)
        response.status_code = 201 if saved.is_new and not dry_run else 200
        return RuleVersionView.of(saved.version)


def _versions(group: Routes, documents: RuleDocuments) -> None:
    @group.get("/alert-rules/{rule_id}", scope=READ, answers=RuleVersionView)
    async def get_rule(
        rule_id: Id,
        response: Response,
        version: Annotated[int | None, Query(ge=1, le=MOST_VERSIONS, description="Default: the newest")] = None,
    ) -> RuleVersionView:
        """A version of a rule as it is written; the ETag is the version."""
        found = await documents.one(rule_id, version)
        response.headers["ETag"] = etag(found.version)
        return RuleVersionView.of(found)

    @group.get("/alert-rules/{rule_id}/versions", scope=READ, answers=Page[RuleVersionView])
    async def rule_versions(rule_id: Id, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[RuleVersionView]:
        """Newest first: who saved each, why, and what it changed."""
        before = None
        if cursor is not None:
            before = max(0, min(decode_cursor("rule-versions", cursor, tuple[int])[0], MOST_VERSIONS))
        found = await documents.versions(rule_id, before, limit + 1)
        views = [
            RuleVersionView.of(each.version).model_copy(update={"changes": _changes(each.changes)})
            for each in found[:limit]
        ]
        more = len(found) > limit
        return Page(data=views, next_cursor=encode_cursor("rule-versions", (views[-1].version,)) if more else None)

    @group.post("/alert-rules/{rule_id}/enable", scope=WRITE, answers=RuleVersionView)
    async def enable_rule(rule_id: Id, caller: Caller, body: SwitchBody | None = None) -> RuleVersionView:
        """Switch a rule on. Doing it twice is doing it once."""
        saved = await documents.switch(rule_id, on=True, by=caller.name, reason=body.reason if body else None)
        return RuleVersionView.of(saved.version)

    @group.post("/alert-rules/{rule_id}/disable", scope=WRITE, answers=RuleVersionView)
    async def disable_rule(rule_id: Id, caller: Caller, body: SwitchBody | None = None) -> RuleVersionView:
        """Switch a rule off; its open alerts end, and whoever was told of them hears so."""
        saved = await documents.switch(rule_id, on=False, by=caller.name, reason=body.reason if body else None)
        return RuleVersionView.of(saved.version)


def _refuse(error: RuleRefused) -> NoReturn:
    errors: Sequence[Mapping[str, str]] = [
        {"pointer": f"/rule{fault.pointer}", "detail": fault.detail} for fault in error.faults
    ]
    many = f"{len(errors)} things are" if len(errors) > 1 else "one thing is"
    raise ProblemError(INVALID, f"{many} wrong with the rule", errors=errors) from error


def _changes(changes: Sequence[tuple[str, Any, Any]] | None) -> list[DifferenceView] | None:
    if changes is None:
        return None
    return [DifferenceView(path=path, before=before, after=after) for path, before, after in changes]
