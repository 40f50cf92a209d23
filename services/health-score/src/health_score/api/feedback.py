"""Routes: what customers ask for, for product teams."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from health_score.api.asking import READ
from health_score.application.feedback import (
    Feedback,
    FeedbackFilter,
    FeedbackKind,
    FeedbackSeverity,
    FeedbackState,
    FeedbackView,
    ItemPlace,
    ThemePlace,
    ThemeView,
)
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.routes import Routes

routes = Routes(tag="feedback")

_Texts = Annotated[
    tuple[Annotated[str, Query(max_length=500)], ...],
    Query(max_length=50, description="Any of these; an empty one is for those that have none"),
]


@dataclass(slots=True)
class FeedbackFilters:
    """The filters of feedback; all that are given have to fit."""

    theme: _Texts = ()
    state: Annotated[tuple[FeedbackState, ...], Query(max_length=7, description="Any of these")] = ()
    kind: Annotated[tuple[FeedbackKind, ...], Query(max_length=2, description="Any of these")] = ()
    severity: Annotated[tuple[FeedbackSeverity, ...], Query(max_length=4, description="Any of these")] = ()
    tier: _Texts = ()
    segment: _Texts = ()
    since: Annotated[CivilDay | None, Query(description="Spoken of on this day (UTC) or later")] = None
    told: Annotated[
        bool | None, Query(description="`no`: released or declined, and the customer was not told; `yes`: they were")
    ] = None

    def wanted(self) -> FeedbackFilter:
        """Which feedback they mean."""
        return FeedbackFilter(
            themes=self.theme,
            states=self.state,
            kinds=self.kind,
            severities=self.severity,
            tiers=self.tier,
            segments=self.segment,
            since=self.since,
            told=self.told,
        )


def _feedback(request: Request) -> Feedback:
    found: Feedback = request.app.state.handlers.feedback
    return found


Asked = Annotated[Feedback, Depends(_feedback)]
Filters = Annotated[FeedbackFilters, Depends()]


@routes.get("/feedback", scope=READ, answers=Page[ThemeView], has_tag=True, summary="What customers ask for, by theme")
async def themes(
    asked: Asked, filters: Filters, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[ThemeView]:
    """Themes with how many ask, what they are worth by currency, and what is to be told to them.

    The one that most accounts ask for stands first. All accounts of a theme are at /v1/feedback/items?theme=….
    """
    after = None if cursor is None else ThemePlace(*decode_cursor("feedback", cursor, tuple[int, str | None]))
    found = await asked.themes(filters.wanted(), after, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        data=list(found[:limit]),
        next_cursor=encode_cursor("feedback", ThemePlace(last.accounts, last.theme)) if last else None,
    )


@routes.get(
    "/feedback/items", scope=READ, answers=Page[FeedbackView], has_tag=True, summary="Bugs and requests, one by one"
)
async def items(
    asked: Asked, filters: Filters, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[FeedbackView]:
    """Feedback by account, with its owner; `told=no` is what somebody still has to tell the customer."""
    after = None if cursor is None else ItemPlace(*decode_cursor("items", cursor, tuple[str, str]))
    found = await asked.items(filters.wanted(), after, limit + 1)
    last = found[limit - 1] if len(found) > limit else None
    return Page(
        data=list(found[:limit]),
        next_cursor=encode_cursor("items", ItemPlace(last.account_id, last.feedback_id)) if last else None,
    )
