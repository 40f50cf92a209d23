"""The picture of forecasts against what happened: a pair of bars for each period."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from mainstay.web.svg import Theme
from renewals.api.drawing import LEFT, card, instant, nothing, percent, period_name, short, signed, text, ticks
from renewals.application.forecast_book import AccuracyRow, Scope, Whose

_HEIGHT: Final = 416
_BEGIN, _TOP, _BOTTOM = 84, 112, 306
"""The scale's line, its highest value and zero."""
_PLACE: Final = 116
_BAR: Final = 34
_LEAST_WIDTH: Final = 700

_NAMES: Final = {
    Whose.PREVAILING: "the prevailing call",
    Whose.AUTOMATED: "the automated call",
    Whose.CSM: "the CSM's call",
    Whose.FINAL: "the final call",
}


def draw(scope: Scope, rows: Sequence[AccuracyRow], whose: Whose, days_before: int, theme: Theme) -> str:
    """The SVG of the rows of one kind of call and lead, a period each."""
    width = max(_BEGIN + _PLACE * len(rows) + LEFT, _LEAST_WIDTH)
    shown = [row for row in rows if row.accuracy.n]
    parts = [nothing(width, _HEIGHT)]
    if shown:
        highest = max(max(row.accuracy.best_case, row.accuracy.actual) for row in rows)
        marks = ticks(Decimal(0), highest)
        parts = [*_key(), *_scale(marks, width), *_pairs(rows, marks, (width - LEFT - _BEGIN) / len(rows))]
    parts.append(text(LEFT, _HEIGHT - 14, f"as known at {instant(scope.known_at)}", size=11, soft=True))
    return card(
        parts,
        width=width,
        height=_HEIGHT,
        title="Forecast against actual",
        subtitle=(
            f"{_NAMES[whose]} {days_before} days before each renewal; ARR in {scope.currency},"
            " at the rates of each period's first day"
        ),
        description="; ".join(
            f"{period_name(row.t0, row.t1)}: forecast {short(row.accuracy.forecast)},"
            f" actual {short(row.accuracy.actual)}"
            for row in shown
        )
        or "Nothing was decided, or nothing was said before.",
        theme=theme,
    )


def _key() -> Iterator[str]:
    y = 84
    yield f'<rect class="said" x="{LEFT}" y="{y - 10}" width="12" height="12" rx="2"/>'
    yield text(LEFT + 18, y, "forecast (most likely); the line reaches from commit to best case", size=12)
    x = LEFT + 432
    yield f'<rect class="whole" x="{x}" y="{y - 10}" width="12" height="12" rx="2"/>'
    yield text(x + 18, y, "what renewed terms went on with", size=12)


def _scale(marks: Sequence[Decimal], width: int) -> Iterator[str]:
    for mark in marks:
        y = _y(mark, marks)
        yield f'<path class="grid" d="M{_BEGIN} {y:g}H{width - LEFT}"/>'
        yield text(_BEGIN - 8, y + 4, short(mark), size=11.5, anchor="end", soft=True)


def _pairs(rows: Sequence[AccuracyRow], marks: Sequence[Decimal], place: float) -> Iterator[str]:
    for number, row in enumerate(rows):
        found = row.accuracy
        middle = _BEGIN + place * (number + 0.5)
        yield text(middle, _BOTTOM + 22, period_name(row.t0, row.t1), size=12.5, anchor="middle")
        if not found.n:
            yield text(middle, _BOTTOM + 39, "no calls", size=11, anchor="middle", soft=True)
            continue
        said, actual = middle - _BAR - 2, middle + 2
        yield _bar("said", said, found.forecast, marks)
        yield _bar("whole", actual, found.actual, marks)
        centre = said + _BAR / 2
        low, high = _y(found.commit, marks), _y(found.best_case, marks)
        if low != high:
            ends = "".join(f"M{centre - 5:g} {y:g}h10" for y in (low, high))
            yield f'<path class="span" d="M{centre:g} {low:g}V{high:g}{ends}"/>'
        yield text(
            middle, _BOTTOM + 39, f"{signed(found.error)} ({_share(found.error_share)})", size=11, anchor="middle"
        )
        counted = f"{found.n} renewal{'' if found.n == 1 else 's'}"
        yield text(middle, _BOTTOM + 54, counted, size=10.5, anchor="middle", soft=True)
        if found.missing:
            yield text(middle, _BOTTOM + 68, f"{found.missing} without", size=10.5, anchor="middle", soft=True)


def _bar(style: str, x: float, amount: Decimal, marks: Sequence[Decimal]) -> str:
    y = _y(amount, marks)
    return f'<rect class="{style}" x="{x:g}" y="{y:g}" width="{_BAR}" height="{max(_BOTTOM - y, 1):g}" rx="2"/>'


def _y(amount: Decimal, marks: Sequence[Decimal]) -> float:
    return round(_BOTTOM - float(amount / marks[-1]) * (_BOTTOM - _TOP), 1)


def _share(share: Decimal | None) -> str:
    if share is None:
        return "–"
    return f"{'+' if share > 0 else '−' if share < 0 else ''}{percent(abs(share), places=0)}"
