"""How key figures are asked for: the query's parameters, and the cursor of an answer in pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from typing import Annotated, Any, Final

import msgspec
from fastapi import Query

from health_score.application.kpis import KpiQuery, Row
from health_score.domain.kpis.attribution import Axis
from health_score.domain.kpis.periods import Every
from mainstay.web.fields import CivilDay
from mainstay.web.pages import decode_cursor, encode_cursor
from mainstay.web.problems import BAD_CURSOR, ProblemError

_COVERAGE: Final = "coverage"
_BOTH: Final = (Axis.COVERAGE_ROLE, Axis.COVERAGE_ASSIGNMENT)
_NAMES: Final = "|".join((*Axis, _COVERAGE))
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)

_Texts = Annotated[
    tuple[Annotated[str, Query(max_length=200)], ...],
    Query(max_length=50, description="Any of these, as it was when the fact happened; an empty one: none stated"),
]


@dataclass(slots=True)
class Asking:
    """Which days, in which periods, in which groups, and of which accounts."""

    first: Annotated[
        CivilDay | None,
        Query(alias="from", ge=_FIRST_DAY, le=_LAST_DAY, description="The first day; 90 days up to `to`"),
    ] = None
    last: Annotated[
        CivilDay | None, Query(alias="to", ge=_FIRST_DAY, le=_LAST_DAY, description="The last day, included; today")
    ] = None
    period: Annotated[Every, Query(description="A row for each; weeks begin on Monday, `none` is all at once")] = (
        Every.MONTH
    )
    by: Annotated[
        str | None,
        Query(
            pattern=f"^({_NAMES})(,({_NAMES}))*$",
            max_length=200,
            description="Groups, as they were when the fact happened, with commas between; `coverage` is both of its"
            " axes",
        ),
    ] = None
    owner: _Texts = ()
    tier: _Texts = ()
    segment: _Texts = ()
    industry: _Texts = ()
    coverage_role: _Texts = ()
    coverage_assignment: _Texts = ()
    account: Annotated[
        tuple[Annotated[str, Query(max_length=200)], ...], Query(max_length=50, description="Only these accounts")
    ] = ()

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the groups, each once, in the order asked for."""
        found: dict[Axis, None] = {}
        for name in self.by.split(",") if self.by else ():
            found |= dict.fromkeys(_BOTH if name == _COVERAGE else (Axis(name),))
        return tuple(found)

    def query(self) -> KpiQuery:
        """The question."""
        given: Mapping[Axis, tuple[str, ...]] = {axis: getattr(self, axis.value) for axis in Axis}
        return KpiQuery(
            self.first,
            self.last,
            self.period,
            self.axes,
            {axis: frozenset(value or None for value in values) for axis, values in given.items() if values},
        )


def cursor_after(kpi: str, asking: Asking, row: Row[Any]) -> str:
    """The cursor behind a row of this answer."""
    return encode_cursor(f"kpi {kpi}", (_digest(asking), row.period.first, list(row.group)))


def place_in(kpi: str, cursor: str, asking: Asking) -> tuple[date, tuple[str | None, ...]]:
    """The period and the group that a cursor names. Raises `ProblemError` (400) for one of another answer."""
    of, period, group = decode_cursor(f"kpi {kpi}", cursor, tuple[str, date, tuple[str | None, ...]])
    if of != _digest(asking) or len(group) != len(asking.axes):
        raise ProblemError(BAD_CURSOR, "the cursor is one of an answer to another question")
    return period, group


def _digest(asking: Asking) -> str:
    return blake2b(msgspec.json.encode(asking), digest_size=9).hexdigest()
