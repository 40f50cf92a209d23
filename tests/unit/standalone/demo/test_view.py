"""The view, from answers in the shapes of the services' own API models."""

from datetime import date, timedelta

import pytest
from rich.console import Console

from alerts.domain.runs import TaskState
from alerts.domain.words import Severity
from standalone.demo import http
from standalone.demo.picture import Measure, Picture, read_picture
from standalone.demo.services import Services
from standalone.demo.settings import DemoSettings
from standalone.demo.view import next_steps, overview, phrase
from tests.unit.standalone.demo.answers import (
    NOW,
    Answers,
    account,
    alert,
    measure,
    portfolio,
    renewal,
    run,
    task,
    work,
)
from tests.unit.standalone.demo.conftest import Receiver


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
