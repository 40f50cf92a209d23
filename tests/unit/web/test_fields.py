"""A day is a day: neither a number nor an instant is taken for one."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from mainstay.web.fields import CivilDay

DAY = TypeAdapter[date](CivilDay)


@pytest.mark.parametrize("stated", ["2026-03-31", "0001-01-01", "9999-12-31", "2028-02-29", date(2026, 3, 31)])
def test_a_day_is_taken(stated: str | date) -> None:
    assert DAY.validate_python(stated).isoformat() == str(stated)


@pytest.mark.parametrize(
    "stated",
    [
        0,
        -1,
        1767225600,
        0.0,
        True,
        None,
        "",
        "0",
        "-0",
        "1767225600",
        "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00",
        " 2026-01-01",
        "2026-01-01\n",
        "2026-1-1",
        "20260101",
        "2026-02-30",
        "0000-01-01",
        "10000-01-01",
        "٢٠٢٦-٠١-٠١",
        datetime(2026, 1, 1, tzinfo=UTC),
        b"2026-01-01",
    ],
)
def test_anything_else_is_refused(stated: Any) -> None:
    with pytest.raises(ValidationError):
        DAY.validate_python(stated)


def test_the_document_says_that_it_is_a_date() -> None:
    assert DAY.json_schema() == {"type": "string", "format": "date"}
