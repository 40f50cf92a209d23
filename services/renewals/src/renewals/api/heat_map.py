"""The picture of cohorts: a row for each, a column for the months since, a cell for what is left."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Final

from mainstay.web.svg import Theme
from renewals.api.drawing import LEFT, card, instant, nothing, percent, period_name, short, styled, text
from renewals.application.cohorts import CohortScope
from renewals.domain.civil import ONE_DAY
from renewals.domain.cohorts import Cohort, CohortPoint


class Measure(StrEnum):
    """What cells show."""

    GRR = "grr"
    NRR = "nrr"
    LOGO = "logo"


_TITLES: Final = {
    Measure.GRR: "Gross revenue retention by cohort",
    Measure.NRR: "Net revenue retention by cohort",
    Measure.LOGO: "Customers kept by cohort",
}
_CELL, _ROW = 46, 28
_BEGIN, _TOP = 236, 116
"""Where the first cell begins; before it stand the cohort, its customers and its ARR."""
_CUSTOMERS, _OPENING = 156, 222
"""Where these two columns end."""
_LEGEND: Final = 74

_STEPS: Final = (Decimal("0.5"), Decimal("0.75"), Decimal("0.9"), Decimal(1), Decimal("1.05"), Decimal("1.2"))
_STEP_NAMES: Final = ("< 50 %", "50 – 75", "75 – 90", "90 – 100", "100 – 105", "105 – 120", "≥ 120 %")
"""Half-open: 100 % is of the fifth."""


def draw(scope: CohortScope, cohorts: Sequence[Cohort], measure: Measure, theme: Theme) -> str:
    """The SVG, as wide and high as there are months and cohorts."""
    columns = sorted({point.months for cohort in cohorts for point in cohort.points})
    legend = _STEP_NAMES if measure is Measure.NRR else (*_STEP_NAMES[:4], "100 %")  # no more than all is kept
    width = max(_BEGIN + _CELL * len(columns) + LEFT, LEFT * 2 + _LEGEND * len(_STEP_NAMES))
    height = _TOP + _ROW * max(len(cohorts), 2) + 78
    parts = [*_heads(columns), *_rows(cohorts, columns, measure), *_legend(legend, height - 62)]
    parts.append(text(LEFT, height - 14, f"as known at {instant(scope.known_at)}", size=11, soft=True))
    return card(
        parts if cohorts else [nothing(width, height)],
        width=width,
        height=height,
        title=_TITLES[measure],
        subtitle=_subtitle(scope, measure),
        description=_described(cohorts, measure),
        theme=theme,
    )


def _subtitle(scope: CohortScope, measure: Measure) -> str:
    said = "by months since each customer's first day"
    return said if measure is Measure.LOGO else f"{said}; {scope.currency} at the rates of each cohort's first day"


def _heads(columns: Sequence[int]) -> Iterator[str]:
    y = _TOP - 12
    yield text(LEFT, y, "began in", size=11.5, soft=True)
    yield text(_CUSTOMERS, y, "customers", size=11.5, anchor="end", soft=True)
    yield text(_OPENING, y, "ARR", size=11.5, anchor="end", soft=True)
    for place, months in enumerate(columns):
        yield text(_BEGIN + _CELL * (place + 0.5), y, str(months), size=11.5, anchor="middle", soft=True)
    yield text(_BEGIN + 4, y - 18, "months since", size=11.5, soft=True)


def _rows(cohorts: Sequence[Cohort], columns: Sequence[int], measure: Measure) -> Iterator[str]:
    for row, cohort in enumerate(cohorts):
        y = _TOP + _ROW * row
        yield text(LEFT, y + 18, period_name(cohort.first, cohort.last + ONE_DAY), size=12.5)
        yield text(_CUSTOMERS, y + 18, f"{cohort.customers:,}", size=12.5, anchor="end")
        yield text(_OPENING, y + 18, short(cohort.opening), size=12.5, anchor="end")
        for point in cohort.points:
            x = _BEGIN + _CELL * columns.index(point.months)
            share = _share(cohort, point, measure)
            step = _step(share)
            yield f'<rect class="h{step}" x="{x + 1:g}" y="{y + 1:g}" width="{_CELL - 2}" height="{_ROW - 2}" rx="3"/>'
            told = f"{share * 100:.0f}"
            yield styled(x + _CELL / 2, y + 18, told, f"t{step}", size=12.5, anchor="middle")


def _legend(names: Sequence[str], y: float) -> Iterator[str]:
    for step, name in enumerate(names):
        x = LEFT + _LEGEND * step
        yield f'<rect class="h{step}" x="{x:g}" y="{y:g}" width="{_LEGEND - 6}" height="22" rx="3"/>'
        yield styled(x + (_LEGEND - 6) / 2, y + 15, name, f"t{step}", size=11, anchor="middle")


def _share(cohort: Cohort, point: CohortPoint, measure: Measure) -> Decimal:
    told = {Measure.GRR: cohort.grr, Measure.NRR: cohort.nrr, Measure.LOGO: cohort.logo}[measure](point)
    return told if told is not None else Decimal(0)


def _step(share: Decimal) -> int:
    """Of a share as it is written, so that what reads 100 is of the step that says so."""
    return sum(round(share, 2) >= edge for edge in _STEPS)


def _described(cohorts: Sequence[Cohort], measure: Measure) -> str:
    if not cohorts:
        return "No customers began in these months."
    lines = (
        f"{period_name(cohort.first, cohort.last + ONE_DAY)}: {percent(_share(cohort, cohort.points[-1], measure))}"
        f" after {cohort.points[-1].months} months"
        for cohort in cohorts
    )
    return "; ".join(lines)
