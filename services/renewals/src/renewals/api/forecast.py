"""Routes: the forecast, the renewals behind it, what moved in it, and the calls of each renewal."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Response

from mainstay.web.csv_cells import CSV, csv_rows, plain_cell, text_cell, wants_csv
from mainstay.web.pages import DEFAULT_LIMIT, MAX_LIMIT, Cursor, Limit, Page, decode_cursor, encode_cursor
from mainstay.web.routes import Caller, Routes
from renewals.api.call_views import CallBody, CallView
from renewals.api.cursors import asked_again, check, digest, next_page, page_at, place_in
from renewals.api.forecast_views import (
    ForecastAnswer,
    ForecastChange,
    ForecastRenewal,
    ForecastRow,
    outlook_view,
)
from renewals.api.handlers import Handlers
from renewals.api.reading import AsOf, Day, Instant, KnownAt, Moment, TermId, term_of
from renewals.api.schemas import Currency
from renewals.api.tables import cell, flat
from renewals.application.forecast_book import Cut, no_outlook
from renewals.application.forecasting import Asked, Outlooks
from renewals.application.moments import When
from renewals.domain.errors import TermUnknown
from renewals.domain.forecasting import CallKind
from renewals.domain.retention import Every

WEEK = timedelta(days=7)
CUTS = "|".join(Cut)
TABLE = {200: {"content": {CSV: {"schema": {"type": "string", "description": "All rows, a column each; RFC 4180"}}}}}

By = Annotated[
    str | None,
    Query(
        pattern=f"^({CUTS})(,({CUTS}))*$",
        max_length=100,
        description="Groups, with commas between: as the account is, or was, on the renewal's last day",
    ),
]
From = Annotated[
    Day | None, Query(alias="from", description="The first last day; default: the first of `as_of`'s month")
]
To = Annotated[Day | None, Query(alias="to", description="The day after the last last day; default: a year later")]


class Persons(StrEnum):
    """Whose calls people say."""

    CSM = "csm"
    FINAL = "final"


def cuts_of(by: str | None) -> tuple[Cut, ...]:
    """The groups that are asked for, each once."""
    return tuple(dict.fromkeys(Cut(name) for name in by.split(","))) if by else ()


def asking(
    first: From = None,
    last: To = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
) -> Asked:
    """Which renewals, and as of when."""
    return Asked(t0=first, t1=last, as_of=as_of, known_at=known_at)


Question = Annotated[Asked, Depends(asking)]


def forecast_routes(handlers: Handlers) -> Routes:
    """The forecast of renewals."""
    routes = Routes(tag="forecast")
    forecasts = handlers.forecasts

    @routes.get("/renewals/forecast", scope="renewals:read", answers=ForecastAnswer, responses=TABLE)
    async def get_forecast(
        response: Response,
        question: Question,
        period: Annotated[Every, Query(description="A row for each, on the calendar")] = Every.QUARTER,
        by: By = None,
        currency: Annotated[
            Currency | None, Query(description="Convert to this one, at the rates of `as_of`; default: each for itself")
        ] = None,
        since: Annotated[Instant | None, Query(description="Show beside it what the forecast was then")] = None,
        limit: Limit = MAX_LIMIT,
        cursor: Cursor = None,
        accept: Annotated[str, Header(max_length=1_000, include_in_schema=False)] = "*/*",
    ) -> Any:
        """Best case, most likely and commit of open renewals, and what is decided, by period, group and currency.

        A renewal belongs to the period of its last day. Of its calls the final one prevails over the CSM's, and that
        over the automated one.
        """
        response.headers["Vary"] = "Accept"
        cuts = cuts_of(by)
        asked = replace(question, every=period, cuts=cuts, currency=currency, since=since)
        where, start = place_in("forecast", cursor, asked)
        found = await forecasts(where)
        if wants_csv(accept):
            return _table(found, cuts)
        scope, more = found.scope, len(found.rows) > start + limit
        values = [digest(asked), scope.t0, scope.t1, scope.as_of, scope.known_at, start + limit]
        return ForecastAnswer(
            t0=scope.t0,
            t1=scope.t1,
            as_of=scope.as_of,
            known_at=scope.known_at,
            since=since,
            data=[ForecastRow.of(row, cuts) for row in found.rows[start : start + limit]],
            next_cursor=encode_cursor("forecast", values) if more else None,
        )

    @routes.get("/renewals/forecast/renewals", scope="renewals:read", answers=Page[ForecastRenewal])
    async def list_forecast_renewals(
        question: Question, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[ForecastRenewal]:
        """The renewals behind a forecast with each one's calls, soonest first; they add up to it."""
        asked, after = question, None
        if cursor is not None:
            of, as_of, known_at, after = decode_cursor(
                "forecast renewals", cursor, tuple[str, date, datetime, tuple[date, str, int]]
            )
            asked = asked_again(question, of, as_of, known_at)
        scope, rows = await forecasts.renewals(asked, after=after, limit=limit + 1)
        page = rows[:limit]
        place = None
        if len(rows) > limit and page[-1].now:
            last = page[-1]
            at = (page[-1].now.last_day, last.contract_id, last.term)
            place = encode_cursor("forecast renewals", [digest(question), scope.as_of, scope.known_at, at])
        return Page(data=[ForecastRenewal.of(row) for row in page], next_cursor=place)

    @routes.get("/renewals/forecast/changes", scope="renewals:read", answers=Page[ForecastChange])
    async def list_forecast_changes(
        question: Question,
        since: Annotated[Instant | None, Query(description="Default: a week before `known_at`")] = None,
        limit: Limit = DEFAULT_LIMIT,
        cursor: Cursor = None,
    ) -> Page[ForecastChange]:
        """The renewals whose forecast moved since an instant, by contract: from what, to what, and why."""
        asked, after = question, None
        if cursor is not None:
            of, as_of, known_at, since, after = decode_cursor(
                "forecast changes", cursor, tuple[str, date, datetime, datetime, tuple[str, int]]
            )
            check(since)
            asked = asked_again(question, of, as_of, known_at)
        known_at = asked.known_at or handlers.clock.now()
        since = since or known_at - WEEK
        asked = replace(asked, known_at=known_at)
        scope, rows = await forecasts.moved(asked, since, after=after, limit=limit + 1)
        page = rows[:limit]
        place = None
        if len(rows) > limit:
            at = (page[-1].contract_id, page[-1].term)
            place = encode_cursor("forecast changes", [digest(question), scope.as_of, scope.known_at, since, at])
        return Page(data=[ForecastChange.of(row) for row in page], next_cursor=place)

    return routes


def call_routes(handlers: Handlers) -> Routes:
    """The calls of one renewal."""
    routes = Routes(tag="forecast")

    @routes.get("/renewals/{term_id}/calls", scope="renewals:read", answers=Page[CallView])
    async def list_calls(
        term_id: TermId, moment: Moment, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> Page[CallView]:
        """Every call of a renewal, newest first; of each kind the newest holds. With `as_of` those said by its end."""
        when, before = page_at("calls", cursor, moment, int)
        key = term_of(term_id)
        known_at = when.known_at or handlers.clock.now()
        said_by = When(when.as_of, known_at).on_record_at or known_at
        async with handlers.work() as work:
            contract = await work.ledger.revision(key[0], known_at)
            found = await work.calls.of_term(key, on_record_at=said_by, before=before, limit=limit + 1)
        if not found and all(term.number != key[1] for term in contract.terms):
            raise TermUnknown(term_id)
        page, place = found[:limit], None
        if len(found) > limit:
            place = next_page("calls", when, known_at, page[-1].number)
        return Page(data=[CallView.of(call) for call in page], next_cursor=place)

    @routes.put("/renewals/{term_id}/calls/{kind}", scope="renewals:write", answers=CallView)
    async def say_call(term_id: TermId, kind: Persons, body: CallBody, caller: Caller) -> CallView:
        """Say what will become of a renewal: the CSM's call, or the final one. What was said before stays on record."""
        call = await handlers.say_call(
            term_of(term_id), CallKind(kind.value), body.stated(), author=body.author or caller.id, by=caller.id
        )
        return CallView.of(call)

    return routes


def _table(found: Outlooks, cuts: Sequence[Cut]) -> Response:
    heads = flat(asdict(outlook_view(no_outlook(Decimal(0)))))
    rows: list[Sequence[str]] = [("t0", "t1", "currency", *cuts, *heads)]
    for row in found.rows:
        fixed = (plain_cell(row.t0), plain_cell(row.t1), row.currency)
        figures = flat(asdict(outlook_view(row.now))).values()
        rows.append((*fixed, *(text_cell(value) for value in row.group), *(cell(each) for each in figures)))
    return Response(
        csv_rows(rows),
        media_type=f"{CSV}; charset=utf-8; header=present",
        headers={"Content-Disposition": 'attachment; filename="forecast.csv"', "Vary": "Accept"},
    )
