"""Previews of rules: a draft over the whole portfolio, and which accounts would have another tier, service or stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec

from health_score.application.cards import Cards
from health_score.application.evidence import load_evidence
from health_score.application.studies import (
    ChangePlace,
    Kind,
    RunStudies,
    Standings,
    Study,
    StudyWork,
    complete,
    keep_step,
)
from health_score.domain.circumstances import Circumstances
from health_score.domain.closing import read_at
from health_score.domain.evidence import NOW, Evidence
from health_score.domain.living import looking
from health_score.domain.metrics.windows import Windows
from health_score.domain.rulebook import EVER, Rulebook
from health_score.domain.rules import Dated
from health_score.domain.selection import Bases, Deployment
from health_score.domain.stages import StageRules
from health_score.domain.tiers import ServicePolicies, TierRules
from health_score.rulebook.reading import Kind as RulesKind
from health_score.rulebook.reading import read_rules
from mainstay.kernel.clock import Clock


class RulesSpec(msgspec.Struct, frozen=True):
    """A preview as it was asked for."""

    kind: RulesKind
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RulesChange:
    """An account that would have another tier, service policy or stage by the draft; null: none. `reason`: why."""

    account_id: str
    before: str | None
    after: str | None
    rule: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class RulesMoves:
    """How many accounts would go from one tier, policy or stage to another, or stay."""

    before: str | None
    after: str | None
    accounts: int


@dataclass
class RulesPart:
    """What one step brought."""

    moves: tuple[RulesMoves, ...] = ()
    changes: tuple[RulesChange, ...] = ()


class RulesResult(msgspec.Struct):
    """All moves, also from one to itself."""

    moves: tuple[RulesMoves, ...] = ()


_spec = msgspec.json.Decoder(RulesSpec)
_part = msgspec.json.Decoder(RulesPart)
_result = msgspec.json.Decoder(RulesResult)
_json = msgspec.json.Encoder()


class StepRulesPreview:
    """One step of a preview of rules."""

    accounts = 500

    def __init__(self, cards: Cards, clock: Clock) -> None:
        self._cards = cards
        self._clock = clock

    async def __call__(self, work: StudyWork, study: Study) -> None:
        """Look at the next accounts by the draft; after the last, add up."""
        standings = await work.pasts.standings_after(study.after, self.accounts)
        if not standings:
            parts = [_part.decode(part.body) for part in await work.studies.parts(study, 0)]
            complete(
                study,
                _json.encode(RulesResult(_added(move for part in parts for move in part.moves))),
                self._clock.now(),
            )
            return
        spec, now = _spec.decode(study.spec), self._clock.now()
        deployment = await self._cards.deployment(work, now)
        draft = drafted(deployment.rules, read_rules(spec.kind, spec.document, catalogue=self._cards.catalogue))
        needs = deployment.needs.joined(draft.needs)
        if spec.kind is RulesKind.STAGES:
            needs = needs._replace(of_life=True)
        wanted = {each.account.number: (each.account, each.account.today(now) - needs.reach) for each in standings}
        evidence = await load_evidence(work, wanted, needs)
        tried = replace(deployment, rules=draft)
        changes = await work.in_thread(_preview, spec.kind, tried, standings, evidence, now)
        moves = _added(RulesMoves(each.before, each.after, 1) for each in changes)
        part = RulesPart(moves, tuple(each for each in changes if each.before != each.after))
        await keep_step(work, study, _json.encode(part), standings)


def drafted(rules: Rulebook, draft: StageRules | TierRules | ServicePolicies) -> Rulebook:
    """The rules with a draft in the place of one document, as if it had been in force all the time."""
    match draft:
        case StageRules():
            return replace(rules, stages=Dated((EVER,), (draft,)))
        case TierRules():
            return replace(rules, tiers=Dated((EVER,), (draft,)))
        case ServicePolicies():
            return replace(rules, policies=Dated((EVER,), (draft,)))


def _preview(
    kind: RulesKind,
    deployment: Deployment,
    accounts: Sequence[Standings],
    evidence: Mapping[int, Evidence],
    now: datetime,
) -> list[RulesChange]:
    look = {RulesKind.STAGES: _stage, RulesKind.TIERS: _tier, RulesKind.POLICIES: _policy}[kind]
    return [look(of, deployment, evidence[of.account.number], now) for of in accounts]


def _tier(of: Standings, deployment: Deployment, evidence: Evidence, now: datetime) -> RulesChange:
    account = of.account
    then = Circumstances(account, evidence, deployment.rules).until(
        now + NOW, evidence.facts.as_of(account.today(now), now)
    )
    by = then.tier_by
    return RulesChange(
        account.id, account.tier, then.attributes.tier, by.rule if by else None, by.reason if by else None
    )


def _policy(of: Standings, deployment: Deployment, evidence: Evidence, now: datetime) -> RulesChange:
    account = of.account
    known = evidence.facts.as_of(account.today(now), now)
    service = Circumstances(account, evidence, deployment.rules).until(now + NOW, known).service
    before = account.derived.service
    return RulesChange(
        account.id,
        before.policy if before else None,
        service.policy if service else None,
        service.by.rule if service else None,
        service.by.reason if service else None,
    )


def _stage(of: Standings, deployment: Deployment, evidence: Evidence, now: datetime) -> RulesChange:
    """The first move that the draft would make now, of accounts as they are."""
    account, rules = of.account, deployment.rules.stages.latest
    today = account.today(now)
    bases = Bases(account, evidence, deployment)
    windows = Windows(evidence.activity, today, today, deployment.needs.reach)
    reading, basis = read_at(windows, bases, today, account.seats.on(today), now=now)
    entry = bases.circumstances.stages.until(reading.known.before or now + NOW)
    stage = entry.stage if entry else None
    move = rules.next_move(stage, looking(rules, reading, basis, entry), now, ())
    if move is None:
        return RulesChange(account.id, stage, stage, None, None)
    return RulesChange(account.id, stage, move.stage, move.rule, move.reason)


def _added(moves: Any) -> tuple[RulesMoves, ...]:
    added: dict[tuple[str | None, str | None], int] = {}
    for move in moves:
        added[move.before, move.after] = added.get((move.before, move.after), 0) + move.accounts
    ordered = sorted(added.items(), key=lambda item: [(each is not None, each or "") for each in item[0]])
    return tuple(RulesMoves(before, after, accounts) for (before, after), accounts in ordered)


class RulesPreviews:
    """Begins previews of rules, and answers how far they are and what they found."""

    def __init__(self, studies: RunStudies) -> None:
        self._studies = studies

    async def begin(
        self, kind: RulesKind, document: Mapping[str, Any], *, by: str
    ) -> tuple[Study, RulesSpec, RulesResult | None]:
        """Preview a checked document. Small portfolios are done at once."""
        spec = _json.encode(RulesSpec(kind, dict(document)))
        return _found(await self._studies.begin(Kind.RULES, spec, b"", by=by))

    async def get(self, id_: str) -> tuple[Study, RulesSpec, RulesResult | None]:
        """A preview, and its moves once it is done. Raises `StudyUnknown`."""
        return _found(await self._studies.get(id_, Kind.RULES))

    async def changes(self, id_: str, after: ChangePlace, limit: int) -> Sequence[tuple[ChangePlace, RulesChange]]:
        """Up to `limit` changes behind a place, by account, each with its place. Raises `StudyUnknown`."""
        study = await self._studies.get(id_, Kind.RULES)
        return await self._studies.places_after(study, after, limit, lambda body: _part.decode(body).changes)

    async def cancel(self, id_: str) -> None:
        """Do no more of a preview. Raises `StudyUnknown`."""
        await self._studies.cancel(id_, Kind.RULES)


def _found(study: Study) -> tuple[Study, RulesSpec, RulesResult | None]:
    return study, _spec.decode(study.spec), None if study.result is None else _result.decode(study.result)
