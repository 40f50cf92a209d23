"""Support by period: what came, what was settled, what is open, and how long it took."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from health_score.domain.kpis.ledger import Ledger
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.promises import NOTHING_PROMISED, Promises, promises_at
from health_score.domain.kpis.spread import Durations
from health_score.domain.kpis.stories import Story

UNSTATED = "unstated"
PRIORITIES = ("urgent", "high", "normal", "low", UNSTATED)


@dataclass(slots=True)
class Kept:
    """Of `judged` tickets with a promise, done or overdue, so many were done in time."""

    in_time: int = 0
    judged: int = 0

    def judge(self, opened_at: datetime, done_at: datetime | None, hours: int | None, now: datetime) -> None:
        """Whether it was done within the hours; what may still be in time is judged later."""
        if hours is None:
            return
        deadline = opened_at + timedelta(hours=hours)
        if done_at is None and deadline >= now:
            return
        self.judged += 1
        self.in_time += done_at is not None and done_at <= deadline


@dataclass(slots=True)
class Support:
    """Tickets by priority, their times, and whether promises of them were kept."""

    opened: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)
    reopened: Counter[str] = field(default_factory=Counter)
    open_at_end: Counter[str] = field(default_factory=Counter)
    first_responses: Durations = field(default_factory=Durations)
    resolutions: Durations = field(default_factory=Durations)
    answered_in_time: Kept = field(default_factory=Kept)
    resolved_in_time: Kept = field(default_factory=Kept)


class Resolved(NamedTuple):
    """A ticket was resolved, and perhaps opened again."""

    at: datetime
    reopened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket's life. Times that cannot be (resolved before it was opened) are moved to the first that can."""

    opened_at: datetime
    priority: str
    first_response_at: datetime | None
    resolutions: tuple[Resolved, ...]

    @property
    def resolved_at(self) -> datetime | None:
        """When it was resolved for good, as far as is known; None while it is open."""
        last = self.resolutions[-1] if self.resolutions else None
        return last.at if last is not None and last.reopened_at is None else None

    def open_at(self, instants: Sequence[datetime]) -> Iterator[int]:
        """The places of those instants (rising) before which it was opened, and not resolved."""
        opened: datetime | None = self.opened_at
        for each in self.resolutions:
            if opened is not None:
                yield from range(bisect_right(instants, opened), bisect_right(instants, each.at))
            opened = each.reopened_at
        if opened is not None:
            yield from range(bisect_right(instants, opened), len(instants))


def ticket_of(story: Story) -> Ticket:
    """The life that a ticket's statements tell. A later `resolved_at` corrects the one before; null opens it again."""
    opened_at: datetime = story.said("opened_at") or story.first_at
    return Ticket(
        opened_at,
        story.said("priority") or UNSTATED,
        story.said("first_response_at"),
        tuple(_resolutions(story, opened_at)),
    )


def _resolutions(story: Story, earliest: datetime) -> Iterator[Resolved]:
    resolved: datetime | None = None
    for said_at, value in story.changes("resolved_at"):
        if value is not None:
            resolved = max(value, earliest)
        elif resolved is not None:
            earliest = max(said_at, resolved)
            yield Resolved(resolved, earliest)
            resolved = None
    if resolved is not None:
        yield Resolved(resolved, None)


def count_support(past: Past, ledger: Ledger[Support]) -> None:
    """Count each ticket where it was opened, answered, resolved and opened again, and where it is still open."""
    tickets = [ticket_of(story) for story in past.stories("ticket")]
    if not tickets:
        return
    opened = [each.opened_at for each in tickets if ledger.period_of(each.opened_at) is not None]
    promises = promises_at(past, ledger.books.rules, opened)
    for ticket in tickets:
        if (cell := ledger.at(ticket.opened_at)) is not None:
            cell.opened[ticket.priority] += 1
            if (promised := promises[ticket.opened_at]) is not NOTHING_PROMISED:
                _judge(ticket, promised, cell, ledger.books.now)
        answered = ticket.first_response_at
        if answered is not None and (cell := ledger.at(answered)) is not None:
            cell.first_responses.add(answered - ticket.opened_at)
        for each in ticket.resolutions:
            _settle(ticket, each, ledger)
    ends = list(ledger.ends())
    instants = [end.before for end in ends]
    still_open = Counter((place, ticket.priority) for ticket in tickets for place in ticket.open_at(instants))
    for (place, priority), count in still_open.items():
        if (cell := ledger.at_end(ends[place])) is not None:
            cell.open_at_end[priority] += count


def _settle(ticket: Ticket, resolved: Resolved, ledger: Ledger[Support]) -> None:
    if (cell := ledger.at(resolved.at)) is not None:
        cell.resolved[ticket.priority] += 1
        if resolved.reopened_at is None:
            cell.resolutions.add(resolved.at - ticket.opened_at)
    if resolved.reopened_at is not None and (cell := ledger.at(resolved.reopened_at)) is not None:
        cell.reopened[ticket.priority] += 1


def _judge(ticket: Ticket, promises: Promises, cell: Support, now: datetime) -> None:
    response, resolution = promises.for_ticket(None if ticket.priority == UNSTATED else ticket.priority)
    cell.answered_in_time.judge(ticket.opened_at, ticket.first_response_at, response, now)
    cell.resolved_in_time.judge(ticket.opened_at, ticket.resolved_at, resolution, now)
