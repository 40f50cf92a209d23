"""Cells of a file that hold several things, as a person writes them in a spreadsheet: `name=value; name=value`."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator

from renewals.api.schemas import Entitled, PriceSchedule


def _number(stated: Any) -> Any:
    """A whole number as the cell has it."""
    if isinstance(stated, str) and stated.isascii() and stated.isdigit() and len(stated) < 17:
        return int(stated)
    raise ValueError("a whole number is written in digits")


def _pairs(stated: Any, example: str) -> Iterator[tuple[str, str]]:
    """The pairs of a cell; one that is left empty at the end is none."""
    for pair in str(stated).removesuffix(";").split(";"):
        name, is_there, value = pair.partition("=")
        if not is_there or not name.strip() or not value.strip():
            raise ValueError(f"write it as {example}")
        yield name.strip(), value.strip()


def _entitled(stated: Any) -> Any:
    found = dict[str, Any]()
    for name, value in _pairs(stated, "api_calls=100000; sso=1"):
        if name in found:
            raise ValueError(f"{name} is there twice")
        found[name] = _number(value)
    return found


def _priced(stated: Any) -> Any:
    example = "2026-01-01=1200.00; 2027-01-01=1300.00"
    return [{"start": start, "amount": amount} for start, amount in _pairs(stated, example)]


Whole = BeforeValidator(_number)
EntitledCell = Annotated[Entitled, BeforeValidator(_entitled)]
PricedCell = Annotated[PriceSchedule, BeforeValidator(_priced)]
