"""Silences: for some time nobody is told of the alerts that are meant. They have an author, a reason and an end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.domain.routing import About, Match

LONGEST = timedelta(days=366)


class SilenceUnknown(LookupError):
    """There is no silence with that id."""

    def __init__(self, silence_id: str) -> None:
        super().__init__(f"no silence has the id {silence_id}")


class SilenceOver(ValueError):
    """The silence has ended already."""

    def __init__(self, silence_id: str, ended_at: datetime) -> None:
        super().__init__(f"the silence {silence_id} ended at {ended_at:%Y-%m-%d %H:%M} UTC")


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that match are told to nobody from `starts_at` to before `ends_at`."""

    id: str
    match: Match
    starts_at: datetime
    ends_at: datetime
    reason: str
    created_at: datetime
    created_by: str
    ended_by: str | None = None
    """Who ended it before its time."""

    def mutes(self, about: About, at: datetime) -> bool:
        """Whether an alert is muted at an instant."""
        return self.starts_at <= at < self.ends_at and self.match.fits(about)


def muting(silences: Iterable[Silence], about: About, at: datetime) -> Silence | None:
    """The silence that mutes an alert for longest, if any does."""
    return max(
        (each for each in silences if each.mutes(about, at)), key=lambda each: (each.ends_at, each.id), default=None
    )
