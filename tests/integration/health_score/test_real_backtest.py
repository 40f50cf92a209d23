"""Three years of real usage: the figures of docs/backtest.md, reproduced to the last bit."""

from datetime import date
from fractions import Fraction

import pytest

from health_score.scorecards.reading import read_scorecard
from tests.load.backtest import FILE, JUDGED_FROM, MONTHS, card_of, fit, habit_text, read_pasts, run

SHIPPED = "db74abdc8e2a7ae03ef058d63fd926b8ba5e7da29aea0baf9beb88f94ebfe6e6"
FITTED = "d279675c9a6a56de1249ed8e6ec4e9814effe569807cba619ea86cfb47c24fee"
"""Whoever changes a scorecard, a metric or the file changes these, and has to say so in docs/backtest.md."""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_figures_of_the_page_about_backtests() -> None:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    pasts = read_pasts()
    shipped = run(pasts, read_scorecard().card, MONTHS)
    found, drafted = fit(pasts, habit_text())
    fitted = run(pasts, card_of(drafted), MONTHS)
    of_2014 = [month for month in MONTHS if month >= JUDGED_FROM]
    judged = run(pasts, card_of(drafted), of_2014).tally
    judged_shipped = run(pasts, read_scorecard().card, of_2014).tally

    assert (MONTHS[0], MONTHS[-1], len(MONTHS)) == (date(2012, 7, 1), date(2014, 9, 1), 27)
    assert (shipped.digest.hex(), fitted.digest.hex()) == (SHIPPED, FITTED)
    assert (shipped.tally.cases, shipped.tally.outcomes) == (733, 175)
    assert (judged.cases, judged.outcomes, found.observations) == (272, 78, 400)
    assert [_near(auc) for auc in (judged.recency.auc(), judged_shipped.ranking.auc(), judged.ranking.auc())] == [
        0.782,
        0.798,
        0.834,
    ]
    assert _near(found.cross_validated_auc) == 0.830
    assert judged.ranking.auc() - judged.recency.auc() >= 0.04  # type: ignore[operator]  # there are both endings
    lead = shipped.tally.lead()
    assert (lead.outcomes, lead.warned) == (74, 55)
    assert (lead.median, lead.median_of_all) == (Fraction(194), Fraction(119, 2))


def test_the_baseline_is_a_plain_recount_of_the_file() -> None:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not here")
    pasts = read_pasts()
    found = run(pasts, read_scorecard().card, MONTHS[:3]).tally.recency
    quiet: list[tuple[int, bool]] = []
    for past in pasts:
        active = [day.toordinal() for day in past.activity.days]
        for month in MONTHS[:3]:
            start = month.toordinal()
            before = [day for day in active if start - 90 <= day < start]
            if before:
                quiet.append((start - 1 - max(before), not any(start <= day < start + 90 for day in active)))
    hit = [days for days, silent in quiet if silent]
    spared = [days for days, silent in quiet if not silent]
    pairs = [1 if high > low else 0.5 if high == low else 0 for high in hit for low in spared]
    assert found.auc() == pytest.approx(sum(pairs) / len(pairs))


def _near(value: object) -> float:
    return round(float(value), 3)  # type: ignore[arg-type]  # a Fraction
