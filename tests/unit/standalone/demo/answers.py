"""Views as the services answer them, and a Mainstay that answers with them."""

import dataclasses
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from alerts.api.playbook_schemas import RunView, TaskView
from alerts.api.schemas import AccountView as AlertAccountView
from alerts.api.schemas import AlertView
from alerts.api.schemas import MoneyView as AlertMoneyView
from alerts.api.worklist import PartView, WorkView
from alerts.domain.alerts import State
from alerts.domain.runs import RunState, TaskState
from alerts.domain.words import Category, Severity
from alerts.domain.worklist import Kind
from health_score.application import health_views, portfolio_views, views
from renewals.api.renewal_views import OwnerView, RenewalHealthView, RenewalView
from renewals.api.schemas import MoneyView as RenewalMoneyView
from renewals.application.ports import Health
from renewals.domain.contracts import AtEnd
from renewals.domain.ownership import Source
from renewals.domain.policy import OwnerRole
from renewals.domain.renewal import RenewalState
from tests.unit.standalone.demo.conftest import Received, Reply

NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)


def money(amount: str, currency: str = "EUR") -> views.MoneyView:
    return views.MoneyView(amount, currency)


def account(name: str, score: int | None, band: str) -> views.AccountView:
    return views.AccountView(
        account_id=re.sub("[^a-z]", "", name.lower()),
        name=name,
        owner="maya.okafor@example.com",
        tier="growth",
        zone="Europe/London",
        industry=None,
        segment=None,
        created_at=NOW,
        first_active_on=None,
        last_active_on=None,
        silent=False,
        stage=None,
        stage_entered_on=None,
        stage_overdue=False,
        value=views.ValueView((money("12000.00"),), 10, None),
        health=views.HealthSummary(score, band, NOW, 1.0, NOW),
    )


def measure(name: str, metric: str, value: float | None, contribution: int, weight: float) -> health_views.MeasureView:
    return health_views.MeasureView(
        measure=name,
        group="adoption",
        metric=metric,
        value=value,
        unit=None,
        score=50.0,
        weight=weight,
        effective_weight=weight,
        contribution=contribution,
        status="ok",
        as_of=None,
        computed_score=None,
        override=None,
    )


def alert(name: str, severity: Severity, opened_at: datetime, *, quiet: bool = False) -> AlertView:
    return AlertView(
        id=f"alert-{name}",
        identity=f"band-worsened/{name}",
        account=AlertAccountView(
            id=name.lower(),
            name=name,
            owner="maya.okafor@example.com",
            tier=None,
            arr=[AlertMoneyView(amount="1", currency="EUR")],
            next_renewal_on=None,
        ),
        rule="band-worsened",
        rule_version=1,
        category=Category.RISK,
        severity=severity,
        grade="red",
        state=State.OPEN,
        title=f"{name} fell from green to red",
        reason="Usage fell 64%",
        next_steps=["Call"],
        opened_at=opened_at,
        recorded_at=NOW,
        quiet=quiet,
        told=not quiet,
        acknowledged_at=None,
        acknowledged_by=None,
        resolved_at=None,
        resolved_by=None,
        resolution=None,
        resolution_reason=None,
    )


def task(title: str, state: TaskState) -> TaskView:
    return TaskView(
        id=title,
        run_id="r1",
        account_id="acme",
        step="look",
        title=title,
        guidance=None,
        role="csm",
        assignee="maya.okafor@example.com",
        state=state,
        due_on=date(2026, 3, 5),
        settled_at=None,
        settled_by=None,
        note=None,
        reminded_at=None,
        escalated_at=None,
    )


def run(*tasks: TaskView) -> RunView:
    return RunView(
        id="r1",
        account_id="acme",
        playbook="low-adoption",
        version=1,
        name="Low adoption",
        cause="alert:a1",
        started_at=NOW - timedelta(hours=3),
        started_by="mainstay",
        owner=None,
        state=RunState.OPEN,
        ended_at=None,
        ended_by=None,
        reason=None,
        comment=None,
        tasks=list(tasks),
    )


def work(title: str, priority: float) -> WorkView:
    return WorkView(
        kind=Kind.ALERT,
        id="a1",
        account=alert("Acme", Severity.CRITICAL, NOW).account,
        title=title,
        due_on=None,
        assignee="amelia.hart@example.com",
        priority=priority,
        urgency=50,
        value=priority / 50,
        parts=[
            PartView(name="arr", value=2.5, why="ARR 48,600 GBP"),
            PartView(name="band", value=20, why="red"),
            PartView(name="itself", value=40, why="a critical alert"),
            PartView(name="trend", value=0, why="no score to compare"),
        ],
        actions=[],
    )


def renewal(name: str, end: date, score: int | None) -> RenewalView:
    return RenewalView(
        account_id=name.lower(),
        contract_id="c1",
        term_id="c1.1",
        external_id=None,
        start=end - timedelta(days=364),
        end=end,
        ends_before=end + timedelta(days=1),
        amount=RenewalMoneyView(amount="48000.00", currency="EUR"),
        arr=RenewalMoneyView(amount="48000.00", currency="EUR"),
        seats=10,
        state=RenewalState.WINDOW_OPEN,
        at_end=AtEnd.RENEW,
        window_opens_on=None,
        days_left=(end - NOW.date()).days + 1,
        owner=OwnerView(owner=None, co_owner=None, role=OwnerRole.CSM, source=Source.NOBODY),
        tier=None,
        segment=None,
        risk=None,
        health=RenewalHealthView.of(None if score is None else Health(score, "red", 1.0, NOW)),
    )


def portfolio(
    accounts: int,
    silent: int,
    arr: tuple[views.MoneyView, ...],
    bands: tuple[views.BandTotals, ...],
) -> portfolio_views.PortfolioView:
    return portfolio_views.PortfolioView(
        accounts, silent, arr, bands, movement=None, apart=(), by=None, groups=(), next_cursor=None
    )


class Answers:
    """What the services answer, each at its path."""

    def __init__(self) -> None:
        self.portfolio = portfolio(
            accounts=3,
            silent=1,
            arr=(money("36000.00"), money("500.00", "USD")),
            bands=(
                views.BandTotals("red", 1, (money("12000.00"),)),
                views.BandTotals("yellow", 0, ()),
                views.BandTotals("green", 1, (money("24000.00"),)),
                views.BandTotals("unknown", 1, ()),
            ),
        )
        self.accounts = [
            account("Acme", 31, "red"),
            account("Bright", 92, "green"),
            account("Newcomer", None, "unknown"),
        ]
        self.measures = (
            measure("seat_utilisation", "seat_utilisation", 0.18, 5, 0.24),
            measure("usage_trend", "usage_trend_28d", -0.64, 2, 0.15),
            measure("recency", "days_since_last_activity", 1, 15, 0.15),
        )
        self.alerts: list[AlertView] = []
        self.renewals: list[RenewalView] = []
        self.runs: list[RunView] = []
        self.worklist: list[WorkView] = []

    def __call__(self, request: Received) -> Reply:
        body: Any
        match request.path.split("/")[2:]:
            case ["portfolio", "summary"]:
                body = dataclasses.asdict(self.portfolio)
            case ["accounts"]:
                body = {"data": [dataclasses.asdict(each) for each in self.accounts], "next_cursor": None}
            case ["accounts", account_id, "health"]:
                found = next(each for each in self.accounts if each.account_id == account_id)
                health = health_views.HealthView(
                    account_id=account_id,
                    score=found.health.score,
                    band=found.health.band,
                    band_since=NOW,
                    coverage=1.0,
                    as_of=NOW.date(),
                    computed_at=NOW,
                    scorecard=health_views.SelectedCardView("default", 1, None),
                    computed=health_views.ComputedView(found.health.score, found.health.band),
                    override=None,
                    trend=health_views.TrendView(None, None, None),
                    groups=(),
                    measures=self.measures,
                )
                body = dataclasses.asdict(health)
            case ["alerts"]:
                body = {"data": [each.model_dump(mode="json") for each in self.alerts], "next_cursor": None}
            case ["playbook-runs"]:
                body = {"data": [each.model_dump(mode="json") for each in self.runs], "next_cursor": None}
            case ["worklist"]:
                body = {"data": [each.model_dump(mode="json") for each in self.worklist], "next_cursor": None}
            case ["renewals"]:
                body = {"data": [each.model_dump(mode="json") for each in self.renewals], "next_cursor": None}
            case _:
                return 404, {}, b"{}"
        return 200, {}, TypeAdapter(Any).dump_json(body)
