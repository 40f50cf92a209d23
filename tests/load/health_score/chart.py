"""A chart as SVG: lines over sizes, both axes by powers of ten, legible on light and on dark pages."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH, HEIGHT = 760, 320
PANEL_WIDTH, LEFT, TOP, BOTTOM = 380, 52, 56, 44
PLOT_WIDTH, PLOT_HEIGHT = PANEL_WIDTH - LEFT - 24, HEIGHT - TOP - BOTTOM - 38
MARKS: Final = (("c1", "circle"), ("c2", "square"), ("c3", "diamond"))

# Okabe and Ito's blue, vermillion and green, lighter on dark: told apart by those who see fewer colours, too.
STYLE: Final = """
  .paper{fill:#ffffff} text{font:12px system-ui,sans-serif;fill:#24292f} .title{font-weight:600;font-size:13px}
  .grid{stroke:#d0d7de} .axis{stroke:#57606a} .aim{stroke-dasharray:5 4;opacity:.75}
  .c1{stroke:#0072b2;fill:#0072b2} .c2{stroke:#d55e00;fill:#d55e00} .c3{stroke:#00795b;fill:#00795b}
  .small{font-size:11px}
  @media (prefers-color-scheme: dark){
    .paper{fill:#0d1117} text{fill:#e6edf3} .grid{stroke:#30363d} .axis{stroke:#8b949e}
    .c1{stroke:#56b4e9;fill:#56b4e9} .c2{stroke:#ff9b57;fill:#ff9b57} .c3{stroke:#3fd0a4;fill:#3fd0a4}
  }
  polyline.c1,polyline.c2,polyline.c3{fill:none;stroke-width:2}
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A figure by size, in rising order, and what it should stay below."""

    name: str
    points: Sequence[tuple[float, float]]
    aim: float


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share a unit."""

    title: str
    unit: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class _Scale:
    low: int
    high: int
    start: float
    length: float

    @classmethod
    def of(cls, values: Sequence[float], start: float, length: float) -> "_Scale":
        positive = [value for value in values if value > 0]
        low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
        return cls(low, max(high, low + 1), start, length)

    def place(self, value: float) -> float:
        share = (math.log10(max(value, 10.0**self.low)) - self.low) / (self.high - self.low)
        return self.start + share * self.length

    def ticks(self) -> Iterator[float]:
        for power in range(self.low, self.high + 1):
            yield 10.0**power


def chart(across: str, panels: Sequence[Panel]) -> str:
    """The panels side by side; `across` names what is counted on the axis below."""
    drawn = "\n".join(_panel(panel, across, place * PANEL_WIDTH) for place, panel in enumerate(panels))
    told = escape("; ".join(panel.title for panel in panels))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" aria-label="{told}">\n<style>{STYLE}</style>\n'
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>\n{drawn}\n</svg>\n'
    )


def _panel(panel: Panel, across: str, left: float) -> str:
    sizes = [size for line in panel.lines for size, _ in line.points]
    values = [value for line in panel.lines for _, value in line.points] + [line.aim for line in panel.lines]
    x = _Scale.of(sizes, left + LEFT, PLOT_WIDTH)
    y = _Scale.of(values, TOP + PLOT_HEIGHT, -PLOT_HEIGHT)
    parts = [_text(left + LEFT, 24, panel.title, "title"), _text(left + LEFT, 44, panel.unit, "small")]
    for tick in y.ticks():
        at = y.place(tick)
        parts.append(_line(x.start, at, x.start + PLOT_WIDTH, at, "grid"))
        parts.append(_text(x.start - 8, at + 4, f"{tick:,g}", "small", "end"))
    parts.append(_line(x.start, y.start, x.start + PLOT_WIDTH, y.start, "axis"))
    parts += [_text(x.place(tick), y.start + 18, f"{tick:,.0f}", "small", "middle") for tick in x.ticks()]
    parts.append(_text(x.start + PLOT_WIDTH / 2, y.start + 36, across, "small", "middle"))
    for place, (line, (colour, mark)) in enumerate(zip(panel.lines, MARKS, strict=False)):
        places = [(x.place(size), y.place(value)) for size, value in line.points]
        aim = y.place(line.aim)
        parts.append(_line(x.start, aim, x.start + PLOT_WIDTH, aim, f"aim {colour}"))
        joined = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
        parts.append(f'<polyline class="{colour}" points="{joined}"/>')
        parts += [_mark(mark, colour, *each) for each in places]
        at = left + LEFT + place * 114
        parts.append(_mark(mark, colour, at, HEIGHT - 20))
        parts.append(_text(at + 10, HEIGHT - 16, line.name, "small"))
    parts.append(_text(left + LEFT + PLOT_WIDTH, 44, "dashed: the aim at 100,000", "small", "end"))
    return "\n".join(parts)


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _mark(kind: str, colour: str, x: float, y: float) -> str:
    match kind:
        case "circle":
            return f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
        case "square":
            return f'<rect class="{colour}" x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8"/>'
        case _:
            points = f"{x:.1f},{y - 5:.1f} {x + 5:.1f},{y:.1f} {x:.1f},{y + 5:.1f} {x - 5:.1f},{y:.1f}"
            return f'<polygon class="{colour}" points="{points}"/>'
