"""What pictures of renewals are made of: scales, amounts, names of periods, and colours that can be read."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renewals.api.drawing import PALETTE, percent, period_name, short, signed, ticks

amounts = st.decimals(0, 10**16, places=2, allow_nan=False)


@given(amounts, amounts)
def test_a_scale_reaches_around_its_values_in_few_equal_steps(one: Decimal, other: Decimal) -> None:
    lowest, highest = sorted((one, other))
    marks = ticks(lowest, highest)
    steps = {after - before for before, after in pairwise(marks)}
    assert len(steps) == 1
    assert marks[0] <= lowest
    assert marks[-1] >= highest
    assert 2 <= len(marks) <= 8


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("0", "0"),
        ("0.4", "0"),
        ("39689.82", "39,690"),
        ("999999.4", "999,999"),
        ("1234567", "1.235M"),
        ("1000000000000000", "1000T"),
    ],
)
def test_amounts_are_short(amount: str, told: str) -> None:
    assert short(Decimal(amount)) == told


def test_amounts_have_signs_and_shares_percents() -> None:
    assert [signed(Decimal(each)) for each in ("5", "-1500000", "0.00")] == ["+5", "−1.5M", "0"]
    assert [percent(each) for each in (Decimal("0.914588"), None)] == ["91.5 %", "–"]


@pytest.mark.parametrize(
    ("t0", "t1", "name"),
    [
        ("2025-02-01", "2025-03-01", "2025-02"),
        ("2025-04-01", "2025-07-01", "Q2 2025"),
        ("2025-10-01", "2026-01-01", "Q4 2025"),
        ("2025-01-01", "2026-01-01", "2025"),
        ("2025-02-01", "2025-05-01", "2025-02-01 – 2025-05-01"),
        ("2025-04-15", "2025-07-01", "2025-04-15 – 2025-07-01"),
    ],
)
def test_periods_have_names(t0: str, t1: str, name: str) -> None:
    assert period_name(date.fromisoformat(t0), date.fromisoformat(t1)) == name


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_can_be_told_from_what_they_stand_on(theme: Literal["light", "dark"]) -> None:
    """WCAG 2.2, 1.4.3 and 1.4.11: 4.5 : 1 for text, 3 : 1 for shapes that mean something."""
    colours = PALETTE[theme]
    for text in ("ink", "soft"):
        assert contrast(colours[text], colours["card"]) >= 4.5, text
    for step in range(7):
        assert contrast(colours[f"t{step}"], colours[f"h{step}"]) >= 4.5, step
    for bar in ("whole", "churned", "contracted", "expanded", "returned", "new", "said"):
        assert contrast(colours[bar], colours["card"]) >= 3, bar


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
