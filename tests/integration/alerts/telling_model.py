"""What a program that remembers everything knows of each account: the model beside `test_telling_machine`."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class Pending:
    """A message that somebody is to hear, and when it is looked at next (None: when what mutes it is over)."""

    alert: str
    kind: str
    reader: str
    due: datetime | None
    muted_by: str | None = None


@dataclass
class Model:
    """One account's alert, if there is one."""

    id: str | None = None
    is_red: bool = False
    is_acknowledged: bool = False
    snoozed_until: datetime | None = None
    pending: list[Pending] = field(default_factory=list)
    readers: set[str] = field(default_factory=set)
    """Who has heard of the present alert."""


@dataclass
class Muffled:
    account: str
    ends_at: datetime
    id: str
