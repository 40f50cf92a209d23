"""The horizon: how far back the facts about a subject have to be read for what is open, and what may open, to be right.

What services say of an account's health comes for ever, so its whole past is not folded for each fact. A fold may begin
at an instant that no episode spans: whatever ended before cannot change any more, and whatever opens later is made of
facts that are read. Things of customers (a ticket, an invoice) have short histories of their own and are read whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.domain.observations import ACTIVITY, BAND, MEASURES, SCORE, Observation
from alerts.domain.rules import Rule

ENDLESS = (BAND, SCORE, MEASURES, ACTIVITY, "deviation:", "measure:", "source:")
"""The subjects of which services speak for ever; a colon at the end stands for all that begin so."""

ALWAYS_READ = timedelta(days=30)
"""What lies back less is read in any case: most records that come late are not later than this."""

SPARED = 100
"""So many facts have to be left out by a horizon for it to be worth writing down."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """Facts from `reads_from` on are read, and the last one before; what ended by `opens_from` stays as it is.

    Between the two lies what a rule looks back over.
    """

    reads_from: datetime
    opens_from: datetime


def comes_for_ever(subject: str) -> bool:
    """Whether facts about a subject come for ever, and a horizon is kept for it."""
    return any(subject.startswith(one) if one.endswith(":") else subject == one for one in ENDLESS)


def looks_back(rules: Iterable[Rule]) -> timedelta:
    """How long what was true can matter to what is true later: windows, lapses, and the times for which rules hold."""
    return max((_looks_back(rule) for rule in rules), default=timedelta())


@dataclass(frozen=True, slots=True)
class Spell:
    """An episode's time: when it opened, until when it went on, and for how long its end matters after that."""

    opened_at: datetime
    ended_at: datetime | None
    echo: timedelta = timedelta()

    def matters_at(self, at: datetime) -> bool:
        """Whether what comes later has to know of it."""
        return self.opened_at < at and (self.ended_at is None or self.ended_at + self.echo >= at)


def horizon(spells: Iterable[Spell], back: timedelta, now: datetime, always: timedelta = ALWAYS_READ) -> Horizon:
    """The latest horizon before which everything is settled; `back` is how far the rules look back."""
    at = now - always - back
    for spell in sorted(spells, key=lambda one: one.opened_at, reverse=True):
        if spell.matters_at(at):
            at = spell.opened_at
    return Horizon(at - back, at)


def spared(history: Sequence[Observation], found: Horizon) -> int:
    """How many facts a horizon leaves out."""
    return sum(seen.at < found.reads_from for seen in history)


def _looks_back(rule: Rule) -> timedelta:
    held = rule.holding.hold_for + rule.holding.keep_firing_for + rule.holding.cooldown
    return held + (rule.lasts or timedelta()) + timedelta(days=rule.when.get("days") or 0)
