"""Figures as the columns and cells of a table."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from mainstay.web.csv_cells import plain_cell


def flat(view: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a row by their paths: `customers.opening`."""
    found: dict[str, Any] = {}
    for name, value in view.items():
        found |= {f"{name}.{k}": v for k, v in flat(value).items()} if isinstance(value, dict) else {name: value}
    return found


def cell(value: Any) -> str:
    """A figure: amounts in digits, never with an exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else plain_cell(value)
