"""A contract and its terms: how it is amended and brought up to the present day."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum, auto
from typing import TypeVar
from zoneinfo import ZoneInfo

from mainstay.kernel.clock import day_of, start_of_day
from renewals.domain.civil import ONE_DAY
from renewals.domain.errors import LATEST_END, ContractOver, EndBeforeStart, EndOutOfRange
from renewals.domain.happenings import Ended, Happening, Renewed, WindowOpened
from renewals.domain.schedule import Schedule
from renewals.domain.terms import Outcome, Term


class Kind(StrEnum):
    """A one-time contract is served and never counted in renewal figures: it has no window and no ARR."""

    RECURRING = "recurring"
    ONE_TIME = "one_time"


class AtEnd(StrEnum):
    """What happens when a term runs out and nobody says otherwise."""

    RENEW = "renew"
    CANCEL = "cancel"


class Unchanged(Enum):
    """Marks a field that an amendment leaves as it is; None withdraws its value."""

    UNCHANGED = auto()


UNCHANGED = Unchanged.UNCHANGED

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A change to a contract: to the term that runs (or is to come) and those after it. `end` is inclusive."""

    amount: Decimal | Unchanged = UNCHANGED
    seats: int | Unchanged | None = UNCHANGED
    end: date | Unchanged = UNCHANGED
    at_end: AtEnd | Unchanged = UNCHANGED
    term_months: int | Unchanged = UNCHANGED
    window_days: int | Unchanged | None = UNCHANGED
    external_id: str | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an account bought. `amount` and `seats` are those of the terms to come.

    The last of `terms` is the one that runs, is yet to begin, or ran last.
    """

    id: str
    account_id: str
    external_id: str | None
    kind: Kind
    currency: str
    zone: ZoneInfo
    schedule: Schedule
    at_end: AtEnd
    amount: Decimal
    seats: int | None
    terms: tuple[Term, ...]

    @property
    def latest(self) -> Term:
        """The term that runs, is yet to begin, or ran last."""
        return self.terms[-1]

    @property
    def is_over(self) -> bool:
        """Whether the last term has come to its end without a successor."""
        return self.latest.outcome is not None

    def today(self, now: datetime) -> date:
        """The civil date where the contract is."""
        return day_of(now, self.zone)

    def catch_up(self, now: datetime) -> tuple["Contract", tuple[Happening, ...]]:
        """The contract as it stands now, and what happened since somebody last looked, in order.

        Each window and each end comes once, because the term remembers it; a long absence gives every one of them,
        late. A clock that went back changes nothing.
        """
        contract, happened = self, list[Happening]()
        while step := contract._step(now):
            contract, happening = step
            happened.append(happening)
        return contract, tuple(happened)

    def moments(self, now: datetime) -> Iterator[datetime]:
        """The instants at which this contract is to be looked at again: days after today on which something is due."""
        term = self.latest
        if term.outcome is Outcome.CANCELLED:
            return
        days = {term.start, term.end_exclusive}
        if term.window_opens_on and term.window_opened_at is None:
            days.add(term.window_opens_on)
        # A term that is over can have its days ahead after the clock went back: its value still goes on the day.
        yield from (start_of_day(day, self.zone) for day in sorted(days) if day > self.today(now))

    def amend(self, change: Amendment) -> "Contract":
        """With the running term and those to come changed; past terms stay as they were. Catch up afterwards.

        A new end moves the anchor. A window that has opened stays open and does not open again for this term; one that
        has not is counted anew. Raises `ContractOver`, `EndBeforeStart` and `EndOutOfRange`.
        """
        if self.is_over:
            raise ContractOver(self.id, str(self.latest.outcome))
        amount = _or(change.amount, self.amount)
        seats = _or(change.seats, self.seats)
        term = replace(
            self.latest,
            amount=_or(change.amount, self.latest.amount),
            seats=_or(change.seats, self.latest.seats),
        )
        schedule = replace(
            self.schedule,
            term_months=_or(change.term_months, self.schedule.term_months),
            window_days=_or(change.window_days, self.schedule.window_days),
        )
        if schedule.term_months != self.schedule.term_months:
            schedule = schedule.with_end(term.number, term.end_exclusive)
        if not isinstance(change.end, Unchanged):
            if change.end < term.start:
                raise EndBeforeStart(term.start, change.end)
            if change.end >= LATEST_END:
                raise EndOutOfRange
            term = replace(term, end_exclusive=change.end + ONE_DAY, stated_end=change.end)
            schedule = schedule.with_end(term.number, term.end_exclusive)
        if term.window_opens_on and term.window_opened_at is None:
            opens = schedule.window(term.number, term.start, term.end_exclusive)
            term = replace(term, window_opens_on=opens)
        return replace(
            self,
            external_id=_or(change.external_id, self.external_id),
            at_end=_or(change.at_end, self.at_end),
            amount=amount,
            seats=seats,
            schedule=schedule,
            terms=(*self.terms[:-1], term),
        )

    def cancel(self, now: datetime, reason: str) -> tuple["Contract", Ended]:
        """Over from now on, whatever its dates say; they stay as written. Raises `ContractOver`."""
        if self.is_over:
            raise ContractOver(self.id, str(self.latest.outcome))
        cancelled = replace(self.latest, outcome=Outcome.CANCELLED, closed_at=now)
        return self.with_latest(cancelled), Ended(cancelled, now, reason)

    def with_latest(self, term: Term) -> "Contract":
        """With the latest term replaced."""
        return replace(self, terms=(*self.terms[:-1], term))

    def followed(self, now: datetime) -> "Contract":
        """With the latest term closed as renewed, and the one after it on the anchored calendar."""
        before = self.latest
        number = before.number + 1
        start, end_exclusive = before.end_exclusive, self.schedule.begin(number + 1)
        recurring = self.kind is Kind.RECURRING
        term = Term(
            number=number,
            start=start,
            end_exclusive=end_exclusive,
            counted_from=self.schedule.anchor,
            amount=self.amount,
            seats=self.seats,
            window_opens_on=self.schedule.window(number, start, end_exclusive) if recurring else None,
        )
        renewed = replace(before, outcome=Outcome.RENEWED, closed_at=now)
        return replace(self, terms=(*self.terms[:-1], renewed, term))

    def _step(self, now: datetime) -> tuple["Contract", Happening] | None:
        term, today = self.latest, self.today(now)
        if self.is_over:
            return None
        if term.window_opens_on and term.window_opened_at is None and term.window_opens_on <= today:
            opened = replace(term, window_opened_at=now)
            return self.with_latest(opened), WindowOpened(opened, start_of_day(term.window_opens_on, self.zone))
        if term.end_exclusive > today:
            return None
        ended_at = start_of_day(term.end_exclusive, self.zone)
        if self.at_end is AtEnd.RENEW:
            contract = self.followed(now)
            return contract, Renewed(contract.terms[-2], contract.latest, ended_at)
        ended = replace(term, outcome=Outcome.ENDED, closed_at=now)
        reason = "served" if self.kind is Kind.ONE_TIME else "not renewed"
        return self.with_latest(ended), Ended(ended, ended_at, reason)


def _or(stated: V | Unchanged, present: V) -> V:
    return present if isinstance(stated, Unchanged) else stated
