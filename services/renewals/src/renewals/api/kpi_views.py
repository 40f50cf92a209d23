"""What retention figures look like. Amounts are in the answer's currency; shares are decimals, null of nothing."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field, PlainSerializer

from renewals.api.schemas import Currency
from renewals.application.figures import CustomerRow, EntryRow, FigureRow, LostRow, Span, Why
from renewals.domain.civil import ONE_DAY
from renewals.domain.retention import Movement, ratio
from renewals.domain.terms import rounded

V = TypeVar("V")

Exact = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:f}", return_type=str)]
"""A decimal as a string, as money is."""


@dataclass(frozen=True, slots=True)
class CustomersView:
    """The same as amounts, counted in customers."""

    opening: int
    churned: int
    contracted: int
    expanded: int
    returned: int
    new: int
    closing: int


@dataclass(frozen=True, slots=True)
class RetentionView:
    """ARR from t0 to t1, and the figures made of it.

    opening − churned − contracted + expanded + returned + new = closing, all at the rates of t0; `rate_effect` is what
    closing is worth more at those of t1.
    """

    opening: Exact
    churned: Exact
    contracted: Exact
    expanded: Exact
    returned: Exact
    new: Exact
    closing: Exact
    rate_effect: Exact
    customers: CustomersView
    grr: Exact | None
    nrr: Exact | None
    logo_retention: Exact | None
    due: Exact
    renewed: Exact
    renewed_up_to_due: Exact
    due_customers: int
    renewed_customers: int
    renewal_rate: Exact | None
    gross_renewal_rate: Exact | None
    customer_renewal_rate: Exact | None


@dataclass(frozen=True, slots=True)
class ChurnView:
    """What was lost of the customers and the ARR that there were at t0."""

    opening: Exact
    churned: Exact
    contracted: Exact
    opening_customers: int
    churned_customers: int
    logo_churn: Exact | None
    revenue_churn: Exact | None


@dataclass(frozen=True, slots=True)
class GrowthView:
    """Customers and ARR at t0 and t1."""

    opening_customers: int
    new_customers: int
    returned_customers: int
    churned_customers: int
    closing_customers: int
    customer_growth: Exact | None
    opening: Exact
    closing: Exact
    arr_growth: Exact | None


@dataclass(frozen=True, slots=True)
class ReasonView:
    """Customers lost for a reason, null where no review says one. Of each `why` the rows add up to `churned`.

    `share` is that of the ARR that churned, `of_opening` that of all ARR at t0: its part of the revenue churn.
    """

    why: Why
    value: str | None
    customers: int
    churned: Exact
    share: Exact | None
    of_opening: Exact | None


def reason_view(row: LostRow) -> ReasonView:
    """Why customers were lost, in a period and group."""
    lost, moved = row.lost, row.moved
    return ReasonView(
        lost.why,
        lost.value,
        lost.customers,
        lost.arr,
        ratio(lost.arr, moved.churned),
        ratio(lost.arr, moved.opening),
    )


def retention_view(row: FigureRow) -> RetentionView:
    """Retention of a period and group."""
    moved, expired = row.moved, row.expired
    return RetentionView(
        opening=moved.opening,
        churned=moved.churned,
        contracted=moved.contracted,
        expanded=moved.expanded,
        returned=moved.returned,
        new=moved.new,
        closing=moved.closing,
        rate_effect=moved.rate_effect,
        customers=CustomersView(
            opening=moved.opening_customers,
            churned=moved.churned_customers,
            contracted=moved.contracted_customers,
            expanded=moved.expanded_customers,
            returned=moved.returned_customers,
            new=moved.new_customers,
            closing=moved.closing_customers,
        ),
        grr=moved.grr,
        nrr=moved.nrr,
        logo_retention=moved.logo_retention,
        **asdict(expired),
        renewal_rate=expired.net_rate,
        gross_renewal_rate=expired.gross_rate,
        customer_renewal_rate=expired.customer_rate,
    )


def churn_view(row: FigureRow) -> ChurnView:
    """Churn of a period and group."""
    moved = row.moved
    return ChurnView(
        moved.opening,
        moved.churned,
        moved.contracted,
        moved.opening_customers,
        moved.churned_customers,
        moved.logo_churn,
        moved.revenue_churn,
    )


def growth_view(row: FigureRow) -> GrowthView:
    """Growth of a period and group."""
    moved = row.moved
    return GrowthView(
        moved.opening_customers,
        moved.new_customers,
        moved.returned_customers,
        moved.churned_customers,
        moved.closing_customers,
        moved.customer_growth,
        moved.opening,
        moved.closing,
        moved.arr_growth,
    )


class FiguresRow(BaseModel, Generic[V]):
    """One period and group."""

    t0: date
    t1: date
    group: dict[str, str | None] = Field(description="By axis; null: none was stated")
    figures: V


class FiguresAnswer(BaseModel, Generic[V]):
    """A figure by period and group, with what reproduces it: pass `known_at` on to get the same answer again."""

    kpi: str
    t0: date
    t1: date
    known_at: datetime
    currency: Currency
    data: list[FiguresRow[V]]
    next_cursor: str | None = None


class EntryView(BaseModel):
    """A row of the ledger: a contract's worth on `start` … `end`, or a term that expires with that day, or renews."""

    id: str
    kind: str = Field(description="runs, due or renewed")
    contract_id: str
    term: int
    account_id: str
    start: date
    end: date
    currency: Currency
    amount: Exact
    months: str = Field(description="That the amount is committed for; exact, such as 12 or 11/31")
    arr: Exact = Field(description="In the contract's own currency")
    recorded_at: datetime
    recorded_by: str
    reason: str

    @classmethod
    def of(cls, entry: EntryRow) -> "EntryView":
        """A row as it is told."""
        return cls(
            id=str(entry.id),
            kind=entry.kind,
            contract_id=entry.contract_id,
            term=entry.term,
            account_id=entry.account_id,
            start=entry.start,
            end=entry.end_exclusive - ONE_DAY,
            currency=entry.currency,
            amount=entry.amount,
            months=str(entry.months),
            arr=rounded(entry.annual, entry.currency).amount,
            recorded_at=entry.recorded_at,
            recorded_by=entry.recorded_by,
            reason=entry.reason,
        )


class LineageRow(BaseModel):
    """A customer behind the movements of the whole span."""

    account_id: str
    movement: Movement
    opening: Exact
    closing: Exact
    rate_effect: Exact
    entries: list[EntryView]

    @classmethod
    def of(cls, row: CustomerRow) -> "LineageRow":
        """A customer as it is told."""
        return cls(
            account_id=row.account_id,
            movement=row.movement,
            opening=row.opening,
            closing=row.closing,
            rate_effect=row.closing_at_later_rates - row.closing,
            entries=[EntryView.of(entry) for entry in row.entries],
        )


class LineageAnswer(BaseModel):
    """The customers behind a figure, and the rows of the ledger behind each; the columns add up to the figure's."""

    t0: date
    t1: date
    known_at: datetime
    currency: Currency
    rates: dict[str, list[str]] = Field(description="What one unit of each currency was worth on t0, and on t1")
    data: list[LineageRow]
    next_cursor: str | None = None

    @classmethod
    def of(cls, span: Span, rows: list[CustomerRow], next_cursor: str | None) -> "LineageAnswer":
        """A page of customers."""
        return cls(
            t0=span.t0,
            t1=span.t1,
            known_at=span.known_at,
            currency=span.currency,
            rates={currency: [_rate(float(rate)) for rate in both] for currency, both in span.rates.items()},
            data=[LineageRow.of(row) for row in rows],
            next_cursor=next_cursor,
        )


def _rate(rate: float) -> str:
    return f"{rate:.10g}"
