"""The view, from answers in the shapes of the services' own API models."""

import dataclasses
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter
from rich.console import Console

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
from standalone.demo import http
from standalone.demo.picture import Measure, Picture, read_picture
from standalone.demo.services import Services
from standalone.demo.settings import DemoSettings
from standalone.demo.view import next_steps, overview, phrase
from tests.unit.standalone.demo.conftest import Received, Receiver, Reply

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


@pytest.fixture
def answers(receiver: Receiver) -> Answers:
    answers = Answers()
    receiver.reply = answers
    return answers


@pytest.fixture
def settings(receiver: Receiver) -> DemoSettings:
    port = int(receiver.url.rpartition(":")[2])
    return DemoSettings(ingest_port=port, health_score_port=port, alerts_port=port, renewals_port=port)


async def picture(settings: DemoSettings) -> Picture:
    return await read_picture(Services(http.request, "key"), settings)


def shown(picture: Picture, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(overview(picture, NOW))
    return capture.get()


@pytest.mark.usefixtures("answers")
async def test_the_portfolio_shows_bands_with_counts_and_arr(settings: DemoSettings) -> None:
    text = shown(await picture(settings))

    assert "3 accounts, EUR 36,000 + USD 500 ARR" in text
    rows = {line.split()[1]: line.split()[2] for line in text.splitlines() if line.startswith(" ●")}
    assert rows["green"] == rows["red"] == rows["unknown"] == "1"
    assert text.index("green") < text.index("red") < text.index("unknown")


@pytest.mark.usefixtures("answers")
async def test_accounts_that_need_somebody_say_why_and_whose_they_are(settings: DemoSettings) -> None:
    text = shown(await picture(settings))

    (row,) = (line for line in text.splitlines() if "Acme" in line)
    assert "31" in row
    assert "maya.okafor" in row
    assert "18% of the seats in use; usage down 64%" in " ".join(text.split())
    assert "Newcomer" not in text


async def test_an_absence_comes_before_what_follows_from_it(answers: Answers, settings: DemoSettings) -> None:
    answers.measures = (*answers.measures[:2], measure("recency", "days_since_last_activity", 33, 0, 0.15))

    concern = (await picture(settings)).concerns[0]

    assert [phrase(each) for each in concern.worst_measures] == ["quiet for 33 days", "18% of the seats in use"]
    assert not concern.explains


async def test_alerts_are_told_worst_and_latest_first_and_old_ones_counted(
    answers: Answers, settings: DemoSettings
) -> None:
    answers.alerts = [
        alert("Calm", Severity.INFO, NOW),
        alert("Older", Severity.CRITICAL, NOW - timedelta(days=5)),
        alert("Newer", Severity.CRITICAL, NOW - timedelta(hours=3)),
        alert("History", Severity.CRITICAL, NOW - timedelta(days=40), quiet=True),
    ]

    text = shown(await picture(settings))

    assert text.index("Newer fell") < text.index("Older fell") < text.index("Calm fell")
    assert "History" not in text
    assert "3 critical, 1 info" in text
    assert "and 1 older than a week, recorded without a message" in text
    assert "3 h" in text
    assert "5 days" in text


async def test_more_alerts_than_fit_are_counted(answers: Answers, settings: DemoSettings) -> None:
    answers.alerts = [alert(f"A{number}", Severity.WARNING, NOW) for number in range(12)]

    assert "and 2 more" in shown(await picture(settings))


async def test_renewals_show_date_amount_and_health(answers: Answers, settings: DemoSettings) -> None:
    answers.renewals = [renewal("Acme", date(2026, 3, 20), 31), renewal("Newcomer", date(2026, 4, 20), None)]

    text = shown(await picture(settings))

    row = next(line for line in text.splitlines() if "2026-03-20" in line)
    assert row.split() == ["2026-03-20", "16", "Acme", "EUR", "48,000", "●", "red", "31", "open"]
    assert "● unknown" in next(line for line in text.splitlines() if "2026-04-20" in line)


async def test_an_empty_mainstay_is_shown_in_words(answers: Answers, settings: DemoSettings) -> None:
    answers.portfolio = portfolio(0, 0, (), ())
    answers.accounts = []

    text = shown(await picture(settings))

    for words in ("Every account is well.", "No alert is open.", "No term ends in the next 120 days."):
        assert words in text


async def test_names_are_shown_as_they_are_written(answers: Answers, settings: DemoSettings) -> None:
    answers.accounts = [account("[bold]Acme[/] & [x]", 31, "red")]
    answers.alerts = [alert("[red]A", Severity.INFO, NOW)]

    text = shown(await picture(settings))

    assert "[bold]Acme[/] & [x]" in text
    assert "[red]A fell" in text


async def test_nothing_is_wider_than_a_hundred_columns(answers: Answers, settings: DemoSettings) -> None:
    answers.accounts = [account("A company whose name is much longer than any name should be", 31, "red")]
    answers.alerts = [alert("A company whose name is much longer than any name should be", Severity.INFO, NOW)]

    assert max(map(len, shown(await picture(settings)).splitlines())) <= 100


def test_commands_are_whole_lines_to_copy(settings: DemoSettings) -> None:
    lines = [line.plain for line in next_steps(settings, "acme")]

    curls = [line for line in lines if line.startswith("curl")]
    assert len(curls) == 6
    assert all(f'"Authorization: Bearer $(cat {settings.admin_key_file})"' in line for line in curls)
    assert f"{settings.health_score_url}/v1/accounts/acme/health" in curls[0]
    snippet = lines[next(place for place, line in enumerate(lines) if line.startswith("import")) :][:5]
    compile("\n".join(snippet), "snippet", "exec")
    assert f'analytics.host = "{settings.ingest_url}"' in snippet


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [
        ("features_used_28d", 1, "1 feature used"),
        ("features_used_28d", 3, "3 features used"),
        ("days_since_last_activity", 1, "quiet for 1 day"),
        ("stickiness_28d", 0.25, "a user comes on 7 of 28 days"),
        ("stickiness_28d", None, "nobody came in 28 days"),
        ("active_users_trend_28d", 0.1, "active users up 10%"),
        ("a_metric_of_tomorrow", 4.5, "some measure 4.5"),
        ("a_metric_of_tomorrow", None, "some measure: no data"),
    ],
)
def test_a_measure_is_put_into_words(metric: str, value: float | None, words: str) -> None:
    assert phrase(Measure("some_measure", metric, value, 10.0, 0.2, 2)) == words


async def test_playbooks_at_work_show_their_next_task_and_whose_it_is(answers: Answers, settings: DemoSettings) -> None:
    answers.runs = [run(task("Find out why", TaskState.DONE), task("Ask the champion", TaskState.OPEN))]

    (row,) = (line for line in shown(await picture(settings)).splitlines() if "Low adoption" in line)

    assert row.split() == ["Acme", "Low", "adoption", "3", "h", "Ask", "the", "champion", "2026-03-05", "maya.okafor"]


async def test_a_worklist_says_why_its_rows_are_urgent(answers: Answers, settings: DemoSettings) -> None:
    answers.worklist = [work("Acme fell to red", 148.6)]

    text = shown(await picture(settings), width=140)

    (row,) = (line for line in text.splitlines() if "Acme fell to red" in line)
    assert row.split()[0] == "149"
    assert "a critical alert; red" in row
    assert "amelia.hart's worklist" in text


@pytest.mark.usefixtures("answers")
async def test_without_anything_to_do_it_says_so(settings: DemoSettings) -> None:
    text = shown(await picture(settings))

    assert "No playbook runs." in text
    assert "Nothing is to be done." in text
