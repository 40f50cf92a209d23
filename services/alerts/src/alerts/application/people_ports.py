"""What people and routing need of the outside, beside the directory: silences, mutes, escalations, shares of pools."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.digests import DigestKind, Move, NextStep
from alerts.domain.effort import Touch
from alerts.domain.pools import Load
from alerts.domain.reassignments import Reassignment
from alerts.domain.routing import EscalationStep, Match
from alerts.domain.silences import Silence


@dataclass(frozen=True, slots=True)
class MuteOnRecord:
    """That somebody was not told, or not yet, and why. `until` None: what mutes it had no end, or it is not sent."""

    notification_id: str
    delivery_id: str | None
    why: str
    detail: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """What happens when nobody acknowledges an alert: `step` steps are taken, the next is due at `due_at`."""

    alert_id: str
    account_id: str
    steps: tuple[EscalationStep, ...]
    step: int
    due_at: datetime | None
    ended_at: datetime | None = None
    ended_because: str | None = None


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step of an escalation as it was taken, and whom it told."""

    alert_id: str
    step: int
    account_id: str
    due_at: datetime
    taken_at: datetime
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """An alert that a pool gave to one of its members."""

    alert_id: str
    account_id: str
    team_id: str
    person_id: str
    assigned_at: datetime


class Silences(Protocol):
    """Silences, and the record of what was muted."""

    async def add(self, silence: Silence) -> None:
        """Store a new silence."""

    async def active(self, now: datetime) -> Sequence[Silence]:
        """Those that mute at an instant."""

    async def lock(self, silence_id: str) -> Silence:
        """One silence, locked. Raises `SilenceUnknown`."""

    async def end(self, silence_id: str, at: datetime, by: str) -> None:
        """A silence ends at an instant."""

    async def page(self, *, ended: bool | None, now: datetime, after: Any, limit: int) -> Sequence[Silence]:
        """Silences, the newest first; those that are over, those that are not, or (None) all."""

    async def remember(self, mutes: Iterable[MuteOnRecord]) -> None:
        """Put on record why somebody was not told."""


class Escalations(Protocol):
    """Escalations and their steps."""

    async def begin(self, escalations: Iterable[Escalation]) -> None:
        """Begin escalations, and arm their timers; one that has begun goes on as it is."""

    async def lock(self, alert_id: str) -> Escalation | None:
        """One that has not ended, locked."""

    async def take(self, taken: StepTaken, next_at: datetime | None) -> None:
        """Put a step on record; the next is due at `next_at`."""

    async def put_off(self, alert_id: str, until: datetime) -> None:
        """The next step is due later."""

    async def end(self, alert_ids: Collection[str], because: str, now: datetime) -> None:
        """These go no further."""


class Snoozes(Protocol):
    """Timers of snoozes."""

    async def arm(self, account_id: str, alert_id: str, until: datetime) -> None:
        """Look at a snoozed alert again at an instant, and at no other."""


class DigestStore(Protocol):
    """What digests are made of, and when which was sent."""

    async def arm(self, person_id: str, kind: DigestKind, at: datetime | None) -> None:
        """The next digest is due at an instant, and at no other; None: no more are."""

    async def sent_until(self, person_id: str, kind: DigestKind) -> datetime | None:
        """Until when the last one told."""

    async def sent(self, person_id: str, kind: DigestKind, until: datetime) -> None:
        """Put on record until when one told."""

    async def accounts_of(self, owners: Collection[str]) -> Sequence[Account]:
        """The accounts of owners, by id."""

    async def alerts(self, account_ids: Collection[str], since: datetime) -> Sequence[Alert]:
        """The alerts of accounts that are open, or were resolved since."""

    async def kept(self, person_id: str, muted_by: str) -> Sequence[Alert]:
        """The alerts whose opening waits for somebody's digest."""

    async def moves(self, account_ids: Collection[str], since: datetime) -> Sequence[Move]:
        """From which band to which accounts went, the last move of each."""

    async def next_steps(self, account_ids: Collection[str], since: datetime) -> Sequence[NextStep]:
        """What was promised at the last touch of each account, of those since an instant."""

    async def touches(self, account_ids: Collection[str], since: datetime) -> Sequence[Touch]:
        """The touches of accounts that took place since, with those among ourselves."""


class Reassignments(Protocol):
    """Reassignments."""

    async def begin(self, new: Reassignment, at: datetime) -> None:
        """Store a new one, and arm its timer."""

    async def lock(self, reassignment_id: str) -> Reassignment:
        """One reassignment, locked. Raises `ReassignmentUnknown`."""

    async def save(self, changed: Reassignment) -> None:
        """Store how far one is."""

    async def page(self, after: tuple[datetime, str] | None, limit: int) -> Sequence[Reassignment]:
        """Reassignments, the newest first."""

    async def open_alerts(self, account_ids: Collection[str]) -> Mapping[str, int]:
        """How many alerts of each account are open."""

    async def matching(self, match: Match, limit: int) -> Sequence[Account]:
        """Accounts that are meant, by id; of a match only what says something about accounts counts."""


class Pools(Protocol):
    """Who of a pool has what."""

    async def loads(self, people: Collection[str]) -> Mapping[str, Load]:
        """What people of pools have open."""

    async def of_account(self, account_ids: Collection[str]) -> Mapping[tuple[str, str], str]:
        """Who has open alerts of an account, by account and team."""

    async def give(self, shares: Iterable[Share]) -> None:
        """Put on record who got what; what was given stays."""
