"""Routes: key figures of alerts and playbooks, by period, rule or playbook, and whoever had the account then."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from hashlib import blake2b
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import Depends, Header, Query, Response
from pydantic import BaseModel, Field

from alerts.api.handlers import READ, Handlers
from alerts.application.figures import Axis, Counted, FigureQuery
from alerts.domain.figures import AlertFigures, Every, Row, RunFigures, rank
from mainstay.web.csv_cells import CSV, csv_rows, plain_cell, text_cell, wants_csv
from mainstay.web.fields import CivilDay
from mainstay.web.pages import MAX_LIMIT, Cursor, Limit, decode_cursor, encode_cursor
from mainstay.web.problems import BAD_CURSOR, ProblemError
from mainstay.web.routes import Routes

V = TypeVar("V")
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)

Texts = Annotated[tuple[Annotated[str, Query(max_length=200)], ...], Query(max_length=50)]
From = Annotated[
    CivilDay | None, Query(alias="from", ge=FIRST_DAY, le=LAST_DAY, description="The first day; 90 days up to `to`")
]
To = Annotated[
    CivilDay | None, Query(alias="to", ge=FIRST_DAY, le=LAST_DAY, description="The last day, included; today")
]
Each = Annotated[Every, Query(description="A row for each; weeks begin on Monday, `none` is all at once")]


class FigureRow(BaseModel, Generic[V]):
    """What was counted in one period and group."""

    first_day: date
    last_day: date
    group: dict[str, str | None] = Field(description="By axis; the owner is whoever had the account when it began")
    figures: V


class FigureAnswer(BaseModel, Generic[V]):
    """A key figure by period, then by group; what has no owner stands last."""

    kpi: str
    first_day: date
    last_day: date
    data: list[FigureRow[V]]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    """In which form an answer is wanted."""

    limit: int
    cursor: str | None
    as_csv: bool


def _form(
    response: Response,
    limit: Limit = MAX_LIMIT,
    cursor: Cursor = None,
    accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
) -> _Form:
    response.headers["Vary"] = "Accept"
    return _Form(limit, cursor, wants_csv(accept))


Form = Annotated[_Form, Depends(_form)]


def kpis(handlers: Handlers) -> Routes:
    """The routes of key figures."""
    group = Routes(tag="kpis")
    table = {"schema": {"type": "string", "description": "All rows, a column each; RFC 4180"}}
    route = partial(group.get, scope=READ, has_tag=True, responses={200: {"content": {CSV: table}}})

    @route("/kpis/alerts", answers=FigureAnswer[AlertFigures], summary="Alerts")
    async def of_alerts(
        form: Form,
        first: From = None,
        last: To = None,
        period: Each = Every.MONTH,
        by: Annotated[
            str | None, Query(pattern="^(rule|owner)(,(rule|owner))*$", description="rule, owner, or both")
        ] = None,
        rule: Texts = (),
        owner: Texts = (),
    ) -> Any:
        """Alerts that people were told of: how many were acted on or ignored, how fast, and how often they were right.

        `precision` is true / judged, of the alerts that somebody judged; `judged` says how many those are.
        """
        query = FigureQuery(first, last, period, _axes(by), frozenset(rule), frozenset(owner))
        return _answer("alerts", await handlers.figures.alerts(query), query, form, FigureAnswer[AlertFigures])

    @route("/kpis/playbooks", answers=FigureAnswer[RunFigures], summary="Playbooks")
    async def of_playbooks(
        form: Form,
        first: From = None,
        last: To = None,
        period: Each = Every.MONTH,
        by: Annotated[
            str | None,
            Query(pattern="^(playbook|owner)(,(playbook|owner))*$", description="playbook, owner, or both"),
        ] = None,
        playbook: Texts = (),
        owner: Texts = (),
    ) -> Any:
        """Runs of playbooks by how they ended, how long they took, and how many tasks were overdue."""
        query = FigureQuery(first, last, period, _axes(by), frozenset(playbook), frozenset(owner))
        return _answer("playbooks", await handlers.figures.playbooks(query), query, form, FigureAnswer[RunFigures])

    return group


def _axes(by: str | None) -> tuple[Axis, ...]:
    return tuple(dict.fromkeys(Axis(name) for name in by.split(","))) if by else ()


def _answer(
    name: str, counted: Counted, query: FigureQuery, form: _Form, model: Callable[..., BaseModel]
) -> BaseModel | Response:
    if form.as_csv:
        return _table(name, counted, query.axes)
    rows = _behind(name, counted.rows, query, form.cursor)
    page = rows[: form.limit]
    return model(
        kpi=name,
        first_day=counted.first,
        last_day=counted.last,
        data=[
            {
                "first_day": row.period.first,
                "last_day": row.period.last,
                "group": dict(zip(query.axes, row.group, strict=True)),
                "figures": asdict(row.figures),
            }
            for row in page
        ],
        next_cursor=_cursor(name, query, page[-1]) if len(rows) > form.limit else None,
    )


def _behind(name: str, rows: Sequence[Row], query: FigureQuery, cursor: str | None) -> Sequence[Row]:
    if cursor is None:
        return rows
    of, period, group = decode_cursor(f"kpi {name}", cursor, tuple[str, date, tuple[str | None, ...]])
    if of != _digest(query) or len(group) != len(query.axes):
        raise ProblemError(BAD_CURSOR, "the cursor is one of an answer to another question")
    return [row for row in rows if (row.period.first, rank(row.group)) > (period, rank(group))]


def _cursor(name: str, query: FigureQuery, row: Row) -> str:
    return encode_cursor(f"kpi {name}", (_digest(query), row.period.first, list(row.group)))


def _digest(query: FigureQuery) -> str:
    asked = (query.first, query.last, query.every, query.axes, sorted(query.of), sorted(query.owners))
    return blake2b(msgspec.json.encode(asked), digest_size=9).hexdigest()


def _table(name: str, counted: Counted, axes: Sequence[Axis]) -> Response:
    columns = (AlertFigures if name == "alerts" else RunFigures).__dataclass_fields__
    table: list[Sequence[str]] = [("first_day", "last_day", *axes, *columns)]
    for row in counted.rows:
        figures = asdict(row.figures)
        days = (plain_cell(row.period.first), plain_cell(row.period.last))
        table.append((*days, *(text_cell(value) for value in row.group), *(plain_cell(figures[c]) for c in columns)))
    return Response(
        csv_rows(table),
        media_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"', "Vary": "Accept"},
    )
