"""What the API answers: plain read models. Scores are whole points 0–100, coverage is 0–1, instants are UTC."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class MoneyView:
    """An exact amount and its ISO 4217 currency."""

    amount: str
    currency: str


@dataclass(frozen=True, slots=True)
class ValueView:
    """What an account is worth: ARR by currency, seats bought, and the first day after its next term to end."""

    arr: tuple[MoneyView, ...]
    seats: int | None
    next_renewal_on: date | None


@dataclass(frozen=True, slots=True)
class HealthSummary:
    """An account's current health in short. `computed_at` is null as long as nothing was computed."""

    score: int | None
    band: str
    band_since: datetime | None
    coverage: float
    computed_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account's record, what it is worth, its life and its health in short."""

    account_id: str
    name: str | None
    owner: str | None
    tier: str | None
    zone: str
    industry: str | None
    segment: str | None
    created_at: datetime
    first_active_on: date | None
    last_active_on: date | None
    silent: bool
    value: ValueView
    health: HealthSummary


@dataclass(frozen=True, slots=True)
class ScorecardView:
    """Which version of which scorecard."""

    id: str
    version: int


@dataclass(frozen=True, slots=True)
class MeasureView:
    """One measure of a score. `status` is `ok` or `na`; contributions add up to the score exactly.

    `weight` is the measure's share of the scorecard, `effective_weight` its share once the weight of what is NA went
    to the others.
    """

    measure: str
    group: str
    metric: str
    value: int | float | None
    score: float | None
    weight: float
    effective_weight: float
    contribution: int
    status: str


@dataclass(frozen=True, slots=True)
class HealthView:
    """An account's current health and what it is made of.

    `as_of` is the day it describes: the running day, or the last one closed when nothing happened since.
    """

    account_id: str
    score: int | None
    band: str
    band_since: datetime | None
    coverage: float
    as_of: date | None
    computed_at: datetime | None
    scorecard: ScorecardView | None
    measures: tuple[MeasureView, ...]


@dataclass(frozen=True, slots=True)
class Reported:
    """A close as it was first reported."""

    score: int | None
    band: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CloseView:
    """A day's close: as known now, and as first reported. `restated_at` is null where late events changed nothing."""

    day: date
    score: int | None
    band: str
    coverage: float
    scorecard: ScorecardView
    reported: Reported
    restated_at: datetime | None


@dataclass(frozen=True, slots=True)
class MetricsView:
    """An account's usage metrics as of a day; null where a metric is undefined. Shares are the nearest floats."""

    account_id: str
    as_of: date
    metrics: dict[str, int | float | None]


@dataclass(frozen=True, slots=True)
class BandTotals:
    """The accounts in a band and their ARR by currency."""

    band: str
    accounts: int
    arr: tuple[MoneyView, ...]


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """All accounts, by band."""

    accounts: int
    silent: int
    arr: tuple[MoneyView, ...]
    bands: tuple[BandTotals, ...]
