"""Expressions of SQL that statements over the ledger share."""

from typing import Final

_KNOWN: Final = (
    "{e}.recorded_at <= {at} AND NOT EXISTS (SELECT FROM renewals.ledger_withdrawal w"
    " WHERE w.entry_id = {e}.id AND w.recorded_at <= {at})"
)


def known(entry: str, at: str = ":known_at") -> str:
    """Whether a row of the ledger was known, and not withdrawn, at an instant."""
    return _KNOWN.format(e=entry, at=at)


def half_even(amount: str, places: str = "CAST(:places AS int)", minor: str = ":minor", half: str = ":half") -> str:
    """An amount, half-even to the minor unit.

    PostgreSQL rounds halves away from zero, so what lies half a unit from there goes to the even neighbour. A sum of
    thirds can miss the half by its last decimals: it counts as one.
    """
    nearest = f"round({amount}, {places})"
    even = f"round({amount} * {minor} / 2) * 2 / {minor}"
    return f"CASE WHEN abs({nearest} - {amount}) < {half} THEN {nearest} ELSE round({even}, {places}) END"


def day_ends(day: str) -> str:
    """The instant at which a day ends (UTC)."""
    return f"CAST(CAST({day} AS date) + 1 AS timestamp) AT TIME ZONE 'UTC'"
