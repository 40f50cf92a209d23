"""Routes: drafts of scorecards against the past (backtests) and against the whole portfolio (previews)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from health_score.api.asking import READ, WRITE
from health_score.api.scorecards import INVALID
from health_score.application.backtest_views import FiguresView, FitView, JudgedView
from health_score.application.backtesting import (
    MOST_DAYS,
    Backtests,
    BacktestSpec,
    FitSpec,
    Listing,
    NoDays,
    OutcomeSpec,
    Result,
    TooManyDays,
    days_of,
)
from health_score.application.previewing import BandChange, Moves, PreviewResult, Previews
from health_score.application.studies import ChangePlace, State, Study, StudyUnknown
from health_score.scorecards.reading import ScorecardInvalid, check_scorecard
from mainstay.web.fields import CivilDay
from mainstay.web.pages import DEFAULT_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.problems import Problem, ProblemError
from mainstay.web.routes import Caller, Routes

routes = Routes(tag="backtests")

MOST_LISTED = 4_000
"""Supplied outcomes of one backtest, at most: with the longest ids they just fit into a body of 1 MiB."""

LONGEST_HORIZON = 730

DAYS_REVERSED = Problem(422, "days-reversed", "The period ends before it begins", pointer="/to")
LIST_MISSING = Problem(422, "outcomes-missing", "The list of outcomes is empty", pointer="/outcome/listed")

PROBLEMS: Mapping[type[Exception], Problem] = {
    StudyUnknown: Problem(404, "study-unknown", "There is no such backtest or preview"),
    TooManyDays: Problem(422, "too-many-days", "There are too many days to test", pointer="/every"),
    NoDays: Problem(422, "no-days", "There is no day to test", pointer="/to"),
}

StudyId = Annotated[str, Path(max_length=100)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ListedOutcome(_Body):
    """An account and the day on which it happened."""

    account_id: str = Field(min_length=1, max_length=200)
    day: CivilDay


class OutcomeBody(_Body):
    """What is to be foretold."""

    kind: Literal["silent", "churned", "contracted", "listed"] = Field(
        description="`silent`: no activity for `days`; `churned`: the ARR falls to nothing within `days`; `contracted`:"
        " it falls, but not to nothing; `listed`: what you supply in `listed`"
    )
    days: int = Field(default=90, ge=1, le=LONGEST_HORIZON, description="The horizon in days")
    active_within: int = Field(
        default=90, ge=1, le=LONGEST_HORIZON, description="`silent` is asked of accounts active in these days before"
    )
    listed: list[ListedOutcome] = Field(default=[], max_length=MOST_LISTED)


class FitBody(_Body):
    """Fit weights to what happened, and offer them as a draft."""

    through: CivilDay | None = Field(
        default=None, description="Fit on outcomes known through this day, and judge on the days after it"
    )


class BacktestBody(_Body):
    """A backtest. Cases are closes: what was reported at the end of a day, with what was known then."""

    document: dict[str, Any] | None = Field(default=None, description="A scorecard; the one of the settings by default")
    first: CivilDay = Field(alias="from")
    last: CivilDay = Field(alias="to")
    every: Literal["day", "week", "month"] = Field(
        default="month", description=f"Each day, Sunday, or last day of a month; {MOST_DAYS} at most"
    )
    outcome: OutcomeBody = OutcomeBody(kind="silent")
    fit: FitBody | None = None


class PreviewBody(_Body):
    """A preview."""

    document: dict[str, Any] = Field(description="A scorecard, as it would be saved")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is. With fitted weights that are judged, the accounts are gone through twice."""

    accounts: int
    accounts_done: int
    round: int


@dataclass(frozen=True, slots=True)
class BacktestView:
    """A backtest. `hash` is a SHA-256 over every case and lead: the same log gives the same one."""

    id: str
    state: State
    progress: Progress
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    failure: str | None
    days: tuple[date, ...]
    known_through: date
    hash: str | None
    figures: FiguresView | None
    fit: FitView | None
    judged: JudgedView | None


@dataclass(frozen=True, slots=True)
class PreviewView:
    """A preview. `moves` counts accounts by band before and after, once all are done."""

    id: str
    state: State
    progress: Progress
    created_at: datetime
    created_by: str
    finished_at: datetime | None
    failure: str | None
    moves: tuple[Moves, ...] | None


def _backtests(request: Request) -> Backtests:
    found: Backtests = request.app.state.handlers.backtests
    return found


def _previews(request: Request) -> Previews:
    found: Previews = request.app.state.handlers.previews
    return found


def _in_force(request: Request) -> Mapping[str, Any]:
    found: Mapping[str, Any] = request.app.state.handlers.document.body
    return found


@routes.post(
    "/scorecards/backtest", scope=WRITE, answers=BacktestView, status=202, summary="Test a scorecard on the past"
)
async def begin_backtest(
    body: BacktestBody,
    caller: Caller,
    request: Request,
    response: Response,
    backtests: Annotated[Backtests, Depends(_backtests)],
    in_force: Annotated[Mapping[str, Any], Depends(_in_force)],
) -> BacktestView:
    """Run a scorecard over the recorded past, with what was known on each day, against what happened afterwards.

    Answers at once; the work goes on behind, survives restarts, and is read at the address in Location.
    """
    if body.last < body.first:
        raise ProblemError(DAYS_REVERSED, f"to={body.last} lies before from={body.first}")
    if body.outcome.kind == "listed" and not body.outcome.listed:
        raise ProblemError(LIST_MISSING, "an outcome of the kind `listed` needs a list")
    document = in_force if body.document is None else _checked(body.document, request)
    outcome = OutcomeSpec(
        body.outcome.kind,
        body.outcome.days,
        body.outcome.active_within,
        tuple(Listing(entry.account_id, entry.day) for entry in body.outcome.listed),
    )
    fit = FitSpec(body.fit.through) if body.fit else None
    days = days_of(body.first, body.last, body.every)
    study = await backtests.begin(document, days, outcome, fit, by=caller.name)
    response.headers["Location"] = f"/v1/backtests/{study.id}"
    return _backtest(*await backtests.get(study.id))


@routes.get("/backtests/{study_id}", scope=READ, answers=BacktestView, summary="A backtest")
async def backtest(study_id: StudyId, backtests: Annotated[Backtests, Depends(_backtests)]) -> BacktestView:
    """How far a backtest is, and what it found."""
    return _backtest(*await backtests.get(study_id))


@routes.delete("/backtests/{study_id}", scope=WRITE, summary="Cancel a backtest")
async def cancel_backtest(study_id: StudyId, backtests: Annotated[Backtests, Depends(_backtests)]) -> None:
    """Do no more of it. One that is over stays as it is."""
    await backtests.cancel(study_id)


@routes.post(
    "/scorecards/preview",
    scope=WRITE,
    answers=PreviewView,
    summary="Try a scorecard on the portfolio",
    responses={202: {"model": PreviewView, "description": "It goes on behind; read it at the address in Location"}},
)
async def begin_preview(
    body: PreviewBody,
    caller: Caller,
    request: Request,
    response: Response,
    previews: Annotated[Previews, Depends(_previews)],
) -> PreviewView:
    """Score every account by a draft, and say who would change band. Small portfolios are answered at once (200)."""
    study, result = await previews.begin(_checked(body.document, request), by=caller.name)
    response.headers["Location"] = f"/v1/previews/{study.id}"
    if study.state is State.RUNNING:
        response.status_code = 202
    return _preview(study, result)


@routes.get("/previews/{study_id}", scope=READ, answers=PreviewView, summary="A preview")
async def preview(study_id: StudyId, previews: Annotated[Previews, Depends(_previews)]) -> PreviewView:
    """How far a preview is, and how many accounts would move."""
    return _preview(*await previews.get(study_id))


@routes.get(
    "/previews/{study_id}/changes", scope=READ, answers=Page[BandChange], summary="Who would change band, and why"
)
async def preview_changes(
    study_id: StudyId,
    previews: Annotated[Previews, Depends(_previews)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[BandChange]:
    """The accounts that would change band, by id; each with the points of the measures that differ."""
    after = ChangePlace(0, -1) if cursor is None else ChangePlace(*decode_cursor("changes", cursor, tuple[int, int]))
    found: Sequence[tuple[ChangePlace, BandChange]] = await previews.changes(study_id, after, limit + 1)
    return Page(
        data=[change for _, change in found[:limit]],
        next_cursor=encode_cursor("changes", found[limit - 1][0]) if len(found) > limit else None,
    )


@routes.delete("/previews/{study_id}", scope=WRITE, summary="Cancel a preview")
async def cancel_preview(study_id: StudyId, previews: Annotated[Previews, Depends(_previews)]) -> None:
    """Do no more of it. One that is over stays as it is."""
    await previews.cancel(study_id)


def _checked(document: Mapping[str, Any], request: Request) -> Mapping[str, Any]:
    """The document where it can be used."""
    try:
        return check_scorecard(document, source="document", catalogue=request.app.state.handlers.cards.catalogue).body
    except ScorecardInvalid as error:
        faults = [{"pointer": f"/document{fault.pointer}", "detail": fault.detail} for fault in error.faults]
        raise ProblemError(INVALID, str(error)[:500], errors=faults) from error


def _progress(study: Study) -> Progress:
    return Progress(study.accounts, min(study.accounts_done, study.accounts), study.pass_ + 1)


def _backtest(study: Study, spec: BacktestSpec, result: Result | None) -> BacktestView:
    return BacktestView(
        id=study.id,
        state=study.state,
        progress=_progress(study),
        created_at=study.created_at,
        created_by=study.created_by,
        finished_at=study.finished_at,
        failure=study.failure,
        days=spec.days,
        known_through=spec.known_through,
        hash=result.digest if result else None,
        figures=result.figures if result else None,
        fit=result.fit if result else None,
        judged=result.judged if result else None,
    )


def _preview(study: Study, result: PreviewResult | None) -> PreviewView:
    return PreviewView(
        id=study.id,
        state=study.state,
        progress=_progress(study),
        created_at=study.created_at,
        created_by=study.created_by,
        finished_at=study.finished_at,
        failure=study.failure,
        moves=result.moves if result else None,
    )
