"""The picture of an account's health: an SVG of 600 x 200 that stands by itself, in light or dark."""

from collections.abc import Iterable
from datetime import date
from html import escape
from typing import Final

from health_score.application.pictures import DAYS_SHOWN, Picture
from health_score.domain.bands import Band
from mainstay.web.svg import Palette, Theme, cut, plain, themed

_NAME_WIDTH: Final = 54
"""Columns of a name before it is cut; a Chinese character takes two."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 204, 548, 50, 158
"""The edges of the chart: the first day, today, a score of 100, a score of 0."""

_COLOURS: Final[Palette] = {
    "light": {
        "card": "#ffffff",
        "edge": "#d0d7de",
        "ink": "#1f2328",
        "soft": "#59636e",
        "on-band": "#ffffff",
        "on-yellow": "#1f2328",
        "red": "#c21f2b",
        "yellow": "#efb118",
        "green": "#1a7431",
        "unknown": "#59636e",
        "red-zone": "#fdeceb",
        "yellow-zone": "#fdf5d9",
        "green-zone": "#e6f6ea",
    },
    "dark": {
        "card": "#0d1117",
        "edge": "#3d444d",
        "ink": "#f0f6fc",
        "soft": "#9aa4af",
        "on-band": "#0d1117",
        "on-yellow": "#0d1117",
        "red": "#ff7b72",
        "yellow": "#e3b341",
        "green": "#56d364",
        "unknown": "#9aa4af",
        "red-zone": "#2d1517",
        "yellow-zone": "#272009",
        "green-zone": "#10261a",
    },
}
"""Text and line have a contrast of 4.5 : 1 at least on what they stand on (WCAG 2.2, AA)."""


def draw(picture: Picture, theme: Theme) -> str:
    """The SVG. `auto` follows the reader's own setting."""
    account, health = picture.account, picture.account.health
    name = plain(account.name or account.account_id)
    band = Band(health.band)
    score = "–" if health.score is None else str(health.score)
    told = f"{name}: health {score} of 100, {band.value}" if health.score is not None else f"{name}: health unknown"
    pill = 24 + 8.6 * len(band.value)
    seen = f"as of {health.computed_at:%Y-%m-%d %H:%M} UTC" if health.computed_at else "nothing computed yet"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="200" viewBox="0 0 600 200" role="img"'
        ' aria-labelledby="t d">'
        f'<title id="t">{escape(told)}</title>'
        f'<desc id="d">{escape(_described(picture))}</desc>'
        f"<style>{_style(theme)}</style>"
        '<rect class="card" x=".5" y=".5" width="599" height="199" rx="10"/>'
        f'<text class="ink" x="24" y="33" font-size="17" font-weight="600">{escape(cut(name, _NAME_WIDTH))}</text>'
        f'<text class="ink" x="22" y="113" font-size="72" font-weight="700" letter-spacing="-2">{score}</text>'
        f'<rect class="fill-{band.value}" x="24" y="128" width="{pill:g}" height="24" rx="12"/>'
        f'<text class="on-{"yellow" if band is Band.YELLOW else "band"}" x="{24 + pill / 2:g}" y="144.5"'
        ' font-size="13.5" font-weight="600"'
        f' text-anchor="middle">{band.value}</text>'
        f'<text class="soft" x="{32 + pill:g}" y="144" font-size="11.5">{_moved(picture)}</text>'
        f'<text class="soft" x="24" y="180" font-size="11.5">{seen}</text>'
        f"{_chart(picture, band)}"
        "</svg>"
    )


def _chart(picture: Picture, band: Band) -> str:
    first = picture.today.toordinal() - DAYS_SHOWN + 1
    shown = [(day, score) for day, score in picture.scores if day.toordinal() >= first]
    parts = [*_zones(picture)]
    scored = [(day, score) for day, score in shown if score is not None]
    if scored:
        parts += [f'<path class="line" d="{path}"/>' for path in _paths(shown, first)]
        day, score = scored[-1]
        if day == picture.today:
            x, y = _x(day, first), _y(score)
            parts.append(f'<circle class="dot fill-{band.value}" cx="{x:g}" cy="{y:g}" r="5.5"/>')
    else:
        parts.append(
            f'<text class="soft" x="{(_LEFT + _RIGHT) / 2:g}" y="{_y(25) + 4:g}" font-size="13"'
            ' text-anchor="middle">no scores yet</text>'
        )
    begins = date.fromordinal(first)
    parts += [
        f'<text class="soft" x="{_LEFT}" y="180" font-size="11.5">{begins}</text>',
        f'<text class="soft" x="{_RIGHT}" y="180" font-size="11.5" text-anchor="end">{picture.today}</text>',
    ]
    return "".join(parts)


def _zones(picture: Picture) -> Iterable[str]:
    width = _RIGHT - _LEFT
    edges = (("red", 0, picture.yellow_begins), ("yellow", picture.yellow_begins, picture.green_begins))
    for band, lower, upper in (*edges, ("green", picture.green_begins, 100)):
        height = _y(lower) - _y(upper)
        yield f'<rect class="zone-{band}" x="{_LEFT}" y="{_y(upper):g}" width="{width}" height="{height:g}"/>'
    for edge in (picture.yellow_begins, picture.green_begins):
        y = _y(edge)
        yield f'<path class="edge" d="M{_LEFT} {y:g}H{_RIGHT}"/>'
        yield f'<text class="soft" x="{_RIGHT + 7}" y="{y + 4:g}" font-size="11.5">{edge}</text>'


def _paths(shown: Iterable[tuple[date, int | None]], first: int) -> Iterable[str]:
    """The line, broken where a day has no score."""
    path: list[str] = []
    previous: int | None = None
    for day, score in shown:
        if path and (score is None or previous != day.toordinal() - 1):
            yield _path(path)
            path = []
        if score is not None:
            path.append(f"{_x(day, first):g} {_y(score):g}")
        previous = day.toordinal()
    if path:
        yield _path(path)


def _path(points: list[str]) -> str:
    return f"M{points[0]}h.01" if len(points) == 1 else "M" + "L".join(points)


def _x(day: date, first: int) -> float:
    return round(_LEFT + (day.toordinal() - first) * (_RIGHT - _LEFT) / (DAYS_SHOWN - 1), 1)


def _y(score: int) -> float:
    return round(_BOTTOM - score * (_BOTTOM - _TOP) / 100, 1)


def _moved(picture: Picture) -> str:
    """How far the score moved over the days shown."""
    scored = [(day, score) for day, score in picture.scores if score is not None]
    if not scored or scored[-1][0] != picture.today or scored[0][0] == picture.today:
        return ""
    (begin, first), (_, last) = scored[0], scored[-1]
    sign = "+" if last > first else "−" if last < first else "±"
    return f"{sign}{abs(last - first)} in {(picture.today - begin).days} days"


def _described(picture: Picture) -> str:
    scores = [score for _, score in picture.scores if score is not None]
    if not scores:
        return "There are no scores of the last 90 days."
    return (
        f"Scores of the last {DAYS_SHOWN} days: {scores[0]} first, {min(scores)} to {max(scores)}, {scores[-1]} last."
        f" Yellow begins at {picture.yellow_begins}, green at {picture.green_begins}."
    )


def _style(theme: Theme) -> str:
    bands = "".join(f".fill-{band.value}{{fill:var(--{band.value})}}" for band in Band)
    zones = "".join(f".zone-{band}{{fill:var(--{band}-zone)}}" for band in ("red", "yellow", "green"))
    return (
        f"{themed(theme, _COLOURS)}.card{{fill:var(--card);stroke:var(--edge)}}"
        f".ink{{fill:var(--ink)}}.soft{{fill:var(--soft)}}.on-band{{fill:var(--on-band)}}.on-yellow{{fill:var(--on-yellow)}}{bands}{zones}"
        ".edge{stroke:var(--soft);stroke-opacity:.55;stroke-dasharray:3 4}"
        ".line{fill:none;stroke:var(--ink);stroke-width:2.25;stroke-linejoin:round;stroke-linecap:round}"
        ".dot{stroke:var(--card);stroke-width:2}"
    )
