"""What the operator's rules made of an account at instants of its past: its tier, and the service it was promised.

Each instant by the rules in force then, from what was known then. Before the first word about an account that one is
taken, and before a tier or service was first stated, that one where the rules give none.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from health_score.domain.account import Account
from health_score.domain.activity import Activity
from health_score.domain.circumstances import Circumstances
from health_score.domain.derived import Service
from health_score.domain.evidence import Evidence
from health_score.domain.facts.known import ACCOUNT, VALUE, Facts, Known
from health_score.domain.kpis.past import Past
from health_score.domain.kpis.steps import EVER, Steps, steps_of
from health_score.domain.rulebook import Rulebook
from health_score.domain.tiers import STATED, Record, tier_of

_INSTANT = timedelta(microseconds=1)
"""What holds at an instant is what holds right before the next microsecond."""

_TIER = "tier"
_POLICY = "service_policy"


def tiers(past: Past, rules: Rulebook) -> Steps:
    """An account's tier by instant: the one stated, else the one by rules."""
    facts, account = _facts(past), _account(past)
    looked_at = {_TIER, *STATED}
    moments = {
        EVER,
        *rules.tiers.turns(),
        *(each.at for each in facts.statements if each.kind == VALUE or not looked_at.isdisjoint(each.fields)),
        *(stated.at for name, stated in past.record.items() if name in looked_at),
    }
    first = _first(past, _TIER)
    known_at = _knowing(facts)
    said: list[tuple[datetime, str | None]] = []
    for moment in sorted(moments):
        until = moment + _INSTANT
        record = Record(account, known_at(until), until)
        tier, _ = tier_of(record, rules.tiers.until(until))
        said.append((moment, first if tier is None and not _is_stated(record, _TIER) else tier))
    return steps_of(said)


def services(past: Past, rules: Rulebook, instants: Iterable[datetime]) -> Mapping[datetime, Service | None]:
    """The service that an account was promised at each of these instants; None: none."""
    facts, account = _facts(past), _account(past)
    circumstances = Circumstances(account, Evidence(Activity(date.min), facts, journal=past.journal), rules)
    moments = sorted(
        {
            *rules.turns(),
            *(each.at for each in facts.statements),
            *(move.at for move in past.journal.moves),
            *(stated.at for stated in past.record.values()),
        }
    )
    first = _first(past, _POLICY)
    known_at = _knowing(facts)
    found: dict[datetime, Service | None] = {}
    service: Service | None = None
    looked_at = -1
    for instant in sorted(set(instants)):
        place = bisect_right(moments, instant)
        if place != looked_at:
            looked_at, until = place, instant + _INSTANT
            known = known_at(until)
            then = circumstances.until(until, known)
            service = then.service
            if service is None and first is not None and not _is_stated(Record(account, known, until), _POLICY):
                service = rules.policies.until(until).of(then.attributes, first)
        found[instant] = service
    return found


def _account(past: Past) -> Account:
    return Account(past.account_id, 0, stated=dict(past.record))


def _facts(past: Past) -> Facts:
    return Facts(tuple(each for each in past.statements if each.kind in {ACCOUNT, VALUE}), past.zone)


def _knowing(facts: Facts) -> Callable[[datetime], Known]:
    """Answers what is known right before rising instants; before the first word, what that one says."""
    replay = facts.replay()
    first = facts.statements[0].at + _INSTANT if facts.statements else EVER
    return lambda until: replay.until(max(until, first))


def _first(past: Past, name: str) -> Any:
    """What was first stated in a field of the account."""
    said = (each.fields[name] for each in past.statements if each.kind == ACCOUNT and name in each.fields)
    record = past.record.get(name)
    return next(said, record.value if record else None)


def _is_stated(record: Record, name: str) -> bool:
    """Whether anything was said of a field by then, be it that it is withdrawn."""
    thing = record.known.one(ACCOUNT)
    if thing is not None and thing.said_at(name) is not None:
        return True
    stated = record.account.stated.get(name)
    return stated is not None and stated.at < record.instant
