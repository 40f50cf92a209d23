"""Loading what scores are computed from, for many accounts at once."""

from collections.abc import Mapping
from datetime import date

from health_score.application.journal import decisions_of
from health_score.application.life_journal import journal_of
from health_score.application.ports import Work
from health_score.domain.account import Account
from health_score.domain.evidence import Evidence
from health_score.domain.metrics.catalogue import Needs


async def load_evidence(work: Work, wanted: Mapping[int, tuple[Account, date]], needs: Needs) -> Mapping[int, Evidence]:
    """The evidence of accounts (by number), each with its activity and the series needed from a day on."""
    since = {number: first for number, (_, first) in wanted.items()}
    activity = await (work.activity.since_with_lives if needs.of_life else work.activity.since)(since)
    series = await work.customs.since(since, needs.series)
    facts = await work.facts.of(list(wanted))
    decided = await work.decisions.of_accounts(list(wanted))
    return {
        number: Evidence(
            activity[number],
            facts[number].in_zone(account.zone),
            decisions_of(decided.get(number, ()), account.zone),
            series[number],
            journal_of(decided.get(number, ())),
        )
        for number, (account, _) in wanted.items()
    }
