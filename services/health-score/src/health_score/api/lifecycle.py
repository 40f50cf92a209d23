"""Routes: an account's life by stages, and its success plan."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from health_score.api.asking import READ, WRITE, AccountId
from health_score.application.lifecycle import Lifecycles, LifecycleView
from health_score.application.success_plans import PlanInvalid, PlanMovedOn, PlanView, SuccessPlans
from mainstay.web.fields import CivilDay
from mainstay.web.problems import Problem, ProblemError, pointer
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

routes = Routes(tag="lifecycle")

INVALID = Problem(422, "success-plan-invalid", "The success plan cannot be kept")

PROBLEMS: Mapping[type[Exception], Problem] = {
    PlanMovedOn: Problem(412, "success-plan-moved-on", "The success plan has another version by now"),
}

_Number = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
_Line = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]


class ObjectiveBody(BaseModel):
    """An objective: in the customer's words, with a metric where there is one."""

    model_config = ConfigDict(extra="forbid")

    objective_id: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=200,
            pattern=r"^[^\x00-\x1f\x7f-\x9f]*$",
            description="As GET gives it; a new objective without one gets one",
        ),
    ] = None
    words: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*$")]
    state: Annotated[
        Literal["draft", "active", "achieved", "missed"] | None,
        Field(description="Default: active; achieved where `achieved_on` is given"),
    ] = None
    metric: Annotated[
        str | None,
        Field(
            max_length=100, pattern=r"^[a-z][a-z0-9_.-]*$", description="A metric of GET /v1/metrics; needs a target"
        ),
    ] = None
    baseline: Annotated[_Number | None, Field(description="The metric's value at the beginning")] = None
    target: Annotated[_Number | None, Field(description="The metric's value to be reached")] = None
    achieved: Annotated[_Number | None, Field(description="What was achieved; of use without a metric")] = None
    due_on: CivilDay | None = None
    achieved_on: CivilDay | None = None
    confirmed_by: Annotated[_Line | None, Field(description="Who says so")] = None


class PlanBody(BaseModel):
    """All objectives of the plan."""

    model_config = ConfigDict(extra="forbid")

    objectives: Annotated[list[ObjectiveBody], Field(max_length=200)]
    by: Annotated[_Line | None, Field(description="Who wrote it; the name of the API key by default")] = None


def _lives(request: Request) -> Lifecycles:
    found: Lifecycles = request.app.state.handlers.lifecycles
    return found


def _plans(request: Request) -> SuccessPlans:
    found: SuccessPlans = request.app.state.handlers.success_plans
    return found


Plans = Annotated[SuccessPlans, Depends(_plans)]


@routes.get(
    "/accounts/{account_id:path}/lifecycle",
    scope=READ,
    answers=LifecycleView,
    has_tag=True,
    summary="The stages of an account's life",
)
async def lifecycle(account_id: AccountId, asked: Annotated[Lifecycles, Depends(_lives)]) -> LifecycleView:
    """Its stage with who or which rule moved it there and why, earlier stays, the go-live, and the first value.

    Targets and dwell are days.
    """
    return await asked.of_account(account_id)


@routes.get(
    "/accounts/{account_id:path}/success-plan", scope=READ, answers=PlanView, summary="What the customer wants to reach"
)
async def success_plan(account_id: AccountId, plans: Plans, response: Response) -> PlanView:
    """The objectives with their progress as of today; the ETag is the plan's version."""
    plan = await plans.of_account(account_id)
    return _tagged(plan, response)


@routes.put(
    "/accounts/{account_id:path}/success-plan", scope=WRITE, answers=PlanView, summary="Keep another success plan"
)
async def replace_success_plan(
    account_id: AccountId,
    body: PlanBody,
    caller: Caller,
    request: Request,
    response: Response,
    plans: Plans,
    if_match: IfMatch = None,
) -> PlanView:
    """Put these objectives in the place of the plan; those that are left out are dropped. Ids stay.

    They are facts like those that other systems state: the metrics of objectives and scorecards see them at once.
    """
    objectives = [each.model_dump() for each in body.objectives]
    catalogue = request.app.state.handlers.cards.catalogue
    try:
        plan = await plans.replace(
            account_id, objectives, replaces=expected(if_match), catalogue=catalogue, by=body.by or caller.name
        )
    except PlanInvalid as error:
        errors = [{"pointer": pointer(fault.path), "detail": fault.detail} for fault in error.faults]
        raise ProblemError(INVALID, str(error)[:500], errors=errors) from error
    return _tagged(plan, response)


def _tagged(plan: PlanView, response: Response) -> PlanView:
    response.headers["ETag"] = etag(plan.version)
    response.headers["Cache-Control"] = "private, no-cache"
    return plan
