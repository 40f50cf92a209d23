"""Fields that requests of several services have, read strictly."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator

_CIVIL_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _civil_day(stated: Any) -> Any:
    if type(stated) is date or (isinstance(stated, str) and _CIVIL_DAY.fullmatch(stated)):
        return stated
    raise ValueError("a day is written YYYY-MM-DD, such as 2026-03-31")


CivilDay = Annotated[date, BeforeValidator(_civil_day)]
"""A day of the calendar, in a body or a query: YYYY-MM-DD and nothing else.

Pydantic by itself also takes seconds since 1970, as a number or in digits, and instants at midnight UTC.
"""
