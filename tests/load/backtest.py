"""python -m tests.load.backtest: scorecards against three years of real usage, as docs/backtest.md shows it.

"No activity in the next 90 days", asked at each month's start from 2012-07 to 2014-09 of accounts that were active in
the 90 days before. Weights are fitted on cases whose outcome was known before 2014 and judged on the months of 2014.
"""

import gzip
import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import yaml

from health_score.domain.activity import Activity, DayOfUse
from health_score.domain.backtest.draft import Draft, draft
from health_score.domain.backtest.figures import Tally
from health_score.domain.backtest.fitting import Fit, fit_weights
from health_score.domain.backtest.outcomes import Silent
from health_score.domain.backtest.past import Past
from health_score.domain.backtest.study import EMPTY_DIGEST, Plan, examine
from health_score.domain.scorecard import Scorecard
from health_score.domain.scoring import Scorer
from health_score.scorecards.reading import parse_scorecard, read_scorecard

FILE = Path(__file__).parents[2].parent / "shared/data/usage-2012-2014.ndjson.gz"
MONTHS = [date(2012 + month // 12, month % 12 + 1, 1) for month in range(6, 33)]
"""2012-07 to 2014-09."""

ENDS = date(2014, 12, 31)
JUDGED_FROM = date(2014, 1, 1)
DAY = timedelta(days=1)


@dataclass
class Run:
    """A scorecard's backtest over some months."""

    tally: Tally
    digest: bytes


def read_pasts(path: Path = FILE) -> list[Past]:
    """The accounts of the file, by id; its days are those of UTC."""
    days: dict[str, dict[date, DayOfUse]] = defaultdict(lambda: defaultdict(DayOfUse))
    users: dict[str, dict[str, int]] = defaultdict(dict)
    features: dict[str, dict[str, int]] = defaultdict(dict)
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in {line["messageId"]: line for line in map(json.loads, lines)}.values():
            account = row["context"]["groupId"]
            user = users[account].setdefault(row["userId"], len(users[account]))
            named = row["properties"].get("feature")
            feature = named if isinstance(named, str) else row["event"]
            number = features[account].setdefault(feature, len(features[account]))
            days[account][datetime.fromisoformat(row["timestamp"]).date()].count(user, number)
    return [Past(account, Activity(min(found), dict(found))) for account, found in sorted(days.items())]


def run(pasts: list[Past], card: Scorecard, months: list[date], known_through: date = ENDS) -> Run:
    """Backtest a card: at each month's start, so at the close of the day before."""
    plan = Plan(tuple(month - DAY for month in months), Silent(90, 90), known_through)
    scorer, tally, digest = Scorer(card), Tally(), EMPTY_DIGEST
    for past in pasts:
        examined = examine(past, scorer, plan)
        tally.add(examined.tally())
        digest = examined.digest_after(digest)
    return Run(tally, digest)


def fit(pasts: list[Past], text: str) -> tuple[Fit, Draft]:
    """Fit a scorecard document on the cases whose outcome was known before `JUDGED_FROM`."""
    plan = Plan(tuple(month - DAY for month in MONTHS), Silent(90, 90), ENDS)
    scorer = Scorer(parse_scorecard(text, source="draft").card)
    known = JUDGED_FROM - DAY
    seen = [row for past in pasts for row in examine(past, scorer, plan, observe_through=known).observations]
    found = fit_weights(seen)
    return found, draft(yaml.safe_load(text), found.shares)


def habit_text() -> str:
    """The document that is fitted besides the default one."""
    return (files("health_score.scorecards") / "habit.yaml").read_text(encoding="utf-8")


def default_text() -> str:
    """The scorecard that ships."""
    return (files("health_score.scorecards") / "default.yaml").read_text(encoding="utf-8")


def card_of(drafted: Draft) -> Scorecard:
    """The scorecard of a draft."""
    return parse_scorecard(json.dumps(drafted.document), source="fitted").card


def report() -> str:
    """Every figure, as the tables of docs/backtest.md."""
    pasts = read_pasts()
    shipped = read_scorecard().card
    of_default, default_draft = fit(pasts, default_text())
    of_habit, habit_draft = fit(pasts, habit_text())
    judged = [month for month in MONTHS if month >= JUDGED_FROM]
    before = [month for month in MONTHS if month < JUDGED_FROM]
    cards = {
        "shipped default": shipped,
        "default, weights fitted": card_of(default_draft),
        "habit, weights as drafted": parse_scorecard(habit_text(), source="habit").card,
        "habit, weights fitted": card_of(habit_draft),
    }
    runs = {name: [run(pasts, card, months) for months in (before, judged, MONTHS)] for name, card in cards.items()}
    lines = ["| ranked by | 2012-07 … 2013-12 | 2014-01 … 2014-09 | all 27 months |", "|---|---|---|---|"]
    baseline = [_auc(each.tally.recency.auc()) for each in runs["shipped default"]]
    lines.append("| days since last activity | " + " | ".join(baseline) + " |")
    lines += [
        f"| {name} | " + " | ".join(_auc(each.tally.ranking.auc()) for each in found) + " |"
        for name, found in runs.items()
    ]
    for name, fitted in (("default", of_default), ("habit", of_habit)):
        lines += ["", f"{name}: {fitted.observations} cases, {fitted.outcomes} silent before {JUDGED_FROM}"]
        lines.append(f"AUC on them {_auc(fitted.auc)}, cross-validated by account {_auc(fitted.cross_validated_auc)}")
    for drafted in (default_draft, habit_draft):
        lines += ["", json.dumps(_weights(drafted)), f"dropped: {drafted.dropped}"]
    for name, found in runs.items():
        lines += ["", f"## {name}", *_tables(found)]
    return "\n".join(lines)


def _tables(found: list[Run]) -> list[str]:
    whole, year = found[2], found[1]
    lines = [f"sha256 {whole.digest.hex()}", "", "2014:"]
    lines += ["| band | cases | silent | precision | recall | lift |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.band.value} | {row.cases} | {row.outcomes} | {_share(row.precision)} | {_share(row.recall)}"
        f" | {_share(row.lift)} |"
        for row in year.tally.by_band()
    ]
    lead = whole.tally.lead()
    quartiles = f"{_days(lead.first_quartile)} and {_days(lead.third_quartile)}"
    lines += ["", f"{lead.outcomes} silences, {lead.warned} warned of: {_days(lead.median)} days ahead in the median"]
    lines.append(f"(quartiles {quartiles}); with the others as 0 days: {_days(lead.median_of_all)}")
    return lines


def _weights(drafted: Draft) -> dict[str, dict[str, int]]:
    return {
        f"{group['name']} {group['weight']}": {each["name"]: each["weight"] for each in group["measures"]}
        for group in drafted.document["groups"]
    }


def _auc(value: Fraction | None) -> str:
    return "–" if value is None else f"{float(value):.3f}"


def _days(value: Fraction | None) -> str:
    return "–" if value is None else f"{float(value):g}"


def _share(value: Fraction | None) -> str:
    return "–" if value is None else f"{float(value):.2f}"


if __name__ == "__main__":
    print(report())
