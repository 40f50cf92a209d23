"""What happens to an account that can start a playbook, each under a name of its own: it starts one once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from alerts.domain.accounts import Account
from alerts.domain.alerts import Alert
from alerts.domain.conditions.things import zone_of
from alerts.domain.playbooks import DateOf, OnAlert, OnDate, OnHandover, OnStage, OnWindow, Playbook, Trigger
from mainstay.kernel.clock import day_of, start_of_day


@dataclass(frozen=True, slots=True)
class AlertTold:
    """An alert opened, and people are told."""

    alert: Alert

    @property
    def cause(self) -> str:
        """Its name."""
        return f"alert:{self.alert.id}"

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.alert.opened_at


@dataclass(frozen=True, slots=True)
class StageBegan:
    """The account entered a stage, as an event said."""

    stage: str
    event_id: str
    at: datetime

    @property
    def cause(self) -> str:
        """Its name."""
        return f"stage:{self.stage}:{self.event_id}"


@dataclass(frozen=True, slots=True)
class WindowBegan:
    """A term's renewal window opened."""

    term_id: str
    at: datetime

    @property
    def cause(self) -> str:
        """Its name."""
        return f"window:{self.term_id}"


@dataclass(frozen=True, slots=True)
class OwnerChanged:
    """The account has another owner, as its record with a sequence number said."""

    before: str
    after: str
    sequence: int
    at: datetime

    @property
    def cause(self) -> str:
        """Its name."""
        return f"handover:{self.sequence}"


@dataclass(frozen=True, slots=True)
class DayCame:
    """A day so and so far from a date of the account has come."""

    of: DateOf
    date: date
    days: int
    at: datetime

    @property
    def cause(self) -> str:
        """Its name: another date is another happening."""
        return f"date:{self.of.value}:{self.date.isoformat()}:{self.days}"


Happening = AlertTold | StageBegan | WindowBegan | OwnerChanged | DayCame


def starts(playbook: Playbook, happening: Happening, now: datetime, quiet_after: timedelta) -> bool:
    """Whether a happening starts a playbook: what lies too far back, or came before it was in force, does not."""
    if not playbook.enabled or now - happening.at > quiet_after:
        return False
    if playbook.in_force_since is not None and happening.at < playbook.in_force_since:
        return False
    return any(_fits(trigger, happening) for trigger in playbook.triggers)


def _fits(trigger: Trigger, happening: Happening) -> bool:
    match trigger, happening:
        case OnAlert(), AlertTold(alert):
            return trigger.fits(alert)
        case OnStage(stages), StageBegan(stage):
            return stage in stages
        case OnWindow(), WindowBegan():
            return True
        case OnHandover(), OwnerChanged():
            return True
        case OnDate(of, days), DayCame():
            return (of, days) == (happening.of, happening.days)
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Dates:
    """What the dates of an account mean for playbooks: the days that have come, and when the next one comes."""

    come: tuple[DayCame, ...]
    again_at: datetime | None


def dates_of(
    playbooks: Iterable[Playbook], account: Account, go_live_on: date | None, now: datetime, quiet_after: timedelta
) -> Dates:
    """The days that came lately, oldest first, by the account's zone."""
    known = {DateOf.RENEWAL: account.next_renewal_on, DateOf.GO_LIVE: go_live_on}
    days = sorted(set(_days(playbooks, account, known)), key=lambda day: (day.at, day.cause))
    come = tuple(day for day in days if day.at <= now and now - day.at <= quiet_after)
    return Dates(come, min((day.at for day in days if day.at > now), default=None))


def _days(playbooks: Iterable[Playbook], account: Account, known: dict[DateOf, date | None]) -> Iterator[DayCame]:
    zone = zone_of(account)
    for playbook in playbooks:
        for trigger in playbook.triggers:
            if isinstance(trigger, OnDate) and (day := known[trigger.of]) is not None:
                at = start_of_day(day + timedelta(days=trigger.days), zone)
                yield DayCame(trigger.of, day, trigger.days, at)


def started_on(account: Account, at: datetime) -> date:
    """The account's day at an instant."""
    return day_of(at, zone_of(account))
