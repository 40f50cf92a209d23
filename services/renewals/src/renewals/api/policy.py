"""Routes: the operator's renewal policy, a document with versions."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field, StrictInt, StringConstraints

from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected
from renewals.api.cursors import next_page, page_at
from renewals.api.handlers import Handlers
from renewals.api.reading import OnRecord
from renewals.api.schemas import LONGEST_WINDOW_DAYS, Request
from renewals.application.handing_over import PolicyUnknown
from renewals.application.renewal_ports import SHIPPED, SavedPolicy
from renewals.domain.policy import USUAL_DAYS, Cadence, OwnerRole, PolicyRule, unreachable
from renewals.domain.schedule import USUAL_WINDOW

MOST_RULES = 100
MOST_VERSIONS = 1_000_000_000
LONGEST_MONTH = 31
INVALID = Problem(422, "policy-invalid", "The renewal policy cannot be used")

Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"^[^\x00]*$")]


class RuleBody(Request):
    """How renewals of accounts of certain tiers and segments are worked on. Empty lists are for all of them."""

    name: Name
    tiers: list[Name] = Field(default=[], max_length=50)
    segments: list[Name] = Field(default=[], max_length=50)
    window_months: Annotated[StrictInt, Field(ge=1, le=36)] | None = Field(
        default=None, description="Calendar months before the end at which the window opens; neither: three months"
    )
    window_days: Annotated[StrictInt, Field(ge=0, le=LONGEST_WINDOW_DAYS)] | None = Field(
        default=None, description="Days in their place"
    )
    milestone_days: list[Annotated[StrictInt, Field(ge=1, le=LONGEST_WINDOW_DAYS)]] = Field(
        default=list(USUAL_DAYS), max_length=20, description="Days before the end, within the window"
    )
    owner: OwnerRole = OwnerRole.CSM
    team: Name | None = Field(default=None, description="A renewal team's name, for accounts without one of it named")


class PolicyBody(Request):
    """The rules in their order: the first that fits an account counts; where none does, what is usual."""

    about: Words | None = None
    rules: list[RuleBody] = Field(default=[], max_length=MOST_RULES)


class PolicyView(BaseModel):
    """A version, in force since it was saved until the next one was; version 0 comes with Mainstay."""

    version: int
    saved_at: datetime | None
    saved_by: str | None
    policy: PolicyBody

    @classmethod
    def of(cls, saved: SavedPolicy) -> "PolicyView":
        """A version as it is told."""
        return cls(
            version=saved.version,
            saved_at=saved.saved_at,
            saved_by=saved.saved_by,
            policy=PolicyBody.model_validate(saved.body),
        )


def policy_routes(handlers: Handlers) -> Routes:
    """Read and replace the policy."""
    routes = Routes(tag="renewals")

    @routes.get("/renewal-policy", scope="renewals:read", answers=PolicyView)
    async def get_renewal_policy(
        response: Response,
        when: OnRecord,
        version: Annotated[int | None, Query(ge=0, le=MOST_VERSIONS, description="Default: the one in force")] = None,
    ) -> PolicyView:
        """A version of the policy; the ETag is the version."""
        at = when.on_record_at
        async with handlers.work() as work:
            found = await work.policies.latest(at) if version is None else await work.policies.version(version)
        if found is None or (at and found.saved_at and found.saved_at > at):
            raise PolicyUnknown(version or 0)
        response.headers["ETag"] = etag(found.version)
        return PolicyView.of(found)

    @routes.put(
        "/renewal-policy",
        scope="renewals:write",
        answers=PolicyView,
        responses={201: {"model": PolicyView, "description": "Saved as a new version"}},
    )
    async def save_renewal_policy(
        body: PolicyBody, caller: Caller, response: Response, if_match: IfMatch = None
    ) -> PolicyView:
        """Put another policy in force, for windows that are still to open, milestones to come, and owners.

        The same as the one in force is no new version. Everything that is wrong is told at once, with its place.
        """
        faults = [{"pointer": pointer, "detail": detail} for pointer, detail in contradictions(body)]
        if faults:
            raise ProblemError(INVALID, f"{len(faults)} of the policy's rules cannot be used as written", errors=faults)
        document: dict[str, Any] = body.model_dump(mode="json")
        saved, is_new = await handlers.save_policy(document, replaces=expected(if_match), by=caller.id)
        response.headers["ETag"] = etag(saved.version)
        response.status_code = 201 if is_new else 200
        return PolicyView.of(saved)

    @routes.get("/renewal-policy/versions", scope="renewals:read", answers=Page[PolicyView])
    async def list_renewal_policies(
        moment: OnRecord, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[PolicyView]:
        """Every version that was saved, newest first; the last one is what Mainstay came with."""
        when, before = page_at("renewal-policies", cursor, moment, int)
        async with handlers.work() as work:
            found = list(await work.policies.before(before, limit + 1, when.on_record_at))
        if len(found) <= limit and before != SHIPPED.version:
            found.append(SHIPPED)
        page, place = found[:limit], None
        if len(found) > limit:  # newer ones stand on no later page
            place = next_page("renewal-policies", when, when.known_at, page[-1].version)
        return Page(data=[PolicyView.of(each) for each in page], next_cursor=place)

    return routes


def contradictions(body: PolicyBody) -> Iterator[tuple[str, str]]:
    """What is wrong between the parts of a policy whose parts are well: a JSON pointer, and why."""
    names: dict[str, int] = {}
    for place, rule in enumerate(body.rules):
        at = f"/rules/{place}"
        if rule.name in names:
            yield f"{at}/name", f"rule {names[rule.name]} has this name already"
        names.setdefault(rule.name, place)
        if rule.window_months is not None and rule.window_days is not None:
            yield f"{at}/window_days", "a window is counted in months or in days: state one of the two"
        if len(set(rule.milestone_days)) < len(rule.milestone_days):
            yield f"{at}/milestone_days", "a number of days stands there twice"
        window, longest = _window(rule)
        if late := [days for days in rule.milestone_days if days >= longest]:
            told = ", ".join(map(str, late))
            yield f"{at}/milestone_days", f"{told}: not within a window of {window}, so never reached"
        if rule.team is not None and rule.owner is not OwnerRole.RENEWAL_TEAM:
            yield f"{at}/team", "a team is named where the owner is renewal_team"
    as_rules = tuple(
        PolicyRule(rule.name, Cadence(), frozenset(rule.tiers), frozenset(rule.segments)) for rule in body.rules
    )
    for place, before in unreachable(as_rules):
        yield f"/rules/{place}", f"no account ever reaches it: {before} stands before it and takes all of its accounts"


def _window(rule: RuleBody) -> tuple[str, int]:
    """A rule's window in words, and the most days that it can have."""
    if rule.window_days is not None:
        return f"{rule.window_days} days", rule.window_days
    months = rule.window_months or USUAL_WINDOW.months
    return f"{months} months", months * LONGEST_MONTH
