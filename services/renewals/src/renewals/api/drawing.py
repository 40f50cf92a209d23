"""What renewals' pictures have in common: a card with a title, colours for light and dark, amounts and scales."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from html import escape
from typing import Final

from mainstay.web.svg import Palette, Theme, plain, themed

LEFT: Final = 24
"""Where the card's text begins."""

PALETTE: Final[Palette] = {
    "light": {
        "card": "#ffffff",
        "edge": "#d0d7de",
        "ink": "#1f2328",
        "soft": "#59636e",
        "grid": "#d8dee4",
        "whole": "#4a6fa5",
        "churned": "#c21f2b",
        "contracted": "#d9622b",
        "expanded": "#1a7431",
        "returned": "#3a8f7a",
        "new": "#0b7285",
        "said": "#8a63d2",
        "h0": "#a63c06",
        "h1": "#e08214",
        "h2": "#fbbf77",
        "h3": "#fde5c8",
        "h4": "#dceaf7",
        "h5": "#8fc1e3",
        "h6": "#1f5f9e",
        "t0": "#ffffff",
        "t1": "#1f2328",
        "t2": "#1f2328",
        "t3": "#1f2328",
        "t4": "#1f2328",
        "t5": "#1f2328",
        "t6": "#ffffff",
    },
    "dark": {
        "card": "#0d1117",
        "edge": "#3d444d",
        "ink": "#f0f6fc",
        "soft": "#9aa4af",
        "grid": "#30363d",
        "whole": "#7d9fd0",
        "churned": "#ff7b72",
        "contracted": "#ffa657",
        "expanded": "#56d364",
        "returned": "#6bd0b4",
        "new": "#56c8d8",
        "said": "#bb9af7",
        "h0": "#ffa24d",
        "h1": "#c26a1d",
        "h2": "#7a4a1c",
        "h3": "#4a3623",
        "h4": "#1e3347",
        "h5": "#2a6aa6",
        "h6": "#8cc8ff",
        "t0": "#0d1117",
        "t1": "#0d1117",
        "t2": "#f0f6fc",
        "t3": "#f0f6fc",
        "t4": "#f0f6fc",
        "t5": "#f0f6fc",
        "t6": "#0d1117",
    },
}
"""Text has a contrast of 4.5 : 1 at least on what it stands on, bars of 3 : 1 (WCAG 2.2, AA); cells say their value."""

_CLASSES: Final = "".join(
    f".{name}{{fill:var(--{name})}}"
    for name in ("ink", "soft", "whole", "churned", "contracted", "expanded", "returned", "new", "said")
) + "".join(f".h{step}{{fill:var(--h{step})}}.t{step}{{fill:var(--t{step})}}" for step in range(7))

_UNITS: Final = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"))


def card(
    parts: Sequence[str],
    *,
    width: int,
    height: int,
    title: str,
    subtitle: str,
    description: str,
    theme: Theme,
) -> str:
    """A picture that stands by itself; `description` is what somebody hears who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        ' role="img" aria-labelledby="t d">'
        f'<title id="t">{escape(plain(title))}</title><desc id="d">{escape(plain(description))}</desc>'
        f"<style>{themed(theme, PALETTE)}{_CLASSES}.card{{fill:var(--card);stroke:var(--edge)}}"
        ".grid{stroke:var(--grid)}.axis{stroke:var(--soft)}.gap{stroke:var(--card);stroke-width:4}"
        ".link{stroke:var(--soft);stroke-dasharray:2 3}.span{stroke:var(--ink);stroke-width:1.5}</style>"
        f'<rect class="card" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>'
        f"{text(LEFT, 34, title, size=17, weight=600)}{text(LEFT, 54, subtitle, size=12, soft=True)}"
        f"{''.join(parts)}</svg>"
    )


def text(
    x: float, y: float, told: str, *, size: float = 12, anchor: str = "start", soft: bool = False, weight: int = 400
) -> str:
    """A line of text."""
    return styled(x, y, told, "soft" if soft else "ink", size=size, anchor=anchor, weight=weight)


def styled(x: float, y: float, told: str, style: str, *, size: float, anchor: str = "start", weight: int = 400) -> str:
    """A line of text in a colour of the palette."""
    heavy = f' font-weight="{weight}"' if weight != 400 else ""
    held = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text class="{style}" x="{x:g}" y="{y:g}" font-size="{size:g}"{heavy}{held}>{escape(plain(told))}</text>'


def nothing(width: int, height: int) -> str:
    """Where there is nothing to show."""
    return text(width / 2, height / 2 + 10, "nothing to show", size=14, anchor="middle", soft=True)


def short(amount: Decimal) -> str:
    """An amount as pictures write it: whole below a million, then with four digits and a unit."""
    for size, unit in _UNITS:
        if abs(amount) >= size:
            return f"{amount / size:.4g}{unit}"
    return f"{amount:,.0f}"


def signed(amount: Decimal) -> str:
    """An amount with its sign."""
    return f"{'−' if amount < 0 else '+'}{short(abs(amount))}" if amount else "0"


def percent(share: Decimal | None, *, places: int = 1) -> str:
    """A share of 1 in percent; a dash for none."""
    return "–" if share is None else f"{share * 100:.{places}f} %"


def instant(at: datetime) -> str:
    """An instant to the minute (UTC)."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def period_name(t0: date, t1: date) -> str:
    """A period of the calendar as people call it, or its two days."""
    months = (t1.year - t0.year) * 12 + t1.month - t0.month
    if t0.day == t1.day == 1:
        if months == 1:
            return f"{t0:%Y-%m}"
        if months == 3 and t0.month % 3 == 1:
            return f"Q{t0.month // 3 + 1} {t0.year}"
        if months == 12 and t0.month == 1:
            return f"{t0.year}"
    return f"{t0} – {t1}"


def ticks(lowest: Decimal, highest: Decimal) -> Sequence[Decimal]:
    """Two to eight round values, whole ones, that reach from the lowest, or below, to the highest, or above."""
    span = max(highest - lowest, Decimal(1))
    step = max(Decimal(10) ** (span.adjusted() - 1), Decimal(1))
    while span / step > 5:
        step *= Decimal("2.5") if step.normalize().as_tuple().digits == (2,) else 2  # 1, 2, 5, 10
    first = lowest // step * step
    found = [first]
    while len(found) < 2 or found[-1] < highest:
        found.append(found[-1] + step)
    return found
