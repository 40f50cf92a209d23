"""Routes: what customer success managers carry."""

from typing import Annotated

from fastapi import Depends, Path, Query, Request

from health_score.api.asking import READ
from health_score.application.load import Loads, LoadView
from mainstay.web.fields import CivilDay
from mainstay.web.routes import Routes

routes = Routes(tag="csms")

CsmId = Annotated[str, Path(min_length=1, max_length=200, description="The owner, as facts about accounts name it")]


def _loads(request: Request) -> Loads:
    found: Loads = request.app.state.handlers.loads
    return found


@routes.get("/csms/{csm_id:path}/load", scope=READ, answers=LoadView, has_tag=True, summary="What a CSM has to carry")
async def load(
    csm_id: CsmId,
    loads: Annotated[Loads, Depends(_loads)],
    first: Annotated[CivilDay | None, Query(alias="from", description="The first day; 90 days up to `to`")] = None,
    last: Annotated[CivilDay | None, Query(alias="to", description="The last day, included; today")] = None,
    currency: Annotated[
        str | None, Query(pattern="^[A-Z]{3}$", description="What ARR classes are made in; the commonest one")
    ] = None,
) -> LoadView:
    """Accounts, ARR, and the touches, minutes and cost of a period, by tier and by ARR class.

    A touch counts for who owned the account when it took place, where facts say who that was. Whoever owns nothing
    and never did carries nothing: people are the business of alerts, and are not checked here.
    """
    return await loads(csm_id, first, last, currency)
