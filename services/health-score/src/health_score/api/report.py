"""Route: the pack for a review with a customer, as JSON or as a page to be printed."""

from typing import Annotated, Final, Literal

import msgspec
from fastapi import Depends, Header, Query, Request, Response

from health_score.api.asking import READ, AccountId
from health_score.api.report_page import Page
from health_score.application.report import PeriodTooEarly, Reports
from health_score.application.report_views import CustomerReport, InternalReport
from mainstay.language.negotiation import Language
from mainstay.web.fields import CivilDay
from mainstay.web.language import ReaderLanguage, speaks
from mainstay.web.media import HTML, JSON, prefers
from mainstay.web.problems import Problem
from mainstay.web.routes import Routes

routes = Routes(tag="health")

PROBLEMS: dict[type[Exception], Problem] = {
    PeriodTooEarly: Problem(422, "period-too-early", "Nothing is kept of these days"),
}

_json: Final = msgspec.json.Encoder()
_page: Final = Page()


def _reports(request: Request) -> Reports:
    found: Reports = request.app.state.handlers.reports
    return found


@routes.get(
    "/accounts/{account_id:path}/report",
    scope=READ,
    answers=CustomerReport | InternalReport,
    has_tag=True,
    summary="The pack for a review with a customer",
    responses={200: {"content": {HTML: {"schema": {"type": "string", "description": "A page, also to be printed"}}}}},
)
async def report(
    account_id: AccountId,
    reports: Annotated[Reports, Depends(_reports)],
    reader: ReaderLanguage,
    first: Annotated[
        CivilDay | None, Query(alias="from", description="The first day; default: that of the last full quarter")
    ] = None,
    last: Annotated[
        CivilDay | None, Query(alias="to", description="The last day, included; default: the end of the quarter")
    ] = None,
    audience: Annotated[
        Literal["internal", "customer"],
        Query(description="`customer` is safe to hand over: no score, risk, note, cost or ARR"),
    ] = "internal",
    language: Annotated[Language | None, Query(description="In place of Accept-Language")] = None,
    form: Annotated[
        Literal["html", "json"] | None, Query(alias="format", description="In place of Accept; default: JSON")
    ] = None,
    accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
) -> Response:
    """Goals, use, adoption, support, requests, training, meetings and next steps of a period, in three languages.

    For us (`internal`) also score, what changed and why, risks, notes and what the customer is worth and costs.
    """
    spoken = language or reader
    found: CustomerReport | InternalReport
    if audience == "customer":
        found = await reports.for_customer(account_id, first, last, spoken)
    else:
        found = await reports.internal(account_id, first, last, spoken)
    is_html = form == "html" or (form is None and prefers(accept, HTML, JSON))
    if is_html:
        answer = Response(_page.html(found, spoken), media_type=f"{HTML}; charset=utf-8", headers=_page.headers)
    else:
        answer = Response(_json.encode(found), media_type=JSON)
    speaks(answer, spoken, varies="Accept, Accept-Language")
    return answer
