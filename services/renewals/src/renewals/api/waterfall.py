"""The picture of retention: from opening to closing ARR, movement by movement."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from mainstay.web.svg import Theme
from renewals.api.drawing import LEFT, card, instant, nothing, percent, short, signed, text, ticks
from renewals.application.figures import FigureRow, Figures
from renewals.domain.retention import Movements

_WIDTH, _HEIGHT = 800, 420
_BEGIN, _END, _TOP, _BOTTOM = 84, 776, 104, 344
"""The chart's edges: the scale's line and the right end, the highest tick and the lowest."""
_FURTHEST: Final = Decimal("0.9")
_BAR: Final = 0.62
"""A bar's share of its place."""


def draw(figures: Figures[FigureRow], theme: Theme) -> str:
    """The SVG of figures that are one row: a whole span, without groups."""
    moved = figures.rows[0].moved if figures.rows else None
    subtitle = f"ARR from {figures.t0} to {figures.t1}, in {figures.currency} at the rates of {figures.t0}"
    if moved is None or not (moved.opening or moved.closing):
        parts, description = [nothing(_WIDTH, _HEIGHT)], "There were no recurring contracts."
    else:
        parts = [*_scale(moved), *_bars(moved), *_notes(moved, figures)]
        description = _described(moved)
    return card(
        parts,
        width=_WIDTH,
        height=_HEIGHT,
        title="What became of recurring revenue",
        subtitle=subtitle,
        description=description,
        theme=theme,
    )


def _described(moved: Movements) -> str:
    moves = (f"{label.lower()} {signed(amount)}" for label, _, amount, _ in _moves(moved))
    return f"Opening {short(moved.opening)}, {', '.join(moves)}, closing {short(moved.closing)}."


def _moves(moved: Movements) -> tuple[tuple[str, str, Decimal, int], ...]:
    """Each movement's label, colour, amount and number of customers."""
    return (
        ("Churned", "churned", -moved.churned, moved.churned_customers),
        ("Contracted", "contracted", -moved.contracted, moved.contracted_customers),
        ("Expanded", "expanded", moved.expanded, moved.expanded_customers),
        ("Returned", "returned", moved.returned, moved.returned_customers),
        ("New", "new", moved.new, moved.new_customers),
    )


def _levels(moved: Movements) -> list[Decimal]:
    """ARR after each movement."""
    found = [moved.opening]
    for _, _, amount, _ in _moves(moved):
        found.append(found[-1] + amount)
    return found


def _marks(moved: Movements) -> list[Decimal]:
    """The scale's values. It begins at zero, or further up where movements would be too small to see otherwise.

    No further than to nine tenths: its values would read alike.
    """
    levels = _levels(moved)
    lowest, highest = min(levels), max(levels)
    floor = min(lowest - (highest - lowest), highest * _FURTHEST) if lowest > highest / 2 else Decimal(0)
    return list(ticks(floor, highest))


def _y(amount: Decimal, moved: Movements) -> float:
    marks = _marks(moved)
    share = (amount - marks[0]) / (marks[-1] - marks[0])
    return round(_BOTTOM - float(share) * (_BOTTOM - _TOP), 1)


def _scale(moved: Movements) -> Iterator[str]:
    for mark in _marks(moved):
        y = _y(mark, moved)
        yield f'<path class="grid" d="M{_BEGIN} {y:g}H{_END}"/>'
        yield text(_BEGIN - 8, y + 4, short(mark), size=11.5, anchor="end", soft=True)


def _bars(moved: Movements) -> Iterator[str]:
    moves, levels = _moves(moved), _levels(moved)
    place = (_END - _BEGIN) / (len(moves) + 2)
    width = place * _BAR
    floor = _marks(moved)[0]
    bars = [("Opening", "whole", floor, moved.opening, short(moved.opening), moved.opening_customers)]
    bars += [
        (label, style, levels[number], levels[number + 1], signed(amount), customers)
        for number, (label, style, amount, customers) in enumerate(moves)
    ]
    bars.append(("Closing", "whole", floor, moved.closing, short(moved.closing), moved.closing_customers))
    for number, (label, style, before, after, told, customers) in enumerate(bars):
        x = _BEGIN + place * number + (place - width) / 2
        middle = x + width / 2
        top, bottom = sorted((_y(before, moved), _y(after, moved)))
        height = max(bottom - top, 1.5)
        yield f'<rect class="{style}" x="{x:.1f}" y="{top:g}" width="{width:.1f}" height="{height:g}" rx="2"/>'
        if style == "whole" and floor:  # the bar does not begin at zero, and shows it
            yield f'<path class="gap" d="M{x - 3:.1f} {_BOTTOM - 14}l{width + 6:.1f} -8"/>'
        yield text(middle, top - 7, told, size=13, anchor="middle", weight=600)
        yield text(middle, _BOTTOM + 22, label, size=12.5, anchor="middle")
        counted = f"{customers} customer{'' if customers == 1 else 's'}"
        yield text(middle, _BOTTOM + 39, counted, size=11, anchor="middle", soft=True)
        if number < len(bars) - 1:
            y = _y(after, moved)
            yield f'<path class="link" d="M{x + width:.1f} {y:g}h{place - width:.1f}"/>'


def _notes(moved: Movements, figures: Figures[FigureRow]) -> Iterator[str]:
    shares = f"GRR {percent(moved.grr)} · NRR {percent(moved.nrr)} · logos {percent(moved.logo_retention)}"
    yield text(_END, 34, shares, size=13, anchor="end", weight=600)
    told = f"as known at {instant(figures.known_at)}"
    if moved.rate_effect:
        told += f"; at the rates of {figures.t1} closing is {signed(moved.rate_effect)}"
    if _marks(moved)[0]:
        told += f"; the scale begins at {short(_marks(moved)[0])}"
    yield text(LEFT, _HEIGHT - 14, told, size=11, soft=True)
