"""A contract that another one renews: where it ends by that, and what the other one keeps of it."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from mainstay.kernel.clock import start_of_day
from renewals.domain.contracts import NOT_RENEWED, AtEnd, Contract, Kind, Predecessor
from renewals.domain.errors import ContractOver, CurrencyDiffers, GraceOver, RenewalStartOutOfRange, RenewsAnother
from renewals.domain.happenings import Ended
from renewals.domain.terms import Outcome


def check_alike(named: Contract, account_id: str, kind: Kind, currency: str) -> None:
    """Whether a contract can renew, or co-term with, the one that it names.

    Raises `RenewsAnother` and `CurrencyDiffers`.
    """
    if named.account_id != account_id or named.kind is not Kind.RECURRING or kind is not Kind.RECURRING:
        raise RenewsAnother(named.id)
    if named.currency != currency:
        raise CurrencyDiffers(named.currency, currency)


def succeeded(before: Contract, start: date, now: datetime) -> tuple[Contract, Ended | None]:
    """A contract that another one renews from `start` on: its term ends there at latest, and nothing follows it.

    Terms that would have followed by themselves from then on never were, and a cancellation from then on is off. The
    renewal belongs to the end that was agreed. What happened, where a term turns out to have ended; catch up for the
    rest. Raises `ContractOver`, `GraceOver` and `RenewalStartOutOfRange`.
    """
    kept = tuple(term for term in before.terms if term.start < start or term.number == 1 or term.signed_on)
    last = kept[-1]
    if last.number != before.latest.number:
        last = replace(last, end_exclusive=last.expires_before, due_before=None, outcome=None, closed_at=None)
    if start <= last.start:
        raise RenewalStartOutOfRange(start, last.start, last.end_exclusive)
    if last.cancelled_on and last.cancelled_on < start:
        raise ContractOver(before.id, Outcome.CANCELLED.value)
    if start > last.expires_before + timedelta(days=before.grace_days):
        raise GraceOver(before.id, last.expires_before, before.grace_days)
    if last.outcome is Outcome.CANCELLED:
        last = replace(last, outcome=Outcome.ENDED)
    last = replace(last, cancelled_on=None)
    if start < last.end_exclusive:
        last = replace(last, end_exclusive=start, due_before=last.expires_before)
    happened = None
    if last.number != before.latest.number and last.end_exclusive <= before.today(now):
        # It was renewed by itself, as it seemed; nobody is told now that its window opens.
        last = replace(last, outcome=Outcome.ENDED, closed_at=now)
        happened = Ended(last, start_of_day(last.end_exclusive, before.zone), NOT_RENEWED)
    ended = replace(before, at_end=AtEnd.CANCEL, cancellation=None, terms=(*kept[:-1], last))
    return ended, happened


def predecessor(before: Contract, start: date) -> Predecessor:
    """What a contract that begins on `start` keeps of the one that it renews, after that was `succeeded`."""
    agreed = before.latest.expires_before
    return Predecessor(before.id, agreed, min(start, agreed))


def reopened(before: Contract) -> Contract:
    """As if no other contract had renewed it, to be changed and `succeeded` again; nothing follows by itself."""
    last = before.latest
    running = replace(last, end_exclusive=last.expires_before, due_before=None, outcome=None, closed_at=None)
    return before.with_latest(running)


def again(was: Contract, changed: Contract, start: date, now: datetime) -> Contract:
    """A contract that was renewed and has changed since, renewed from `start` on as before. Raises as `succeeded`."""
    found, _ = succeeded(changed, start, now)
    if was.is_over and found.latest.end_exclusive <= found.today(now):  # it came to its end once
        return found.with_latest(replace(found.latest, outcome=was.latest.outcome, closed_at=was.latest.closed_at))
    return found
