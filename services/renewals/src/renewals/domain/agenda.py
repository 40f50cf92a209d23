"""What stands in people's calendars of a contract's renewals, and how it differs from what calendars were told."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final

from renewals.domain.contracts import Contract
from renewals.domain.milestones import Milestone
from renewals.domain.ownership import Owner
from renewals.domain.renewal import Plan
from renewals.domain.terms import Outcome, Term

LOOKS_BACK: Final = timedelta(days=35)
"""Entries of days longer ago are left out, and what is off is told as cancelled for so long."""
NUMBERS_SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Sequences count seconds from here; they fit the 31 bits of RFC 5545's INTEGER until 2094."""

EntryKey = tuple[str, int, str]
"""Which entry it is, whatever its day becomes and whosever it is: contract, term, and the name of a milestone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A milestone's civil day in somebody's calendar; off where nobody has to renew the term, or it is renewed."""

    contract_id: str
    term: int
    name: str
    owner: str
    day: date
    is_off: bool

    @property
    def key(self) -> EntryKey:
        """Which entry it is."""
        return self.contract_id, self.term, self.name


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a calendar tells it since an instant; `sequence` is that of RFC 5545, section 3.8.7.4."""

    entry: Entry
    sequence: int
    changed_at: datetime


def shows_after(now: datetime) -> tuple[datetime, date]:
    """An instant and a day: a calendar shows what changed after the one, and what is on and later than the other."""
    since = now - LOOKS_BACK
    return since, since.astimezone(UTC).date()


def agenda(contract: Contract, term: Term, plan: Plan, days: Iterable[Milestone], owner: Owner) -> Iterator[Entry]:
    """The entries of a renewal with the given milestones, for its owner and its co-owner.

    Those of a term that was cancelled, or whose cancellation is ahead, are off; of one that was renewed by hand those
    of the days after.
    """
    is_latest = term.number == contract.latest.number
    is_cancelled = term.outcome is Outcome.CANCELLED or (is_latest and contract.cancellation is not None)
    renewed_on = plan.renewed_on or date.max
    for milestone in days:
        is_off = is_cancelled or renewed_on < milestone.on
        for person in sorted({person for person in (owner.person, owner.with_) if person}):
            yield Entry(contract.id, term.number, milestone.name, person, milestone.on, is_off)


def changes(told: Collection[Told], wanted: Iterable[Entry], now: datetime) -> Iterator[Told]:
    """What is to be told, so that calendars that were told `told` say what is wanted; nothing where they do already.

    Of what nobody was told before, days that are long past and what is off are left out. What is not wanted any more is
    told as off. `told` has what calendars show at least: of the rest no number can be as high as those of now.
    """
    _, last_past = shows_after(now)
    before = {(each.entry.key, each.entry.owner): each for each in told}
    changed = list[Entry]()
    for entry in wanted:
        was = before.pop((entry.key, entry.owner), None)
        if was is None and (entry.is_off or entry.day <= last_past):
            continue
        if was is None or was.entry != entry:
            changed.append(entry)
    changed += [replace(gone.entry, is_off=True) for gone in before.values() if not gone.entry.is_off]
    yield from _numbered(changed, told, now)


def _numbered(changed: Iterable[Entry], told: Collection[Told], now: datetime) -> Iterator[Told]:
    """With numbers above all that were told of the same entry in any calendar, those that are on above those off.

    So who has the calendars of two people in one program, and with them one UID twice, keeps the entry that stands.
    """
    of_now = max(int((now - NUMBERS_SINCE).total_seconds()), 0)
    highest = defaultdict[EntryKey, int](lambda: of_now - 1)
    for each in told:
        highest[each.entry.key] = max(highest[each.entry.key], each.sequence)
    for entry in sorted(changed, key=lambda each: (*each.key, not each.is_off, each.owner)):
        highest[entry.key] += 1
        yield Told(entry, highest[entry.key], now)
