r"""Texts and numbers of facts, with their bounds: a reader refuses what is outside, and the published schemas say so.

Patterns end in `\Z` because Python's `$` also matches before a last line feed; schemas write it as `$`.
"""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias, TypeVar

from msgspec import Meta, UnsetType

T = TypeVar("T")

_NO_CONTROL = r"^[^\x00-\x1f\x7f-\x9f]*\Z"
_NO_CONTROL_BUT_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]*\Z"

Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NO_CONTROL)]
"""The sender's own name of a thing."""
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=_NO_CONTROL)]
"""One line for people."""
Words: TypeAlias = Annotated[str, Meta(min_length=1, max_length=10_000, pattern=_NO_CONTROL_BUT_LINES)]
"""What somebody wrote, in lines."""
Key: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[a-z][a-z0-9_.-]*\Z")]
"""A word that rules refer to: a role, a metric, a step."""
Instant: TypeAlias = Annotated[datetime, Meta(extra_json_schema={"format": "date-time"})]
"""msgspec by itself names the format only where a zone is compulsory."""
Currency: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", description="ISO 4217")]
Locale: TypeAlias = Annotated[
    str, Meta(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*\Z", description="BCP 47, such as de-AT")
]
Minutes: TypeAlias = Annotated[int, Meta(ge=0, le=100_000)]
Days: TypeAlias = Annotated[int, Meta(ge=0, le=36_600)]
Seats: TypeAlias = Annotated[int, Meta(ge=0, le=2_147_483_647)]
Bought: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
"""Whole units of what a plan entitles to."""
Number: TypeAlias = Annotated[float, Meta(ge=-1e15, le=1e15)]
Quantity: TypeAlias = Annotated[float, Meta(ge=0, le=1e15)]
CsatScore: TypeAlias = Annotated[int, Meta(ge=1, le=5)]
Channel: TypeAlias = Literal["onsite", "phone", "video", "email", "chat", "in_app", "portal", "other"]
Severity: TypeAlias = Literal["low", "medium", "high", "critical"]

Maybe: TypeAlias = T | UnsetType | None
"""Absent: not stated. null: withdrawn."""
