"""What `make run` shows: the portfolio by band, who needs somebody and why, open alerts, renewals, and what to type."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from standalone.demo.picture import Alert, Concern, Measure, Money, Picture, Renewal, Work
from standalone.demo.settings import DemoSettings
from standalone.demo.team import SHOWN

ALERTS_SHOWN = 10
RENEWALS_SHOWN = 8
RUNS_SHOWN = 6
BAR_CHARS = 24

COLOURS = {"red": "red", "yellow": "yellow", "green": "green", "unknown": "bright_black"}
BANDS = ("green", "yellow", "red", "unknown")
SEVERITY_COLOURS = {"critical": "red", "warning": "yellow", "info": "cyan"}
SEVERITY_RANKS = {"critical": 0, "warning": 1, "info": 2}


def overview(picture: Picture, now: datetime) -> RenderableType:
    """The tables."""
    return Group(
        _heading("The portfolio", f"{picture.portfolio.accounts} accounts, {_amounts(picture.portfolio.arr)} ARR"),
        _bands(picture),
        _heading("Accounts that need somebody", "lowest scores first; figures of the last 28 days"),
        _concerns(picture.concerns),
        _heading("Open alerts", _alert_counts(picture.alerts)),
        _alerts(picture.alerts, now),
        _heading("Playbooks at work", "started by alerts; whoever has the role has the task"),
        _runs(picture, now),
        _heading(f"{_owner(SHOWN)}'s worklist", "urgency x value; she stands in for sofia.martins, who is away"),
        _worklist(picture.worklist),
        _heading("Renewals ahead", "the next 120 days"),
        _renewals(picture),
    )


def next_steps(settings: DemoSettings, example: str) -> list[Text]:
    """Lines to copy and paste; `example` is the id of an account worth a look. Print them without wrapping."""
    key = f'-H "Authorization: Bearer $(cat {settings.admin_key_file})"'
    return [
        _title("Ask the services yourself", "copy and paste"),
        *_lines(
            f"curl -s {key} {settings.health_score_url}/v1/accounts/{example}/health",
            f"curl -s {key} '{settings.health_score_url}/v1/accounts?band=red&sort=score'",
            f"curl -s {key} '{settings.alerts_url}/v1/alerts?state=open'",
            f"curl -s {key} '{settings.alerts_url}/v1/worklist?owner={SHOWN}'",
            f"curl -s {key} {settings.alerts_url}/v1/people",
            f"curl -s {key} {settings.renewals_url}/v1/renewals",
        ),
        Text(),
        _title("Send an event from your own product", "any Segment SDK does; this is segment-analytics-python"),
        *_lines(
            "import pathlib, segment.analytics as analytics",
            f"analytics.write_key = pathlib.Path({str(settings.admin_key_file)!r}).read_text().strip()",
            f'analytics.host = "{settings.ingest_url}"',
            'analytics.track("ann", "Report Viewed", context={"groupId": "my-first-account"})',
            "analytics.flush()",
        ),
        Text(),
        _title("See what the team receives", settings.inbox_url),
        Text(),
    ]


def _lines(*lines: str) -> list[Text]:
    # Without an indent: Python would refuse a pasted line that has one.
    return [Text(line, style="cyan") for line in lines]


def _title(title: str, rest: str) -> Text:
    return Text.assemble((title, "bold"), ("   " + rest, "bright_black"))


def _heading(title: str, rest: str) -> RenderableType:
    return Padding(_title(title, rest), (1, 0, 0, 0))


def _bands(picture: Picture) -> RenderableType:
    table = _table("Band", ("Accounts", "right"), "", "ARR")
    by_band = {totals.band: totals for totals in picture.portfolio.bands}
    for band in BANDS:
        totals = by_band.get(band)
        if totals is None:
            continue
        share = totals.accounts / picture.portfolio.accounts if picture.portfolio.accounts else 0
        bar = "█" * max(round(share * BAR_CHARS), 1 if totals.accounts else 0)
        table.add_row(_band(band), str(totals.accounts), Text(bar, style=COLOURS[band]), _amounts(totals.arr))
    return table


def _concerns(concerns: Sequence[Concern]) -> RenderableType:
    table = _table("Account", ("Score", "right"), "Band", "Why", "Owner")
    for concern in concerns:
        account = concern.account
        why = "; ".join(phrase(measure) for measure in concern.worst_measures)
        score = "–" if account.health.score is None else str(account.health.score)
        table.add_row(escape(account.label), score, _band(account.health.band), escape(why), _owner(account.owner))
    return table if concerns else _nothing("Every account is well.")


def _alerts(alerts: Sequence[Alert], now: datetime) -> RenderableType:
    if not alerts:
        return _nothing("No alert is open.")
    table = _table("", "Alert", "Reason", "Since", "Owner")
    worst_first = sorted(
        alerts, key=lambda alert: (SEVERITY_RANKS.get(alert.severity, 9), -alert.opened_at.timestamp())
    )
    fresh = [alert for alert in worst_first if not alert.quiet]
    for alert in fresh[:ALERTS_SHOWN]:
        mark = Text("●", style=SEVERITY_COLOURS.get(alert.severity, "white"))
        since = _ago(alert.opened_at, now)
        table.add_row(mark, escape(alert.title), escape(alert.reason), since, _owner(alert.account.owner))
    rest = [f"{len(fresh) - ALERTS_SHOWN} more" if len(fresh) > ALERTS_SHOWN else ""]
    quiet = len(alerts) - len(fresh)
    rest += [f"{quiet} older than a week, recorded without a message" if quiet else ""]
    return Group(table, _nothing("and " + ", ".join(filter(None, rest)))) if any(rest) else table


def _runs(picture: Picture, now: datetime) -> RenderableType:
    if not picture.runs:
        return _nothing("No playbook runs.")
    table = _table("Account", "Playbook", "Since", "Next task", "Due", "Whose")
    for run in picture.runs[:RUNS_SHOWN]:
        task = run.next_task
        table.add_row(
            escape(picture.name_of(run.account_id)),
            escape(run.name),
            _ago(run.started_at, now),
            escape(task.title) if task else "–",
            task.due_on.isoformat() if task and task.due_on else "",
            _owner(task.assignee) if task else "",
        )
    more = len(picture.runs) - RUNS_SHOWN
    return Group(table, _nothing(f"and {more} more")) if more > 0 else table


def _worklist(worklist: Sequence[Work]) -> RenderableType:
    if not worklist:
        return _nothing("Nothing is to be done.")
    table = _table(("Priority", "right"), "What", "Account", "Why it is urgent", "Due")
    for work in worklist:
        table.add_row(
            f"{work.priority:.0f}",
            escape(work.title),
            escape(work.account.name or work.account.id),
            escape("; ".join(work.reasons)),
            work.due_on.isoformat() if work.due_on else "",
        )
    return table


def _renewals(picture: Picture) -> RenderableType:
    if not picture.renewals:
        return _nothing("No term ends in the next 120 days.")
    table = _table("Last day", ("Days", "right"), "Account", ("Amount", "right"), "Health", "Window")
    for renewal in picture.renewals[:RENEWALS_SHOWN]:
        table.add_row(
            renewal.end.isoformat(),
            str(max(renewal.days_left - 1, 0)),
            escape(picture.name_of(renewal.account_id)),
            _amount(renewal.amount),
            _health(renewal),
            {"window_open": "open", "active": "not yet"}.get(renewal.state, renewal.state),
        )
    more = len(picture.renewals) - RENEWALS_SHOWN
    return Group(table, _nothing(f"and {more} more")) if more > 0 else table


def phrase(measure: Measure) -> str:
    """What a measure says, in a few words."""
    value = measure.value
    if value is None and measure.metric == "stickiness_28d":
        return "nobody came in 28 days"
    if value is None:
        return f"{measure.measure.replace('_', ' ')}: no data"
    say = _PHRASES.get(measure.metric)
    return say(value) if say else f"{measure.measure.replace('_', ' ')} {value:g}"


def _trend(what: str) -> Callable[[float], str]:
    return lambda value: f"{what} {'down' if value < 0 else 'up'} {abs(value):.0%}"


_PHRASES: Mapping[str, Callable[[float], str]] = {
    "seat_utilisation": lambda value: f"{value:.0%} of the seats in use",
    "features_used_28d": lambda value: f"{value:.0f} {'feature' if value == 1 else 'features'} used",
    "stickiness_28d": lambda value: f"a user comes on {value * 28:.0f} of 28 days",
    "days_since_last_activity": lambda value: f"quiet for {value:.0f} {'day' if value == 1 else 'days'}",
    "usage_trend_28d": _trend("usage"),
    "active_users_trend_28d": _trend("active users"),
}


def _alert_counts(alerts: Sequence[Alert]) -> str:
    counts = [(sum(alert.severity == severity for alert in alerts), severity) for severity in SEVERITY_RANKS]
    return ", ".join(f"{count} {severity}" for count, severity in counts if count)


def _health(renewal: Renewal) -> RenderableType:
    score = "" if renewal.health.score is None else f" {renewal.health.score}"
    return Text.assemble(_band(renewal.health.band), score)


def _band(band: str) -> Text:
    return Text(f"● {band}", style=COLOURS.get(band, "white"))


def _owner(owner: str | None) -> str:
    return escape(owner.partition("@")[0]) if owner else "nobody"


def _amounts(arr: Iterable[Money]) -> str:
    return " + ".join(_amount(money) for money in arr) or "–"


def _amount(money: Money) -> str:
    return f"{money.currency} {Decimal(money.amount):,.0f}"


def _ago(instant: datetime, now: datetime) -> str:
    hours = (now - instant.astimezone(UTC)).total_seconds() / 3600
    if hours < 1:
        return "just now"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def _nothing(text: str) -> RenderableType:
    return Padding(Text(text, style="bright_black"), (0, 2))


def _table(*columns: str | tuple[str, str]) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bright_black", pad_edge=True, expand=False)
    for column in columns:
        name, justify = (column, "left") if isinstance(column, str) else column
        table.add_column(name, justify="right" if justify == "right" else "left")
    return table
