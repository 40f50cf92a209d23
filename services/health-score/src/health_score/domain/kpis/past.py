"""What key figures are computed from, of one account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from zoneinfo import ZoneInfo

from health_score.domain.account import Stated
from health_score.domain.activity import Activity
from health_score.domain.facts.known import UTC, Statement
from health_score.domain.history import Seats
from health_score.domain.kpis.stories import Story, stories
from health_score.domain.stages import NOTHING_MOVED, Journal


@dataclass(frozen=True)
class Past:
    """What figures are computed from, of one account: its statements before now in order, and its use.

    `record` is what was stated of it, also without a fact, and `journal` what stage rules did; both for rules only.
    """

    account_id: str
    zone: ZoneInfo = UTC
    statements: tuple[Statement, ...] = ()
    present: Mapping[str, str | None] = field(default_factory=dict)
    seats: Seats = field(default_factory=Seats)
    activity: Activity = field(default_factory=lambda: Activity(date.min))
    record: Mapping[str, Stated] = field(default_factory=dict)
    journal: Journal = NOTHING_MOVED

    def stories(self, kind: str) -> list[Story]:
        """The things of one kind."""
        return stories(self.statements, kind)
