"""Routes: scorecards as versioned documents, which of them are in force, and how often people disagree with them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from health_score.api.asking import READ, WRITE
from health_score.api.documents import (
    BODY,
    MOST_VERSIONS,
    DifferenceView,
    JsonSchemaResponse,
    Version,
    VersionView,
    document,
    refuse,
)
from health_score.application.disagreement import CardDisagreement, PeriodTooLong, ReadDisagreement
from health_score.application.scorecards import (
    ActivateScorecard,
    NobodysScorecard,
    NotInForce,
    ReadScorecards,
    SavedCard,
    SaveScorecard,
    ScorecardMovedOn,
    ScorecardUnknown,
)
from health_score.domain.selection import Activation
from health_score.scorecards.document import CARD_ID, SCHEMA, ConditionPart
from health_score.scorecards.reading import ScorecardInvalid, conditions
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes
from mainstay.web.versions import IfMatch, etag, expected

routes = Routes(tag="scorecards")

INVALID = Problem(422, "scorecard-invalid", "The scorecard cannot be used")
DAYS_REVERSED = Problem(422, "days-reversed", "The period ends before it begins")

PROBLEMS: dict[type[Exception], Problem] = {
    ScorecardUnknown: Problem(404, "scorecard-unknown", "There is no such scorecard"),
    ScorecardMovedOn: Problem(412, "scorecard-moved-on", "The scorecard has another version by now"),
    NobodysScorecard: Problem(422, "no-scorecard-for-all", "Some accounts would have no scorecard"),
    NotInForce: Problem(404, "scorecard-not-in-force", "The scorecard is not in force"),
    PeriodTooLong: Problem(422, "period-too-long", "The period is too long"),
}

CardId = Annotated[str, Path(pattern=CARD_ID, description="The scorecard's id")]


@dataclass(frozen=True, slots=True)
class CardView:
    """A version of a scorecard. `versions` are numbered from 1 and never changed."""

    id: str
    version: int
    name: str | None
    saved_at: datetime
    saved_by: str


@dataclass(frozen=True, slots=True)
class CardDocumentView:
    """A version of a scorecard with its document, as it was saved."""

    id: str
    version: int
    name: str | None
    saved_at: datetime
    saved_by: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ActiveView:
    """A scorecard in force: for the accounts for which all of `when` holds. The highest priority is tried first."""

    id: str
    version: int
    priority: int
    when: tuple[dict[str, Any], ...]
    activated_at: datetime
    activated_by: str


@dataclass(frozen=True, slots=True)
class ActiveCards:
    """The scorecards in force, in the order in which they are tried."""

    data: tuple[ActiveView, ...]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How often people disagree, by scorecard."""

    data: tuple[CardDisagreement, ...]


class ActivationBody(BaseModel):
    """Which version, for whom, and before which others it is tried."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[Version | None, Field(description="Default: the latest")] = None
    when: Annotated[
        list[ConditionPart], Field(max_length=20, description="All have to hold; none: it is for every account")
    ] = []
    priority: Annotated[int, Field(strict=True, ge=0, le=1_000, description="The highest is tried first")] = 0


def _reading(request: Request) -> ReadScorecards:
    found: ReadScorecards = request.app.state.handlers.scorecards
    return found


def _saving(request: Request) -> SaveScorecard:
    found: SaveScorecard = request.app.state.handlers.save_scorecard
    return found


def _activating(request: Request) -> ActivateScorecard:
    found: ActivateScorecard = request.app.state.handlers.activate_scorecard
    return found


def _disagreement(request: Request) -> ReadDisagreement:
    found: ReadDisagreement = request.app.state.handlers.disagreement
    return found


Reader = Annotated[ReadScorecards, Depends(_reading)]
Activating = Annotated[ActivateScorecard, Depends(_activating)]


@routes.get(
    "/schemas/scorecard", scope=READ, summary="The JSON Schema of scorecards", response_class=JsonSchemaResponse
)
async def schema() -> Response:
    """What a scorecard document may hold, with what each part means."""
    return JsonSchemaResponse(SCHEMA)


@routes.get("/scorecards", scope=READ, answers=Page[CardView], summary="The scorecards")
async def cards(reader: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Page[CardView]:
    """The latest version of every scorecard, by id."""
    found = await reader.all()
    if cursor is not None:
        (after,) = decode_cursor("scorecards", cursor, tuple[str])
        found = [card for card in found if card.stored.id > after]
    return Page(
        data=[_view(card) for card in found[:limit]],
        next_cursor=encode_cursor("scorecards", (found[limit - 1].stored.id,)) if len(found) > limit else None,
    )


@routes.get("/active-scorecards", scope=READ, answers=ActiveCards, summary="The scorecards in force")
async def active(reader: Reader) -> ActiveCards:
    """In the order in which they are tried: an account has the first one whose conditions all hold."""
    return ActiveCards(tuple(_active(each) for each in await reader.active()))


@routes.get("/disagreement", scope=READ, answers=Disagreement, summary="How often people disagree with a scorecard")
async def disagreement(
    read: Annotated[ReadDisagreement, Depends(_disagreement)],
    first: Annotated[CivilDay | None, Query(alias="from", description="The first day")] = None,
    last: Annotated[CivilDay | None, Query(alias="to", description="The last day; yesterday by default")] = None,
) -> Disagreement:
    """Of the account-days that a scorecard's version scored, those on which people had set a score by hand.

    28 days by default, 92 at most.
    """
    if first is not None and last is not None and last < first:
        raise ProblemError(DAYS_REVERSED, f"to={last} lies before from={first}")
    return Disagreement(tuple(await read(first, last)))


@routes.put(
    "/scorecards/{card_id}",
    scope=WRITE,
    answers=CardDocumentView,
    responses={201: {"model": CardDocumentView, "description": "Saved as a new version"}},
    summary="Save a scorecard",
    openapi_extra=BODY,
)
async def save(
    card_id: CardId,
    request: Request,
    response: Response,
    caller: Caller,
    saving: Annotated[SaveScorecard, Depends(_saving)],
    if_match: IfMatch = None,
) -> CardDocumentView:
    """Save a document, as JSON or YAML, as the next version; the same as the latest one is no new version.

    It scores nobody until it is activated. Everything that is wrong is told at once, each with a JSON pointer.
    """
    body = await document(request)
    try:
        saved = await saving(card_id, body, replaces=expected(if_match), by=caller.name)
    except ScorecardInvalid as error:
        refuse(INVALID, "scorecard", error.faults, error)
    response.headers["ETag"] = etag(saved.stored.version)
    response.status_code = 201 if saved.is_new else 200
    return _document_view(saved)


@routes.get(
    "/scorecards/{card_id}",
    scope=READ,
    answers=CardDocumentView,
    summary="A scorecard",
)
async def card(
    card_id: CardId,
    response: Response,
    reader: Reader,
    version: Annotated[Version | None, Query(description="Default: the latest")] = None,
) -> CardDocumentView:
    """A version of a scorecard with its document; the ETag is the version."""
    found = await reader.one(card_id, version)
    response.headers["ETag"] = etag(found.stored.version)
    return _document_view(found)


@routes.get("/scorecards/{card_id}/versions", scope=READ, answers=Page[VersionView], summary="A scorecard's versions")
async def versions(
    card_id: CardId, reader: Reader, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> Page[VersionView]:
    """Newest first, each with what it changed: the place, what stood there before, and after."""
    before = None if cursor is None else max(0, min(decode_cursor("versions", cursor, tuple[int])[0], MOST_VERSIONS))
    found = await reader.versions(card_id, before, limit + 1)
    views = [
        VersionView(
            each.stored.version,
            each.stored.saved_at,
            each.stored.saved_by,
            None if each.changes is None else tuple(DifferenceView(*change) for change in each.changes),
        )
        for each in found[:limit]
    ]
    return Page(
        data=views,
        next_cursor=encode_cursor("versions", (views[-1].version,)) if len(found) > limit else None,
    )


@routes.post("/scorecards/{card_id}/activate", scope=WRITE, answers=ActiveCards, summary="Put a scorecard in force")
async def activate(
    card_id: CardId, body: ActivationBody, caller: Caller, activating: Activating, reader: Reader
) -> ActiveCards:
    """From now on the version scores the accounts that fit; closes of earlier days stay as they are.

    It takes the place of an earlier activation of the same scorecard. The whole portfolio is scored anew, in the
    background.
    """
    await activating(card_id, body.version, conditions(body.when), body.priority, by=caller.name)
    return await active(reader)


@routes.post(
    "/scorecards/{card_id}/deactivate", scope=WRITE, answers=ActiveCards, summary="Take a scorecard out of force"
)
async def deactivate(card_id: CardId, caller: Caller, activating: Activating, reader: Reader) -> ActiveCards:
    """From now on it scores nobody; its accounts go to the next card that fits. One without conditions has to stay."""
    await activating.withdraw(card_id, by=caller.name)
    return await active(reader)


def _view(saved: SavedCard) -> CardView:
    stored = saved.stored
    return CardView(stored.id, stored.version, saved.body.get("name"), stored.saved_at, stored.saved_by)


def _document_view(saved: SavedCard) -> CardDocumentView:
    stored = saved.stored
    return CardDocumentView(
        stored.id, stored.version, saved.body.get("name"), stored.saved_at, stored.saved_by, saved.body
    )


def _active(activation: Activation) -> ActiveView:
    return ActiveView(
        id=activation.card_id,
        version=activation.version or 0,
        priority=activation.priority,
        when=tuple(
            {"attribute": each.attribute, "not_in" if each.negated else "in": list(each.values)}
            for each in activation.when
        ),
        activated_at=activation.at,
        activated_by=activation.by,
    )
