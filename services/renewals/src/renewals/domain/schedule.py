"""A contract's calendar: when its terms begin and when their windows open, always counted from the anchor."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from renewals.domain.civil import add_months


@dataclass(frozen=True, slots=True)
class Window:
    """How long before the first day after a term its window opens: calendar months, or days where those are set."""

    months: int = 0
    days: int | None = None


USUAL_WINDOW = Window(months=3)
"""What holds where neither the contract nor the operator's policy says otherwise."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Term number n begins at anchor + (n − `anchor_number`) x `term_months`, for n ≥ `anchor_number`.

    The anchor is the contract's first day where its first term lasts whole lengths. Otherwise, and after somebody
    moved an end, it is the first day after the odd term. `term_months` is None where nothing can follow.
    """

    anchor: date
    anchor_number: int
    term_months: int | None
    window_days: int | None = None

    def begin(self, number: int) -> date:
        """The first day of a term, which is the first day after the one before."""
        return add_months(self.anchor, self._months(number))

    def window(self, number: int, start: date, end_exclusive: date, usual: Window = USUAL_WINDOW) -> date:
        """The day on which a term's window opens; its first day at the earliest. The contract's own days beat `usual`.

        Calendar months are taken off the count from the anchor, not off the end: with the anchor on November 30 a term
        that ends before February 28 has its window on November 30.
        """
        days = usual.days if self.window_days is None else self.window_days
        if days is not None:
            return max(start, end_exclusive - timedelta(days=days))
        return max(start, self.months_before_end(number, usual.months))

    def months_before_end(self, number: int, months: int) -> date:
        """So many calendar months before the first day after a term, counted from the anchor."""
        return add_months(self.anchor, self._months(number + 1) - months)

    def with_end(self, number: int, end_exclusive: date) -> "Schedule":
        """The calendar after a term was given an end by hand: later terms count from there."""
        return replace(self, anchor=end_exclusive, anchor_number=number + 1)

    def _months(self, number: int) -> int:
        return (number - self.anchor_number) * (self.term_months or 0)


def schedule(start: date, end_exclusive: date, term_months: int | None, window_days: int | None) -> Schedule:
    """The calendar of a new contract whose first term, number 1, is `[start, end_exclusive)`.

    Without `term_months`, later terms last as long as the first where that is a whole number of months.
    """
    if term_months is None:
        between = (end_exclusive.year - start.year) * 12 + end_exclusive.month - start.month
        term_months = between if between and add_months(start, between) == end_exclusive else None
    if term_months and add_months(start, term_months) == end_exclusive:
        return Schedule(start, 1, term_months, window_days)
    return Schedule(end_exclusive, 2, term_months, window_days)
