"""What may be read of who was told, and of escalations: the questions, and who answers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from alerts.application.delivery_ports import Delivery
from alerts.application.people_ports import Escalation, MuteOnRecord, StepTaken
from alerts.application.reading import After

OVERDUE_AFTER = timedelta(minutes=5)
"""A step of an escalation that is later than this is one that somebody has to look into."""


@dataclass(frozen=True, slots=True)
class Told:
    """One message about an alert on its way to somebody: a delivery, what it says, and every time it had to wait."""

    delivery: Delivery
    kind: str
    channel_name: str
    muted: Sequence[MuteOnRecord]


@dataclass(frozen=True, slots=True)
class EscalationOnRecord:
    """An escalation with the steps that were taken."""

    escalation: Escalation
    taken: Sequence[StepTaken]


class PeopleReading(Protocol):
    """Answers questions outside any handler's transaction."""

    async def told(self, alert_id: str) -> tuple[Sequence[Told], Sequence[MuteOnRecord]]:
        """Who was told of an alert, or is to be, in the order of their making; and what reached nobody."""

    async def escalation(self, alert_id: str) -> EscalationOnRecord | None:
        """The escalation of an alert."""

    async def overdue(self, before: datetime, *, limit: int, after: After | None) -> Sequence[Escalation]:
        """Escalations whose next step was due before an instant and was not taken, the oldest first."""

    async def count_overdue(self, before: datetime) -> int:
        """How many there are."""
