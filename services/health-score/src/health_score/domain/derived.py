"""What follows from an account's record by the operator's rules, as it was last computed and told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from health_score.domain.rules import By


@dataclass(frozen=True, slots=True)
class Service:
    """The service that an account is promised, and why: a policy's, with what was stated for this account in front."""

    policy: str | None
    by: By
    promises: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Derived:
    """The account's tier, stage and service, each with why.

    `stage_entered_on` is the day of the entry in the account's zone; `stage_overdue`: longer than the target allows.
    """

    tier: str | None = None
    tier_by: By | None = None
    stage: str | None = None
    stage_entered_at: datetime | None = None
    stage_entered_on: date | None = None
    stage_by: By | None = None
    stage_target_days: int | None = None
    stage_overdue: bool = False
    service: Service | None = None

    @property
    def promises(self) -> tuple[Any, Any]:
        """What is told to others of the service: days between touches, and hours to respond in (or by priority)."""
        promises = self.service.promises if self.service else {}
        return promises.get("touch_every_days"), promises.get("response_within_hours")


NOTHING_DERIVED = Derived()
