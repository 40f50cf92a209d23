"""What the API answers about metrics: plain read models."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class PlaceView:
    """An account's place among its peers in one metric.

    `percentile` is 0–100: the share of the peers whose value is lower, where equal ones count half; whether more is
    better is the metric's own matter. Null below 5 peers with a value, and where the account has none. `n` is how many
    peers have one.
    """

    percentile: float | None
    n: int


@dataclass(frozen=True, slots=True)
class MetricDetailView:
    """What a value counts, the day of the latest evidence behind it, and its place among the peers."""

    unit: str
    seen_on: date | None
    peers: PlaceView | None


@dataclass(frozen=True, slots=True)
class PeersView:
    """Who an account is compared with: the accounts of its industry, else of its segment. Their last closes count."""

    by: str
    of: str


@dataclass(frozen=True, slots=True)
class FeatureView:
    """The adoption of a feature over 28 days: its users, ÷ all active users, ÷ seats bought."""

    feature: str
    users_28d: int
    adoption: float
    of_seats: float | None


@dataclass(frozen=True, slots=True)
class MetricsView:
    """An account's metrics as of a day; null where a metric is undefined. Shares are the nearest floats.

    `details` says more of each by the same name. Peers are compared today only: as of other days they are null.
    `features` are the 100 with most users.
    """

    account_id: str
    as_of: date
    metrics: Mapping[str, int | float | None]
    details: Mapping[str, MetricDetailView]
    peers: PeersView | None
    features: tuple[FeatureView, ...]


@dataclass(frozen=True, slots=True)
class ComputedView:
    """How much of the past a custom metric is computed over. Until that is all, the version before holds, if any."""

    state: str
    accounts: int
    of_accounts: int


@dataclass(frozen=True, slots=True)
class DefinedView:
    """A metric: what it is called, its unit, and its definition in words.

    Of a custom one also the newest version of its document, and since when which version holds.
    """

    name: str
    kind: str
    unit: str
    definition: str
    title: str | None = None
    version: int | None = None
    version_in_force: int | None = None
    saved_at: datetime | None = None
    saved_by: str | None = None
    computed: ComputedView | None = None
    document: Mapping[str, Any] | None = None
