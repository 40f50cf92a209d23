"""Figures as the columns and cells of a table."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any

from mainstay.web.csv_cells import plain_cell, text_cell


def flat(view: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of a row by their paths: `customers.opening`."""
    found: dict[str, Any] = {}
    for name, value in view.items():
        found |= {f"{name}.{k}": v for k, v in flat(value).items()} if isinstance(value, dict) else {name: value}
    return found


def columns(shape: type[Any]) -> list[str]:
    """The names that `flat` gives to the figures of a row of such a dataclass."""
    return [
        name
        for field in fields(shape)
        for name in (
            [f"{field.name}.{part.name}" for part in fields(field.type)] if is_dataclass(field.type) else [field.name]
        )
    ]


def cell(value: Any) -> str:
    """A figure: amounts in digits, never with an exponent; text is no formula."""
    if isinstance(value, str):
        return text_cell(value)
    return f"{value:f}" if isinstance(value, Decimal) else plain_cell(value)
