"""When something happened, from what its sender's clock said."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ingest.domain.refusal import Refused

DEADBAND = timedelta(seconds=150)
"""A smaller difference of the clocks cannot be told from the time in transit."""
FURTHEST_AHEAD = timedelta(hours=23)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Older times are the empty values of some language (year 1, 1970); each would make decades of empty history."""

_NONE = timedelta()


class SenderClock(NamedTuple):
    """One request's evidence of its sender's clock.

    `skew` is what to add to the sender's times: received − sent, or nothing inside the deadband. Only the clock's
    error is corrected: an event of years ago in a request sent now stays years ago.
    """

    received_at: datetime
    skew: timedelta
    latest: datetime

    @classmethod
    def observed(cls, received_at: datetime, sent_at: datetime | None) -> "SenderClock":
        """From our time of receipt and the sender's own time of sending; a time without a zone is UTC."""
        skew = received_at - in_utc(sent_at, "/sentAt") if sent_at is not None else _NONE
        return cls(received_at, skew if abs(skew) >= DEADBAND else _NONE, received_at + FURTHEST_AHEAD)

    def corrected(self, stated: datetime | None, pointer: str) -> datetime:
        """When it happened, in UTC.

        The time of receipt where the sender stated none, or one over 23 hours ahead. Raises `Refused` for times
        before 2000.
        """
        if stated is None:
            return self.received_at
        happened = stated if stated.tzinfo is UTC else in_utc(stated, pointer)
        if self.skew:
            try:
                happened += self.skew
            except OverflowError:
                raise _out_of_range(pointer) from None
        if happened > self.latest:
            return self.received_at
        if happened < EARLIEST:
            raise _out_of_range(pointer)
        return happened

    def overruled(self, stated: datetime | None, happened: datetime) -> datetime | None:
        """The sender's own time in UTC where the corrected one differs from it, to be kept beside it; else None."""
        if stated is None or stated is happened or stated == happened:
            return None
        stated_utc = in_utc(stated, "")
        return stated_utc if stated_utc != happened else None


def in_utc(stated: datetime, pointer: str) -> datetime:
    """A stated time in UTC; one without a zone is taken as UTC. Raises `Refused` beyond the calendar's ends."""
    if stated.tzinfo is None:
        return stated.replace(tzinfo=UTC)
    try:
        return stated.astimezone(UTC)
    except OverflowError:
        raise _out_of_range(pointer) from None


def _out_of_range(pointer: str) -> Refused:
    return Refused("time-out-of-range", f"Times before {EARLIEST:%Y-%m-%d} are not accepted.", pointer)
