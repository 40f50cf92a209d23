"""What the portfolio's routes answer: read models. ARR is today's wherever it stands; amounts are exact decimals."""

from dataclasses import dataclass
from datetime import date

from health_score.application.views import BandTotals, MoneyView


@dataclass(frozen=True, slots=True)
class BandThen:
    """A band's accounts at the close of a day and now, and their ARR: today's, both times."""

    band: str
    accounts_then: int
    accounts_now: int
    arr_then: tuple[MoneyView, ...]
    arr_now: tuple[MoneyView, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """The accounts that were in one band then and are in another now; `before` is null for those with no close then."""

    before: str | None
    now: str
    accounts: int
    arr: tuple[MoneyView, ...]


@dataclass(frozen=True, slots=True)
class Movement:
    """What moved since the close of a day, as known now; `new` accounts had none then, and are in no band's `then`.

    The amounts say what the moved accounts are worth today: a contract that grew moves nothing here.
    """

    since: date
    new: int
    bands: tuple[BandThen, ...]
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class ApartTotals:
    """The accounts in a stage that leaves health reporting, and their ARR."""

    stage: str
    accounts: int
    arr: tuple[MoneyView, ...]


@dataclass(frozen=True, slots=True)
class GroupView:
    """The accounts that share an owner, a tier or a segment; `value` is null for those that have none.

    Those `apart` (will churn, churned) are in no other figure.
    """

    value: str | None
    accounts: int
    silent: int
    arr: tuple[MoneyView, ...]
    bands: tuple[BandTotals, ...]
    movement: Movement | None
    apart: tuple[ApartTotals, ...]


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """All accounts by band; with `by`, in groups too (up to `limit`, by their value); with `since`, what moved.

    Those `apart` (will churn, churned) left health reporting and are in no other figure.
    """

    accounts: int
    silent: int
    arr: tuple[MoneyView, ...]
    bands: tuple[BandTotals, ...]
    movement: Movement | None
    apart: tuple[ApartTotals, ...]
    by: str | None
    groups: tuple[GroupView, ...]
    next_cursor: str | None
