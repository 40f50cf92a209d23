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
from renewals.domain.notice import NoticeRule
from renewals.domain.schedule import USUAL_WINDOW, Schedule, Window
from renewals.domain.terms import Entitlements, Outcome, Step, Term


class Kind(StrEnum):
    """A one-time contract is served and never counted in renewal figures: it has no window and no ARR."""

    RECURRING = "recurring"
    ONE_TIME = "one_time"


class AtEnd(StrEnum):
    """What happens when a term runs out and nobody says otherwise."""

    RENEW = "renew"
    RENEW_ONCE = "renew_once"
    EVERGREEN = "evergreen"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the contract from a day on; from its beginning, where `since` is None."""

    account_id: str
    since: date | None


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The contract that this one renews: its last term came, or comes, to its end before `expires_before`."""

    contract_id: str
    expires_before: date
    served_before: date


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Somebody ended the contract: `on` is the first day without it, `at_end` what would have happened otherwise."""

    on: date
    reason: str
    at_end: AtEnd


class Unchanged(Enum):
    """Marks a field that an amendment leaves as it is; None withdraws its value."""

    UNCHANGED = auto()


UNCHANGED = Unchanged.UNCHANGED

CANCELLED = "cancelled"
"""The reason of a cancellation for which nobody gave one."""

NOT_RENEWED = "not renewed"
"""The reason of an end that came by time alone."""

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
    grace_days: int | Unchanged = UNCHANGED
    notice: NoticeRule | Unchanged | None = UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an account bought. `amount`, `seats` and `entitlements` are those of the terms to come.

    The last of `terms` is the one that runs, is yet to begin, or ran last. A term that is renewed no more than
    `grace_days` days after its end was renewed in time. `holders` is empty where the account always had it; a contract
    co-terms with the one that its end was taken from.
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
    entitlements: Entitlements = ()
    grace_days: int = 0
    notice: NoticeRule | None = None
    holders: tuple[Holder, ...] = ()
    predecessor: Predecessor | None = None
    co_term_of: str | None = None
    cancellation: Cancellation | None = None

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

    def catch_up(self, now: datetime, usual: Window = USUAL_WINDOW) -> tuple["Contract", tuple[Happening, ...]]:
        """The contract as it stands now, and what happened since somebody last looked, in order.

        Each window and each end comes once, because the term remembers it; a long absence gives every one of them,
        late. A clock that went back changes nothing. `usual` is the window of contracts that set none themselves; one
        that is still to open is counted by it anew.
        """
        if (windowed := self._windowed(usual)) is not self:
            return windowed.catch_up(now, usual)
        contract, happened = self, list[Happening]()
        while step := contract._step(now, usual):
            contract, happening = step
            happened.append(happening)
        return contract, tuple(happened)

    def as_of(self, day: date) -> "Contract":
        """As it stood on a day, by what is known now: terms that had begun, and outcomes that had come about."""
        begun = tuple(term for term in self.terms if term.start <= day) or self.terms[:1]
        if begun[-1].served_before > day:
            begun = (*begun[:-1], replace(begun[-1], outcome=None, closed_at=None))
        held = [each.account_id for each in self.holders if each.since is None or each.since <= day]
        return replace(self, terms=begun, account_id=held[-1] if held else self.account_id)

    def moments(self, now: datetime) -> Iterator[datetime]:
        """The instants at which this contract is to be looked at again: days after today on which something is due."""
        term = self.latest
        if term.outcome is Outcome.CANCELLED:
            return
        # Of a term that was renewed early or late too: its value goes with its last day, and a step's comes.
        days = {day for each in self.terms for day in (each.start, each.served_before, *(s.start for s in each.steps))}
        if opens := self._window_ahead():
            days.add(opens)
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
            steps=_steps(self.latest, change),
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
            cancellation=self.cancellation if isinstance(change.at_end, Unchanged) or term.cancelled_on else None,
            grace_days=_or(change.grace_days, self.grace_days),
            notice=_or(change.notice, self.notice),
            amount=amount,
            seats=seats,
            schedule=schedule,
            terms=(*self.terms[:-1], term),
        )

    def with_latest(self, term: Term) -> "Contract":
        """With the latest term replaced."""
        return replace(self, terms=(*self.terms[:-1], term))

    def followed(self, now: datetime, usual: Window = USUAL_WINDOW) -> "Contract":
        """With the latest term closed as renewed, and the one after it on the anchored calendar.

        An evergreen contract goes on in terms that have no window and are no renewals of their own.
        """
        before = self.latest
        number = before.number + 1
        start, end_exclusive = before.end_exclusive, self.schedule.begin(number + 1)
        is_rolling = self.at_end is AtEnd.EVERGREEN
        has_window = self.kind is Kind.RECURRING and not is_rolling
        term = Term(
            number=number,
            start=start,
            end_exclusive=end_exclusive,
            counted_from=self.schedule.anchor,
            amount=self.amount,
            seats=self.seats,
            window_opens_on=self.schedule.window(number, start, end_exclusive, usual) if has_window else None,
            is_rolling=is_rolling,
            entitlements=self.entitlements,
        )
        renewed = replace(before, outcome=Outcome.RENEWED, closed_at=now)
        at_end = AtEnd.CANCEL if self.at_end is AtEnd.RENEW_ONCE else self.at_end
        return replace(self, at_end=at_end, terms=(*self.terms[:-1], renewed, term))

    def _windowed(self, usual: Window) -> "Contract":
        """With the latest term's window, where it is still to open, as it is usual now."""
        term = self.latest
        if self.is_over or term.window_opens_on is None or term.window_opened_at is not None:
            return self
        opens = self.schedule.window(term.number, term.start, term.expires_before, usual)
        return self if opens == term.window_opens_on else self.with_latest(replace(term, window_opens_on=opens))

    def _window_ahead(self) -> date | None:
        """The day on which the latest term's window is to open; none after the day from which it is cancelled."""
        term = self.latest
        if term.window_opens_on is None or term.window_opened_at is not None:
            return None
        return term.window_opens_on if term.window_opens_on < term.served_before else None

    def _step(self, now: datetime, usual: Window) -> tuple["Contract", Happening] | None:
        term, today = self.latest, self.today(now)
        if self.is_over:
            return None
        if (opens := self._window_ahead()) and opens <= today:
            opened = replace(term, window_opened_at=now)
            return self.with_latest(opened), WindowOpened(opened, start_of_day(opens, self.zone))
        reason = self.cancellation.reason if self.cancellation else None
        if term.cancelled_on and term.cancelled_on <= today:
            over = replace(term, outcome=Outcome.CANCELLED, closed_at=now)
            return self.with_latest(over), Ended(over, start_of_day(term.cancelled_on, self.zone), reason or CANCELLED)
        if term.end_exclusive > today:
            return None
        ended_at = start_of_day(term.end_exclusive, self.zone)
        if self.at_end is not AtEnd.CANCEL:
            contract = self.followed(now, usual)
            return contract, Renewed(contract.terms[-2], contract.latest, ended_at)
        ended = replace(term, outcome=Outcome.ENDED, closed_at=now)
        otherwise = "served" if self.kind is Kind.ONE_TIME else NOT_RENEWED
        return self.with_latest(ended), Ended(ended, ended_at, reason or otherwise)


def _or(stated: V | Unchanged, present: V) -> V:
    return present if isinstance(stated, Unchanged) else stated


def _steps(term: Term, change: Amendment) -> tuple[Step, ...]:
    """The steps of a term after its amount or seats were stated anew as a whole."""
    if not isinstance(change.amount, Unchanged):
        return ()
    return tuple(replace(step, seats=_or(change.seats, step.seats)) for step in term.steps)
