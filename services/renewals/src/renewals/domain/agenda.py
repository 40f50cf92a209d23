"""The days of a contract that stand in somebody's calendar: its window, 60 and 30 days before, notice, and the end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from mainstay.kernel.clock import day_of
from renewals.domain.civil import ONE_DAY
from renewals.domain.contracts import Contract, Kind
from renewals.domain.terms import Outcome, Term

NoticeBy = Callable[[Contract, Term], date | None]
"""The last day for notice of a contract's term; None where there is no rule."""


class Occasion(StrEnum):
    """What a day of a term is for."""

    WINDOW = "window"
    DAYS_60 = "days-60"
    DAYS_30 = "days-30"
    NOTICE = "notice"
    DUE = "due"


AHEAD = {Occasion.DAYS_60: timedelta(days=60), Occasion.DAYS_30: timedelta(days=30)}
"""So long before the first day after the term."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A civil day where the contract is, and whether it is off: nobody has to renew the term, or it is renewed."""

    term: Term
    occasion: Occasion
    day: date
    is_off: bool

    @property
    def name(self) -> str:
        """Which entry of its contract it is, whatever its day becomes."""
        return f"{self.term.number}.{self.occasion.value}"


def agenda(contract: Contract, notice_by: NoticeBy) -> Iterator[Entry]:
    """The entries of every term that is up for renewal, in order. One day may have several.

    The entries of a term that was cancelled, or whose cancellation is ahead, are off; of one that was renewed by hand
    those of the days after. The renewal is due on the last day, as agreed.
    """
    if contract.kind is not Kind.RECURRING:
        return
    for term in contract.terms:
        if term.is_rolling:
            continue
        over = _off_after(contract, term)
        for occasion, day in _days(contract, term, notice_by):
            if day >= term.start:
                yield Entry(term, occasion, day, over is not None and day > over)


def _days(contract: Contract, term: Term, notice_by: NoticeBy) -> Iterator[tuple[Occasion, date]]:
    if term.window_opens_on is not None:
        yield Occasion.WINDOW, term.window_opens_on
    for occasion, before in AHEAD.items():
        yield occasion, term.expires_before - before
    if (notice := notice_by(contract, term)) is not None:
        yield Occasion.NOTICE, notice
    yield Occasion.DUE, term.expires_before - ONE_DAY


def _off_after(contract: Contract, term: Term) -> date | None:
    """The day after which the term's entries are off; None where they are not."""
    is_latest = term.number == contract.latest.number
    if term.outcome is Outcome.CANCELLED or (is_latest and contract.cancellation is not None):
        return term.start - ONE_DAY
    if term.outcome is Outcome.RENEWED and term.closed_at is not None:
        return day_of(term.closed_at, contract.zone)
    return None
