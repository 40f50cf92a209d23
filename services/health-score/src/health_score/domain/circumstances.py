"""What an account is at any instant besides its figures: attributes by facts and rules, and the service promised."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

from health_score.domain.account import Account
from health_score.domain.conditions import ATTRIBUTES, Attributes
from health_score.domain.derived import Service
from health_score.domain.evidence import Evidence
from health_score.domain.facts.known import Known
from health_score.domain.rulebook import Rulebook
from health_score.domain.rules import By
from health_score.domain.stages import Stages, Word, stages_of, words_of
from health_score.domain.tiers import Record, tier_of


class Then(NamedTuple):
    """How it was at an instant: the attributes, where the tier comes from, and the service promised."""

    attributes: Attributes
    tier_by: By | None
    service: Service | None


@dataclass(frozen=True)
class Circumstances:
    """An account's circumstances, by what was stated and the rules in force."""

    account: Account
    evidence: Evidence
    rules: Rulebook

    @cached_property
    def stages(self) -> Stages:
        """The stages that the account entered."""
        words = words_of(self.evidence.facts)
        stated = self.account.stated.get("stage")
        if not words and stated is not None:
            words = [Word(stated.at, stated.by, stated.value)]
        return stages_of(words, self.evidence.journal.moves)

    def until(self, instant: datetime, known: Known) -> Then:
        """How it was right before an instant; `known` holds what facts said by then."""
        record = Record(self.account, known, instant)
        tier, tier_by = tier_of(record, self.rules.tiers.until(instant))
        entry = self.stages.until(max(instant, known.before or instant))
        attributes = attributes_until(self.account, known, instant)
        attributes = attributes._replace(tier=tier, stage=entry.stage if entry else None)
        service = self.rules.policies.until(instant).of(attributes, record.said("service_policy"))
        return Then(attributes, tier_by, service)


def attributes_until(account: Account, known: Known, instant: datetime) -> Attributes:
    """The attributes as stated before an instant: by the facts by then, else by the record as stated by then."""
    things = known.of("account")
    found: dict[str, str | None] = {}
    for name in ATTRIBUTES:
        value = next((said for thing in things if (said := thing.said(name)) is not None), None)
        stated = account.stated.get(name)
        if value is None and stated is not None and stated.at < instant:
            value = stated.value
        found[name] = value
    return Attributes(**found)
