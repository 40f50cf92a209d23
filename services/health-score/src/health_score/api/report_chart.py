"""The chart of a report: active users of each week (or day) as bars, in an SVG that takes the page's colours."""

from collections.abc import Iterable
from html import escape
from typing import Final

from health_score.application.report_views import UsePointView, UseReportView
from mainstay.language.catalogue import Catalogue
from mainstay.language.manner import Manner

_WIDTH, _LEFT, _TOP, _BOTTOM, _HEIGHT = 640, 34, 12, 138, 164
"""The picture, the chart's left edge, the lines of the most users and of none, and the whole height."""

_LABELS: Final = 5
"""About so many days are written below."""


def chart(use: UseReportView, manner: Manner, texts: Catalogue) -> str:
    """The SVG; nothing where nobody came."""
    most = max((point.users for point in use.points), default=0)
    if not most:
        return ""
    top = _round_up(most)
    step = (_WIDTH - _LEFT) / len(use.points)
    told = texts.text("report-chart", {"most": most}, manner.language)
    return (
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(told)}">'
        f"{''.join(_lines(top, manner))}"
        f"{''.join(_bars(use.points, step, top, manner))}"
        f"{''.join(_days(use.points, step, manner))}"
        "</svg>"
    )


def _lines(top: int, manner: Manner) -> Iterable[str]:
    marks = [0, top // 2, top] if top % 2 == 0 else [0, top]
    for users in marks:
        y = _y(users, top)
        yield f'<path class="grid" d="M{_LEFT} {y:g}H{_WIDTH}"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:g}" text-anchor="end">{escape(manner.number(users))}</text>'


def _bars(points: tuple[UsePointView, ...], step: float, top: int, manner: Manner) -> Iterable[str]:
    width = round(step * 0.72, 2)
    for place, point in enumerate(points):
        x, y = round(_LEFT + place * step + step * 0.14, 2), _y(point.users, top)
        when = (
            manner.day(point.first)
            if point.first == point.last
            else f"{manner.day(point.first)} – {manner.day(point.last)}"
        )
        yield (
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{_BOTTOM - y:g}" rx="1.5">'
            f"<title>{escape(f'{when}: {manner.number(point.users)}')}</title></rect>"
        )


def _days(points: tuple[UsePointView, ...], step: float, manner: Manner) -> Iterable[str]:
    every = max(1, round(len(points) / _LABELS))
    for place in range(0, len(points), every):
        x = _LEFT + place * step + step / 2
        edge = ' text-anchor="middle"' if 0 < place < len(points) - 1 else ""
        x = x if edge else _LEFT + place * step + step * 0.14
        if place == len(points) - 1 and place:
            edge, x = ' text-anchor="end"', float(_WIDTH)
        yield f'<text x="{x:g}" y="{_HEIGHT - 6}"{edge}>{escape(manner.short_day(points[place].first))}</text>'


def _y(users: int, top: int) -> float:
    return round(_BOTTOM - users * (_BOTTOM - _TOP) / top, 1)


def _round_up(most: int) -> int:
    """The next number of users that reads well as a scale's end."""
    unit = 1
    while True:
        for factor in (1, 2, 4, 5, 6, 8, 10):
            if factor * unit >= most:
                return factor * unit
        unit *= 10
