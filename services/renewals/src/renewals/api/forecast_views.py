"""What forecasts look like. Amounts are ARR; those of one renewal are in its contract's currency."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, Field

from renewals.api.kpi_views import Exact
from renewals.api.schemas import Currency, MoneyView, money_view
from renewals.application.announcing import term_id
from renewals.application.forecast_book import Cut, Outlook, OutlookRow, Outstanding, RenewalRow, Said, Status, Whose
from renewals.application.forecast_moves import Difference, What, differences
from renewals.domain.forecasting import CallKind, Category, Tenure, Trend

Probability = Annotated[str, Field(description="0–1", examples=["0.85"])]


@dataclass(frozen=True, slots=True)
class SumsView:
    """What calls add up to; `called` is how many of the open renewals have one."""

    called: int
    commit: Exact
    most_likely: Exact
    best_case: Exact
    omitted: Exact
    expected: Exact


@dataclass(frozen=True, slots=True)
class CallsView:
    """The same open renewals, by one kind of call alone."""

    automated: SumsView
    csm: SumsView
    final: SumsView


@dataclass(frozen=True, slots=True)
class OutlookView:
    """Renewals of a period: the open ones by the calls that prevail, and beside them those that are decided.

    Sums are cumulative: most likely includes commit, best case both. `expected` is Σ probability x amount.
    """

    renewals: int
    due: Exact
    open_renewals: int
    open_due: Exact
    commit: Exact
    most_likely: Exact
    best_case: Exact
    omitted: Exact
    expected: Exact
    closed_won_renewals: int
    closed_won: Exact
    churned_renewals: int
    churned: Exact
    by_call: CallsView


def outlook_view(outlook: Outlook) -> OutlookView:
    """A forecast as it is told."""
    prevailing = outlook.calls[Whose.PREVAILING]
    return OutlookView(
        renewals=outlook.renewals,
        due=outlook.due,
        open_renewals=outlook.open_renewals,
        open_due=outlook.open_due,
        commit=prevailing.commit,
        most_likely=prevailing.most_likely,
        best_case=prevailing.best_case,
        omitted=prevailing.omitted,
        expected=prevailing.expected,
        closed_won_renewals=outlook.closed_won_renewals,
        closed_won=outlook.closed_won,
        churned_renewals=outlook.churned_renewals,
        churned=outlook.churned,
        by_call=CallsView(*(_sums(outlook, whose) for whose in (Whose.AUTOMATED, Whose.CSM, Whose.FINAL))),
    )


def _sums(outlook: Outlook, whose: Whose) -> SumsView:
    sums = outlook.calls[whose]
    return SumsView(sums.called, sums.commit, sums.most_likely, sums.best_case, sums.omitted, sums.expected)


class ForecastRow(BaseModel):
    """One period, group and currency; `was` is the same at `since`."""

    t0: date
    t1: date
    group: dict[str, str | None] = Field(description="By `by`; null: none was stated")
    currency: Currency
    forecast: OutlookView
    was: OutlookView | None = None

    @classmethod
    def of(cls, row: OutlookRow, cuts: tuple[Cut, ...]) -> "ForecastRow":
        """A row as it is told."""
        return cls(
            t0=row.t0,
            t1=row.t1,
            group=dict(zip(cuts, row.group, strict=True)),
            currency=row.currency,
            forecast=outlook_view(row.now),
            was=outlook_view(row.was) if row.was else None,
        )


class ForecastAnswer(BaseModel):
    """A forecast, with what reproduces it: pass `as_of` and `known_at` on to get the same answer again."""

    t0: date
    t1: date
    as_of: date
    known_at: datetime
    since: datetime | None = None
    data: list[ForecastRow]
    next_cursor: str | None = None


class SaidView(BaseModel):
    """A call, as the forecast takes it."""

    kind: CallKind
    category: Category
    probability: Probability
    amount: MoneyView
    note: str
    said_at: datetime
    author: str
    band: str | None = Field(default=None, description="Automated calls: what they go by; null: unknown")
    trend: Trend | None = None
    tenure: Tenure | None = None

    @classmethod
    def of(cls, said: Said, currency: str) -> "SaidView":
        """A call as it is told."""
        return cls(
            kind=said.kind,
            category=said.category,
            probability=f"{said.probability:f}",
            amount=money_view(said.amount, currency),
            note=said.note,
            said_at=said.said_at,
            author=said.said_by,
            band=said.standing.band,
            trend=said.standing.trend,
            tenure=said.standing.tenure,
        )


class OutstandingView(BaseModel):
    """A renewal as it stood: the ARR that is due, what became of it, and its calls; `prevailing` is one of them."""

    end: date
    due: MoneyView
    status: Status
    renewed: MoneyView | None = Field(description="The ARR with which it goes on")
    prevailing: CallKind | None
    calls: list[SaidView]

    @classmethod
    def of(cls, state: Outstanding, currency: str) -> "OutstandingView":
        """A state as it is told."""
        prevailing = state.prevailing
        return cls(
            end=state.last_day,
            due=money_view(state.due, currency),
            status=state.status,
            renewed=None if state.renewed is None else money_view(state.renewed, currency),
            prevailing=prevailing.kind if prevailing else None,
            calls=[SaidView.of(said, currency) for said in state.calls.values()],
        )


class ForecastRenewal(BaseModel):
    """A renewal behind the forecast."""

    term_id: str
    contract_id: str
    account_id: str
    owner: str | None
    segment: str | None
    state: OutstandingView

    @classmethod
    def of(cls, row: RenewalRow) -> "ForecastRenewal":
        """A renewal as it is told."""
        if row.now is None:
            raise ValueError(f"{row.contract_id} is none of the forecast's")
        return cls(
            term_id=term_id(row.contract_id, row.term),
            contract_id=row.contract_id,
            account_id=row.account_id,
            owner=row.owner,
            segment=row.segment,
            state=OutstandingView.of(row.now, row.currency),
        )


class DifferenceView(BaseModel):
    """One thing that differs; `past`: accounts that stand alike are known better, `forecast`: it came in, or went."""

    what: What
    before: str | None
    now: str | None

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceView":
        """A difference as it is told."""
        return cls(what=difference.what, before=_text(difference.before), now=_text(difference.now))


class ForecastChange(BaseModel):
    """A renewal whose forecast moved: from what, to what, and why. Null: it was, or is, none of the range's."""

    term_id: str
    contract_id: str
    account_id: str
    owner: str | None
    segment: str | None
    was: OutstandingView | None
    now: OutstandingView | None
    why: list[DifferenceView]

    @classmethod
    def of(cls, row: RenewalRow) -> "ForecastChange":
        """A change as it is told."""
        return cls(
            term_id=term_id(row.contract_id, row.term),
            contract_id=row.contract_id,
            account_id=row.account_id,
            owner=row.owner,
            segment=row.segment,
            was=OutstandingView.of(row.was, row.currency) if row.was else None,
            now=OutstandingView.of(row.now, row.currency) if row.now else None,
            why=[DifferenceView.of(each) for each in differences(row)],
        )


def _text(stated: str | date | Decimal | None) -> str | None:
    if stated is None:
        return None
    return f"{stated:f}" if isinstance(stated, Decimal) else str(stated)
